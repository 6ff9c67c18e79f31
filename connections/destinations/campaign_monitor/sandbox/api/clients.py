"""One client: its details, its lists, its suppression list."""

from collections.abc import Callable
from typing import Any

from connections.destinations.campaign_monitor.sandbox import defaults
from connections.destinations.campaign_monitor.sandbox.answers import Answer, ApiError
from connections.destinations.campaign_monitor.sandbox.api.account import basics
from connections.destinations.campaign_monitor.sandbox.api.subscribers import suppress as put_on_suppression_list
from connections.destinations.campaign_monitor.sandbox.calls import Body, Call
from connections.destinations.campaign_monitor.sandbox.model import Client, Suppression, key_of
from connections.destinations.campaign_monitor.sandbox.paging import Paging
from connections.destinations.campaign_monitor.sandbox.routes import ACCOUNT, PEOPLE, route


@route("GET", "/clients/<client>")
def details(_call: Call, client: Client) -> Answer:
    """With the client's live key, as the vendor answers it."""
    prices = ("BaseRatePerRecipient", "MarkupPerRecipient", "MarkupOnDelivery", "BaseDeliveryRate")
    billing = {
        "CanPurchaseCredits": False,
        "Credits": 0,
        "ClientPays": False,
        **dict.fromkeys(prices, 0.0),
        "Currency": "EUR",
        "BaseDesignSpamTestRate": 0.0,
    }
    basics = {
        "ClientID": client.id,
        "CompanyName": client.name,
        "ContactName": defaults.OWNER_NAME,
        "EmailAddress": defaults.OWNER_EMAIL,
        "Country": client.country,
        "TimeZone": client.time_zone,
    }
    return Answer(
        value={
            "ApiKey": client.api_key,
            "AccessDetails": {"Username": defaults.OWNER_EMAIL, "AccessLevel": 63},
            "BasicDetails": basics,
            "BillingDetails": billing,
        }
    )


@route("PUT", "/clients/<client>/setbasics", scopes=ACCOUNT)
def set_basics(call: Call, client: Client) -> Answer:
    """Another name, country or time zone. Dates that are written already stay as they are."""
    client.name, client.country, client.time_zone = basics(Body.of(call, "client"))
    with call.store.change() as change:
        change.client(client)
    return Answer()


@route("DELETE", "/clients/<client>", account_only=True, scopes=ACCOUNT)
def delete(call: Call, client: Client) -> Answer:
    """The client, with its lists."""
    with call.store.change() as change:
        for each in call.store.lists_of(client.id):
            del call.store.lists[each.id]
            change.list_gone(each)
        del call.store.clients[client.id]
        change.client_gone(client)
    return Answer()


@route("GET", "/clients/<client>/lists")
def lists(call: Call, client: Client) -> Answer:
    """All of them at once, by title."""
    return Answer(value=[{"ListID": each.id, "Name": each.title} for each in call.store.lists_of(client.id)])


@route("GET", "/clients/<client>/listsforemail")
def lists_for_email(call: Call, client: Client) -> Answer:
    """Every list that an address ever was on."""
    key = key_of(call.parameters.get("email", ""))
    found = [(each, each.people.get(key)) for each in call.store.lists_of(client.id)]
    return Answer(
        value=[
            {
                "ListID": each.id,
                "ListName": each.title,
                "SubscriberState": person.state,
                "DateSubscriberAdded": person.joined,
            }
            for each, person in found
            if person is not None
        ]
    )


@route("GET", "/clients/<client>/segments")
def segments(_call: Call, client: Client) -> Answer:
    """None: this sandbox keeps no segments."""
    return Answer(value=[])


@route("GET", "/clients/<client>/people")
def people(_call: Call, client: Client) -> Answer:
    """Who may work on this client."""
    owner = {
        "EmailAddress": defaults.OWNER_EMAIL,
        "Name": defaults.OWNER_NAME,
        "Status": "Active",
        "AccessLevel": 63,
    }
    return Answer(value=[owner])


@route("GET", "/clients/<client>/primarycontact")
def primary_contact(_call: Call, client: Client) -> Answer:
    return Answer(value={"EmailAddress": defaults.OWNER_EMAIL})


@route("GET", "/clients/<client>/suppressionlist", scopes=PEOPLE)
def suppression_list(call: Call, client: Client) -> Answer:
    """Addresses that may not be mailed, page by page."""
    paging = Paging.of(call, "email", "date")
    by: dict[str, Callable[[Suppression], Any]] = {
        "email": lambda each: key_of(each.email),
        "date": lambda each: (each.date, each.email),
    }
    found = sorted(client.suppressions.values(), key=by[paging.order])
    return paging.envelope(found, _suppressed)


@route("POST", "/clients/<client>/suppress", scopes=PEOPLE)
def suppress(call: Call, client: Client) -> Answer:
    """Where these addresses are on lists, their states stay as they are."""
    emails = Body.of(call, "emailAddresses").texts("EmailAddresses")
    with call.store.change() as change:
        put_on_suppression_list(change, client, emails, reason="Reason Unavailable", moment=client.now())
    return Answer()


@route("PUT", "/clients/<client>/unsuppress", scopes=PEOPLE)
def unsuppress(call: Call, client: Client) -> Answer:
    """Mailing the address is allowed again; 176 when it was."""
    key = key_of(call.parameters.get("email", ""))
    if key not in client.suppressions:
        raise ApiError(176)
    with call.store.change() as change:
        del client.suppressions[key]
        change.unsuppressed(client, key)
    return Answer()


def _suppressed(each: Suppression) -> dict[str, str]:
    return {
        "SuppressionReason": each.reason,
        "EmailAddress": each.email,
        "Date": each.date,
        "State": "Suppressed",
    }
