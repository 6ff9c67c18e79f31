"""What an account holds: clients, their lists, the people on them. Plain values; nothing here knows HTTP."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from connections.destinations.campaign_monitor.sandbox.vocabulary import ZONES

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


class Clock:
    """The clock of the sandbox, which tests set ahead to let time pass."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)


clock = Clock()


UTC_ZONE = "(GMT) Coordinated Universal Time"


def now(time_zone: str = UTC_ZONE) -> str:
    """This moment as the API writes it: ``YYYY-MM-DD HH:MM:SS``, in a time zone by its name over there. A name
    that is not known is UTC."""
    zone = ZoneInfo(ZONES.get(time_zone, "UTC"))
    return (datetime.now(UTC) + clock.ahead).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


def key_of(email: str) -> str:
    """What an address is told apart by: blanks around it and case do not matter."""
    return email.strip().lower()


def with_arrival(arrivals: tuple[Arrival, ...], arrival: Arrival) -> tuple[Arrival, ...]:
    """The last arrivals, with one more."""
    return (*arrivals, arrival)[-ARRIVALS_KEPT:]


@dataclass(slots=True)
class Person:
    """Somebody on one list. ``fields`` holds values by the field's id (a list of them where many may be chosen);
    ``consent`` is Yes, No or, when nobody ever said, empty. A person stays here also when deleted."""

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
        """All of it, in the order in which it is made again."""
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
    """A field of a list. Its ``id`` is ours and never changes; the key follows the name."""

    id: str
    name: str
    data_type: str
    options: list[str]
    visible: bool = True

    @property
    def key(self) -> str:
        """As the API spells it: the name without spaces, in square brackets."""
        return f"[{self.name.replace(' ', '')}]"


@dataclass(slots=True)
class Webhook:
    """Somebody who wishes to be told. Kept and shown; this sandbox calls nobody."""

    id: str
    events: list[str]
    url: str
    payload_format: str
    active: bool = True


@dataclass(slots=True)
class Suppression:
    """An address that the client may not mail, and why."""

    email: str
    reason: str
    date: str


@dataclass(slots=True)
class Token:
    """An OAuth token. ``scopes`` None means all of them."""

    token: str
    expires_at: float
    scopes: list[str] | None = None
    revoked: bool = False


@dataclass(slots=True)
class Authorization:
    """That somebody was let in, by the refresh token that goes with it."""

    refresh_token: str
    scopes: list[str] | None = None
    revoked: bool = False


@dataclass(slots=True)
class Client:
    """A client of the account: its own key, its lists, one suppression list."""

    id: str
    name: str
    country: str
    time_zone: str
    api_key: str
    suppressions: dict[str, Suppression] = field(default_factory=dict)

    def now(self) -> str:
        """This moment in the client's time zone, in which all dates of its lists are."""
        return now(self.time_zone)


@dataclass(slots=True)
class MailingList:
    """A list: how it is set up, and everybody who ever was on it."""

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
    people: dict[str, Person] = field(default_factory=dict)
    # How many are in a state since which day; kept up by add, move and remove.
    days: Counter[tuple[str, str]] = field(default_factory=Counter)
    generation: int = 0
    _sorted: dict[tuple[str, str], tuple[int, list[Person]]] = field(default_factory=dict)
    _spellings: dict[str, CustomField | None] = field(default_factory=dict)

    @property
    def minds_suppressions(self) -> bool:
        return self.unsubscribe_setting == ALL_LISTS

    def add(self, person: Person) -> None:
        """Put somebody on the list, in place of whoever had the address."""
        key = key_of(person.email)
        if key in self.people:
            self.remove(key)
        self.people[key] = person
        self.days[person.state, person.changed[:10]] += 1

    def add_many(self, people: dict[str, Person], state: str, moment: str) -> None:
        """Put many on the list at once: all new here, in one state, by their keys."""
        self.people.update(people)
        self.days[state, moment[:10]] += len(people)

    def move(self, person: Person, state: str, moment: str) -> None:
        """Put somebody into another state; nothing happens to one who is in it already."""
        if person.state == state:
            return
        self.days[person.state, person.changed[:10]] -= 1
        person.state, person.changed = state, moment
        self.days[state, moment[:10]] += 1

    def remove(self, key: str) -> None:
        """Forget an address altogether (only a change of address does that)."""
        person = self.people.pop(key)
        self.days[person.state, person.changed[:10]] -= 1

    def recount(self) -> None:
        """Count everybody from the beginning, after they were put here without counting."""
        self.days = Counter((person.state, person.changed[:10]) for person in self.people.values())

    def counts(self) -> dict[str, int]:
        """How many are in each state."""
        totals = dict.fromkeys(STATES, 0)
        for (state, _day), count in self.days.items():
            totals[state] += count
        return totals

    def in_order(self, state: str, order: str) -> list[Person]:
        """Those in ``state`` ("" for everybody), by email, name or date; sorted once per change of the list."""
        known = self._sorted.get((state, order))
        if known is None or known[0] != self.generation:
            people: Iterable[Person] = self.people.values()
            chosen = [person for person in people if not state or person.state == state]
            chosen.sort(key=_ORDERS[order])
            self._sorted[state, order] = known = (self.generation, chosen)
        return known[1]

    def since(self, state: str, order: str, moment: str) -> list[Person]:
        """Those who came into ``state`` at that moment or later, in the same orders."""
        people: Iterable[Person] = self.people.values()
        chosen = [person for person in people if person.changed >= moment and person.state == state]
        return sorted(chosen, key=_ORDERS[order])

    def field_by_key(self, spelling: str) -> CustomField | None:
        """The field meant by a key, however it is spelled: with brackets or without, in any case."""
        if spelling not in self._spellings:
            if len(self._spellings) > 1000:
                self._spellings.clear()
            bare = _bare(spelling)
            found = next((each for each in self.fields.values() if _bare(each.name) == bare), None)
            self._spellings[spelling] = found
        return self._spellings[spelling]

    def forget_spellings(self) -> None:
        """To be called when a field comes, goes or changes its name."""
        self._spellings.clear()


_ORDERS = {
    "email": lambda person: person.email.lower(),
    "name": lambda person: (person.name.lower(), person.email),
    "date": lambda person: (person.changed, person.email),
}


def _bare(spelling: str) -> str:
    return spelling.strip().removeprefix("[").removesuffix("]").replace(" ", "").lower()
