"""Define the data of the sandbox account: clients, lists, subscribers, tokens, and what a fresh account contains.

Countries, US states and time zones are read from data/, spelled and ordered as in the test data of the vendor's
official clients. IDs of a fresh account are fixed, so that files, demos and tests can name them.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson

ACTIVE, UNCONFIRMED, UNSUBSCRIBED, BOUNCED, DELETED = STATES = (
    "Active",
    "Unconfirmed",
    "Unsubscribed",
    "Bounced",
    "Deleted",
)
ALL_LISTS, THIS_LIST = SCOPES = ("AllClientLists", "OnlyThisList")
ARRIVALS_KEPT = 10
# When, by which call, and with which code (0: taken).
Arrival = tuple[str, str, int]
UTC_ZONE = "(GMT) Coordinated Universal Time"
_DATA_DIR = Path(__file__).parent / "data"
API_KEY = "sandbox-api-key"
CLIENT_API_KEY = "sandbox-client-api-key"
CLIENT_ID = "c11e0000000000000000000000000001"
LIST_ID = "a1150000000000000000000000000001"
OWNER_EMAIL = "owner@example.com"
OWNER_NAME = "Sandbox Owner"
# For the consent page, when there is one.
OWNER_PASSWORD = "sandbox"  # noqa: S105 - a public password of a public sandbox
OAUTH_CLIENT_ID = 100001
OAUTH_CLIENT_SECRET = "sandbox-secret"  # noqa: S105


def _read_data(name: str) -> Any:
    return orjson.loads((_DATA_DIR / name).read_bytes())


COUNTRIES: tuple[str, ...] = tuple(_read_data("countries.json"))
US_STATES: tuple[str, ...] = tuple(_read_data("us_states.json"))
ZONES: dict[str, str] = _read_data("time_zones.json")  # IANA zones by the vendor's names
TIME_ZONES: tuple[str, ...] = tuple(ZONES)


class Clock:
    """Hold the offset of the sandbox clock, which tests set to let time pass."""

    def __init__(self) -> None:
        self.offset = timedelta(0)


clock = Clock()


def now(time_zone: str = UTC_ZONE) -> str:
    """Return the present moment as the API writes it, ``YYYY-MM-DD HH:MM:SS``, in a time zone by its vendor name.
    An unknown name is UTC."""
    zone = ZoneInfo(ZONES.get(time_zone, "UTC"))
    return (datetime.now(UTC) + clock.offset).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


def key_of(email: str) -> str:
    """Normalize an email address for comparison: without blanks around it, in lower case."""
    return email.strip().lower()


def with_arrival(arrivals: tuple[Arrival, ...], arrival: Arrival) -> tuple[Arrival, ...]:
    """Append an arrival to the last arrivals of a subscriber."""
    return (*arrivals, arrival)[-ARRIVALS_KEPT:]


@dataclass(slots=True)
class Subscriber:
    """A subscriber of one list. ``fields`` maps IDs of custom fields to values (lists of options for multi-select
    fields); ``consent`` is Yes, No, or empty if never given. Deleted subscribers stay here."""

    email: str
    name: str
    fields: dict[str, Any]
    state: str
    consent: str
    joined: str
    changed: str
    received: int
    arrivals: tuple[Arrival, ...]
    mobile: str = ""
    sms: str = ""

    def row(self) -> tuple[Any, ...]:
        """Return all values in the order of the constructor, as the journal stores them."""
        return (
            self.email,
            self.name,
            self.fields,
            self.state,
            self.consent,
            self.joined,
            self.changed,
            self.received,
            self.arrivals,
            self.mobile,
            self.sms,
        )


@dataclass(slots=True)
class CustomField:
    """A custom field of a list. Its ``id`` never changes; the key follows the name."""

    id: str
    name: str
    data_type: str
    options: list[str]
    visible: bool = True

    @property
    def key(self) -> str:
        """Return the key as the API writes it: the name without spaces, in square brackets."""
        return f"[{self.name.replace(' ', '')}]"


@dataclass(slots=True)
class Webhook:
    """A registered webhook, which is called for its events."""

    id: str
    events: list[str]
    url: str
    payload_format: str
    active: bool = True


@dataclass(slots=True)
class Suppression:
    """An address that the client may not mail, with the reason."""

    email: str
    reason: str
    date: str


@dataclass(slots=True)
class Token:
    """An OAuth access token. ``scopes`` None means all scopes."""

    token: str
    expires_at: float
    scopes: list[str] | None = None
    revoked: bool = False


@dataclass(slots=True)
class Authorization:
    """An OAuth authorization, identified by its refresh token."""

    refresh_token: str
    scopes: list[str] | None = None
    revoked: bool = False


@dataclass(slots=True)
class Client:
    """A client of the account, with its own API key, lists and suppression list."""

    id: str
    name: str
    country: str
    time_zone: str
    api_key: str
    suppressions: dict[str, Suppression] = field(default_factory=dict)

    def now(self) -> str:
        """Return the present moment in the client's time zone, which all dates of its lists use."""
        return now(self.time_zone)


@dataclass(slots=True)
class MailingList:
    """A list: its settings, and every subscriber it ever had."""

    id: str
    client_id: str
    title: str
    unsubscribe_page: str = ""
    confirmation_page: str = ""
    confirmed_opt_in: bool = False
    unsubscribe_setting: str = ALL_LISTS
    fields: dict[str, CustomField] = field(default_factory=dict)
    webhooks: dict[str, Webhook] = field(default_factory=dict)
    next_field: int = 1
    subscribers: dict[str, Subscriber] = field(default_factory=dict)
    # How many are in a state since which day; kept up by add, move and remove.
    days: Counter[tuple[str, str]] = field(default_factory=Counter)
    generation: int = 0
    _sorted: dict[tuple[str, str], tuple[int, list[Subscriber]]] = field(default_factory=dict)
    _spellings: dict[str, CustomField | None] = field(default_factory=dict)
    # What webhooks are still to be told: the event, of which subscriber, and the former address.
    noted: list[tuple[str, Subscriber, str]] = field(default_factory=list)

    @property
    def applies_suppressions(self) -> bool:
        return self.unsubscribe_setting == ALL_LISTS

    def add(self, subscriber: Subscriber) -> None:
        """Add a subscriber, replacing any with the same address."""
        key = key_of(subscriber.email)
        if key in self.subscribers:
            self.remove(key)
        self.subscribers[key] = subscriber
        self.days[subscriber.state, subscriber.changed[:10]] += 1

    def add_many(self, subscribers: dict[str, Subscriber], state: str, moment: str) -> None:
        """Add new subscribers by key, all in one state."""
        self.subscribers.update(subscribers)
        self.days[state, moment[:10]] += len(subscribers)
        if state == ACTIVE:
            for subscriber in subscribers.values():
                self.note("Subscribe", subscriber)

    def move(self, subscriber: Subscriber, state: str, moment: str) -> None:
        """Change the state of a subscriber, unless it is in that state already."""
        if subscriber.state == state:
            return
        self.days[subscriber.state, subscriber.changed[:10]] -= 1
        subscriber.state, subscriber.changed = state, moment
        self.days[state, moment[:10]] += 1
        if state != UNCONFIRMED:
            self.note("Subscribe" if state == ACTIVE else "Deactivate", subscriber)

    def note(self, event: str, subscriber: Subscriber, old_email: str = "") -> None:
        """Note an event for the webhooks of the list, if it has any."""
        if self.webhooks:
            self.noted.append((event, subscriber, old_email))

    def remove(self, key: str) -> None:
        """Remove an address altogether. Only a change of address does that."""
        subscriber = self.subscribers.pop(key)
        self.days[subscriber.state, subscriber.changed[:10]] -= 1

    def recount(self) -> None:
        """Count all subscribers again, after they were loaded without counting."""
        self.days = Counter(
            (subscriber.state, subscriber.changed[:10]) for subscriber in self.subscribers.values()
        )

    def counts(self) -> dict[str, int]:
        """Count the subscribers in each state."""
        totals = dict.fromkeys(STATES, 0)
        for (state, _day), count in self.days.items():
            totals[state] += count
        return totals

    def in_order(self, state: str, order: str) -> list[Subscriber]:
        """Return the subscribers in ``state`` (all for "") by email, name or date. They are sorted once per change
        of the list."""
        known = self._sorted.get((state, order))
        if known is None or known[0] != self.generation:
            subscribers: Iterable[Subscriber] = self.subscribers.values()
            chosen = [subscriber for subscriber in subscribers if not state or subscriber.state == state]
            chosen.sort(key=_ORDERS[order])
            self._sorted[state, order] = known = (self.generation, chosen)
        return known[1]

    def since(self, state: str, order: str, moment: str) -> list[Subscriber]:
        """Return the subscribers that came into ``state`` at a moment or later, in the same orders."""
        subscribers: Iterable[Subscriber] = self.subscribers.values()
        chosen = [
            subscriber for subscriber in subscribers if subscriber.changed >= moment and subscriber.state == state
        ]
        return sorted(chosen, key=_ORDERS[order])

    def field_by_key(self, spelling: str) -> CustomField | None:
        """Find a custom field by its key, with or without brackets, in any case."""
        if spelling not in self._spellings:
            if len(self._spellings) > 1000:
                self._spellings.clear()
            bare = _bare(spelling)
            found = next((each for each in self.fields.values() if _bare(each.name) == bare), None)
            self._spellings[spelling] = found
        return self._spellings[spelling]

    def forget_spellings(self) -> None:
        """Clear the cache of keys. Call it when a field is added, renamed or deleted."""
        self._spellings.clear()


def default_client() -> Client:
    """Create the client of a fresh account."""
    return Client(
        id=CLIENT_ID,
        name="Sandbox client",
        country="Finland",
        time_zone=UTC_ZONE,
        api_key=CLIENT_API_KEY,
    )


def default_list() -> MailingList:
    """Create the list of a fresh account."""
    types = {"City": "Text", "Country": "Text", "BirthDate": "Date", "Language": "Text"}
    fields = {
        str(number): CustomField(id=str(number), name=name, data_type=data_type, options=[])
        for number, (name, data_type) in enumerate(types.items(), start=1)
    }
    return MailingList(
        id=LIST_ID, client_id=CLIENT_ID, title="Newsletter", fields=fields, next_field=len(fields) + 1
    )


_ORDERS = {
    "email": lambda subscriber: subscriber.email.lower(),
    "name": lambda subscriber: (subscriber.name.lower(), subscriber.email),
    "date": lambda subscriber: (subscriber.changed, subscriber.email),
}


def _bare(spelling: str) -> str:
    return spelling.strip().removeprefix("[").removesuffix("]").replace(" ", "").lower()
