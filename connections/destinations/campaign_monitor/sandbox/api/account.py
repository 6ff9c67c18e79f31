"""The account itself. A client's key reaches the words and the clock here, and nothing else."""

from uuid import uuid4

from connections.destinations.campaign_monitor.sandbox import defaults
from connections.destinations.campaign_monitor.sandbox.answers import Answer, ApiError
from connections.destinations.campaign_monitor.sandbox.calls import Body, Call
from connections.destinations.campaign_monitor.sandbox.model import Client, now
from connections.destinations.campaign_monitor.sandbox.routes import ACCOUNT, route
from connections.destinations.campaign_monitor.sandbox.vocabulary import COUNTRIES, TIME_ZONES


@route("GET", "/clients", account_only=True)
def clients(call: Call) -> Answer:
    """All clients, by name."""
    found = sorted(call.store.clients.values(), key=lambda client: client.name.lower())
    return Answer(value=[{"ClientID": client.id, "Name": client.name} for client in found])


@route("POST", "/clients", account_only=True, scopes=ACCOUNT)
def create_client(call: Call) -> Answer:
    """A further client, with a key and a suppression list of its own."""
    name, country, time_zone = basics(Body.of(call, "client"))
    client = Client(uuid4().hex, name, country, time_zone, uuid4().hex)
    with call.store.change() as change:
        call.store.clients[client.id] = client
        change.client(client)
    return Answer(201, client.id)


def basics(body: Body) -> tuple[str, str, str]:
    """Name, country and time zone of a client, or errors 152, 154 and 157."""
    name, country, time_zone = body.text("CompanyName").strip(), body.text("Country"), body.text("TimeZone")
    for code, good in ((152, name), (154, country in COUNTRIES), (157, time_zone in TIME_ZONES)):
        if not good:
            raise ApiError(code)
    return name, country, time_zone


@route("GET", "/billingdetails", account_only=True)
def billing_details(_call: Call) -> Answer:
    return Answer(value={"Credits": 0})


@route("GET", "/systemdate")
def system_date(call: Call) -> Answer:
    """In the time zone of the account; dates of lists are in those of their clients."""
    return Answer(value={"SystemDate": now(call.store.time_zone)})


@route("GET", "/countries")
def countries(_call: Call) -> Answer:
    return Answer(value=list(COUNTRIES))


@route("GET", "/timezones")
def time_zones(_call: Call) -> Answer:
    return Answer(value=list(TIME_ZONES))


@route("GET", "/primarycontact", account_only=True)
def primary_contact(_call: Call) -> Answer:
    return Answer(value={"EmailAddress": defaults.OWNER_EMAIL})


@route("GET", "/admins", account_only=True)
def administrators(_call: Call) -> Answer:
    owner = {"EmailAddress": defaults.OWNER_EMAIL, "Name": defaults.OWNER_NAME, "Status": "Active"}
    return Answer(value=[owner])
