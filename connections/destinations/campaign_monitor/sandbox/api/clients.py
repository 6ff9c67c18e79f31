"""Answer calls about the account and its clients: details, lists, suppression list. A client key reaches only the
countries, the time zones and the clock of the account."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from connections.destinations.campaign_monitor.sandbox import model
from connections.destinations.campaign_monitor.sandbox.api.subscribers import suppress as put_on_suppression_list
from connections.destinations.campaign_monitor.sandbox.calls import ACCOUNT, SUBSCRIBERS, Body, Call, Paging, route
from connections.destinations.campaign_monitor.sandbox.http_messages import Answer, ApiError
from connections.destinations.campaign_monitor.sandbox.model import (
    COUNTRIES,
    TIME_ZONES,
    Client,
    Suppression,
    key_of,
    now,
)


@route("GET", "/clients", account_only=True)
def all_clients(call: Call) -> Answer:
    """Return all clients by name."""
    found = sorted(call.store.clients.values(), key=lambda client: client.name.lower())
    return Answer(value=[{"ClientID": client.id, "Name": client.name} for client in found])


@route("POST", "/clients", account_only=True, scopes=ACCOUNT)
def create_client(call: Call) -> Answer:
    """Create a client with an API key and a suppression list of its own."""
    name, country, time_zone = read_basics(Body.of(call, "client"))
    client = Client(uuid4().hex, name, country, time_zone, uuid4().hex)
    with call.store.change() as change:
        call.store.clients[client.id] = client
        change.client(client)
    return Answer(201, client.id)


@route("GET", "/billingdetails", account_only=True)
def billing_details(_call: Call) -> Answer:
    return Answer(value={"Credits": 0})


@route("GET", "/systemdate")
def system_date(call: Call) -> Answer:
    """Return the time in the time zone of the account; dates of lists use those of their clients."""
    return Answer(value={"SystemDate": now(call.store.time_zone)})


@route("GET", "/countries")
def countries(_call: Call) -> Answer:
    return Answer(value=list(COUNTRIES))


@route("GET", "/timezones")
def time_zones(_call: Call) -> Answer:
    return Answer(value=list(TIME_ZONES))


@route("GET", "/primarycontact", account_only=True)
def account_contact(_call: Call) -> Answer:
    return Answer(value={"EmailAddress": model.OWNER_EMAIL})


@route("GET", "/admins", account_only=True)
def administrators(_call: Call) -> Answer:
    owner = {"EmailAddress": model.OWNER_EMAIL, "Name": model.OWNER_NAME, "Status": "Active"}
    return Answer(value=[owner])


@route("GET", "/clients/<client>")
def details(_call: Call, client: Client) -> Answer:
    """Return the details of a client, with its API key as the vendor does."""
    prices = ("BaseRatePerRecipient", "MarkupPerRecipient", "MarkupOnDelivery", "BaseDeliveryRate")
    billing = {
        "CanPurchaseCredits": False,
        "Credits": 0,
        "ClientPays": False,
        **dict.fromkeys(prices, 0.0),
        "Currency": "EUR",
        "BaseDesignSpamTestRate": 0.0,
    }
    read_basics = {
        "ClientID": client.id,
        "CompanyName": client.name,
        "ContactName": model.OWNER_NAME,
        "EmailAddress": model.OWNER_EMAIL,
        "Country": client.country,
        "TimeZone": client.time_zone,
    }
    return Answer(
        value={
            "ApiKey": client.api_key,
            "AccessDetails": {"Username": model.OWNER_EMAIL, "AccessLevel": 63},
            "BasicDetails": read_basics,
            "BillingDetails": billing,
        }
    )


@route("PUT", "/clients/<client>/setbasics", scopes=ACCOUNT)
def set_basics(call: Call, client: Client) -> Answer:
    """Change name, country and time zone of a client. Stored dates stay as they are."""
    client.name, client.country, client.time_zone = read_basics(Body.of(call, "client"))
    with call.store.change() as change:
        change.client(client)
    return Answer()


@route("DELETE", "/clients/<client>", account_only=True, scopes=ACCOUNT)
def delete(call: Call, client: Client) -> Answer:
    """Delete a client with its lists."""
    with call.store.change() as change:
        for each in call.store.lists_of(client.id):
            del call.store.lists[each.id]
            change.list_gone(each)
        del call.store.clients[client.id]
        change.client_gone(client)
    return Answer()


@route("GET", "/clients/<client>/lists")
def lists(call: Call, client: Client) -> Answer:
    """Return all lists of a client by title, unpaged."""
    return Answer(value=[{"ListID": each.id, "Name": each.title} for each in call.store.lists_of(client.id)])


@route("GET", "/clients/<client>/listsforemail")
def lists_for_email(call: Call, client: Client) -> Answer:
    """Return every list that an address was ever on."""
    key = key_of(call.parameters.get("email", ""))
    found = [(each, each.subscribers.get(key)) for each in call.store.lists_of(client.id)]
    return Answer(
        value=[
            {
                "ListID": each.id,
                "ListName": each.title,
                "SubscriberState": subscriber.state,
                "DateSubscriberAdded": subscriber.joined,
            }
            for each, subscriber in found
            if subscriber is not None
        ]
    )


@route("GET", "/clients/<client>/segments")
def segments(_call: Call, client: Client) -> Answer:
    """Return no segments: the sandbox stores none."""
    return Answer(value=[])


@route("GET", "/clients/<client>/people")
def people(_call: Call, client: Client) -> Answer:
    """Return the users who may work on a client."""
    owner = {
        "EmailAddress": model.OWNER_EMAIL,
        "Name": model.OWNER_NAME,
        "Status": "Active",
        "AccessLevel": 63,
    }
    return Answer(value=[owner])


@route("GET", "/clients/<client>/primarycontact")
def primary_contact(_call: Call, client: Client) -> Answer:
    return Answer(value={"EmailAddress": model.OWNER_EMAIL})


@route("GET", "/clients/<client>/suppressionlist", scopes=SUBSCRIBERS)
def suppression_list(call: Call, client: Client) -> Answer:
    """Return a page of the suppression list."""
    paging = Paging.of(call, "email", "date")
    by: dict[str, Callable[[Suppression], Any]] = {
        "email": lambda each: key_of(each.email),
        "date": lambda each: (each.date, each.email),
    }
    found = sorted(client.suppressions.values(), key=by[paging.order])
    return paging.envelope(found, _suppressed)


@route("POST", "/clients/<client>/suppress", scopes=SUBSCRIBERS)
def suppress(call: Call, client: Client) -> Answer:
    """Add addresses to the suppression list. Their states on lists stay."""
    emails = Body.of(call, "emailAddresses").texts("EmailAddresses")
    with call.store.change() as change:
        put_on_suppression_list(change, client, emails, reason="Reason Unavailable", moment=client.now())
    return Answer()


@route("PUT", "/clients/<client>/unsuppress", scopes=SUBSCRIBERS)
def unsuppress(call: Call, client: Client) -> Answer:
    """Remove an address from the suppression list; error 176 if it is not on it."""
    key = key_of(call.parameters.get("email", ""))
    if key not in client.suppressions:
        raise ApiError(176)
    with call.store.change() as change:
        del client.suppressions[key]
        change.unsuppressed(client, key)
    return Answer()


def read_basics(body: Body) -> tuple[str, str, str]:
    """Read name, country and time zone of a client. Raises errors 152, 154 and 157."""
    name, country, time_zone = body.text("CompanyName").strip(), body.text("Country"), body.text("TimeZone")
    for code, good in ((152, name), (154, country in COUNTRIES), (157, time_zone in TIME_ZONES)):
        if not good:
            raise ApiError(code)
    return name, country, time_zone


def _suppressed(each: Suppression) -> dict[str, str]:
    return {
        "SuppressionReason": each.reason,
        "EmailAddress": each.email,
        "Date": each.date,
        "State": "Suppressed",
    }
