"""What becomes of a row: taken as new, taken as existing, or refused by the state that the address is in."""

from dataclasses import dataclass, field
from typing import Any

from connections.destinations.campaign_monitor.sandbox.answers import MESSAGES
from connections.destinations.campaign_monitor.sandbox.model import (
    ACTIVE,
    BOUNCED,
    DELETED,
    UNCONFIRMED,
    UNSUBSCRIBED,
    Arrival,
    Client,
    MailingList,
    Person,
    with_arrival,
)
from connections.destinations.campaign_monitor.sandbox.rows import Incoming
from connections.destinations.campaign_monitor.sandbox.store import Change, Store

_REFUSED_BY_STATE = {DELETED: 205, UNSUBSCRIBED: 206, BOUNCED: 207, UNCONFIRMED: 208}


@dataclass
class Taken:
    """What became of the rows of one request, each address counted once."""

    new: int = 0
    existing: int = 0
    failures: list[dict[str, Any]] = field(default_factory=list)

    def refuse(self, email: str, code: int, message: str = "") -> None:
        self.failures.append({"EmailAddress": email, "Code": code, "Message": message or MESSAGES[code]})


class Taking:
    """Takes rows onto one list, inside one change of the store."""

    def __init__(
        self, store: Store, change: Change, mailing_list: MailingList, *, by: str, resubscribe: bool, moment: str
    ) -> None:
        self.list = mailing_list
        self.client: Client = store.clients[mailing_list.client_id]
        self.siblings = [
            each
            for each in store.lists.values()
            if each.client_id == mailing_list.client_id and each is not mailing_list and each.people
        ]
        self.change = change
        self.by, self.resubscribe, self.moment = by, resubscribe, moment
        self.taken = Taken()
        self._state = UNCONFIRMED if mailing_list.confirmed_opt_in else ACTIVE
        self._welcome: tuple[Arrival, ...] = ((moment, by, 0),)
        # People who came together so far share their arrivals, and do so from now on.
        self._histories: dict[tuple[int, int], tuple[tuple[Arrival, ...], tuple[Arrival, ...]]] = {}
        self._new: dict[str, Person] = {}
        self._touched: list[Person] = []
        self._siblings_touched: dict[str, list[Person]] = {}

    def take(self, incoming: Incoming) -> None:
        """Take one row whose own checks passed."""
        person = self.list.people.get(incoming.key)
        if person is None:
            self._welcome_new(incoming)
            return
        code = 0 if self.resubscribe else self.refusal(person, incoming.key)
        self._arrive(person, code)
        if code:
            self.taken.refuse(incoming.email, code)
            return
        self.apply(person, incoming)
        if person.state != ACTIVE:
            self._bring_back(person)
        self.taken.existing += 1

    def refuse(self, incoming: Incoming, code: int, message: str = "") -> None:
        """Refuse a row for a reason of its own; somebody who is on the list keeps the record of it."""
        if person := self.list.people.get(incoming.key):
            self._arrive(person, code)
        self.taken.refuse(incoming.email, code, message)

    def finish(self) -> Taken:
        """Name everything that changed; to be called once, at the end."""
        if self._new:
            self.list.add_many(self._new, self._state, self.moment)
        people = [*self._new.values(), *self._touched]
        if people:
            self.change.people(self.list, people)
        for sibling in self.siblings:
            if touched := self._siblings_touched.get(sibling.id):
                self.change.people(sibling, touched)
        return self.taken

    def refusal(self, person: Person, key: str) -> int:
        """Why this person is not taken without Resubscribe; 0 when they are. Their own state speaks before the
        suppression list does."""
        if person.state != ACTIVE:
            return _REFUSED_BY_STATE[person.state]
        if self.list.minds_suppressions and key in self.client.suppressions:
            return 204
        return 0

    def apply(self, person: Person, incoming: Incoming, *, replace_choices: bool = False) -> None:
        """Put a row's values on a person."""
        # What stays the same stays the same object: otherwise memory falls to pieces, and the caches with it.
        if incoming.name is not None and incoming.name != person.name:
            person.name = incoming.name
        fields = person.fields
        for field_id, value in incoming.changes.items():
            if fields.get(field_id) != value:
                fields[field_id] = value
        if incoming.choices:
            _choose(person.fields, incoming.choices, replace=replace_choices)
        if incoming.clears:
            person.fields = {key: value for key, value in person.fields.items() if value != ""}
        if incoming.mobile is not None:
            person.mobile = incoming.mobile
        if incoming.sms and person.mobile:
            person.sms = incoming.sms
        if incoming.consent and incoming.consent != person.consent:
            person.consent = incoming.consent
            self._share_consent(incoming)

    def correct(self, person: Person, incoming: Incoming) -> None:
        """Update one person, in whatever state; without Resubscribe the state stays."""
        self._arrive(person, 0)
        self.apply(person, incoming, replace_choices=True)
        if self.resubscribe and person.state != ACTIVE:
            self._bring_back(person)
        self.taken.existing += 1

    def _welcome_new(self, incoming: Incoming) -> None:
        changes = incoming.changes
        if incoming.clears or incoming.choices:
            changes = {key: value for key, value in changes.items() if value != ""}
            _choose(changes, incoming.choices or [], replace=False)
        person = Person(
            incoming.email,
            incoming.name or "",
            changes,
            self._state,
            incoming.consent,
            self.moment,
            self.moment,
            1,
            self._welcome,
            incoming.mobile or "",
            incoming.sms if incoming.mobile else "",
        )
        if self.siblings:
            if incoming.consent:
                self._share_consent(incoming)
            else:
                person.consent = self._known_consent(incoming.key)
        self._new[incoming.key] = person
        self.taken.new += 1

    def _arrive(self, person: Person, code: int) -> None:
        """Note that the person was received, and with which code."""
        person.received += 1
        self._touched.append(person)
        before = person.arrivals
        known = self._histories.get((id(before), code))
        if known is None:
            # ``before`` is kept too, so that its id is not given to another meanwhile.
            known = before, with_arrival(before, (self.moment, self.by, code))
            self._histories[id(before), code] = known
        person.arrivals = known[1]

    def _bring_back(self, person: Person) -> None:
        """Only reached with Resubscribe. An unconfirmed person of a confirmed list stays so until the link in the
        mail is followed; the vendor does not spell this case out."""
        self.list.move(person, self._state, self.moment)

    def _known_consent(self, key: str) -> str:
        """What the address said on another list of this client: consent belongs to both."""
        known = (sibling.people[key].consent for sibling in self.siblings if key in sibling.people)
        return next((consent for consent in known if consent), "")

    def _share_consent(self, incoming: Incoming) -> None:
        for sibling in self.siblings:
            person = sibling.people.get(incoming.key)
            if person is not None and person.consent != incoming.consent:
                person.consent = incoming.consent
                self._siblings_touched.setdefault(sibling.id, []).append(person)


def _choose(fields: dict[str, Any], choices: list[tuple[str, str, bool]], *, replace: bool) -> None:
    """Steps on fields of many options. Add and import add to what is chosen; an update replaces it."""
    if replace:
        for field_id in {field_id for field_id, _option, clear in choices if not clear}:
            fields.pop(field_id, None)
    for field_id, option, clear in choices:
        chosen: list[str] = fields.get(field_id, [])
        if clear:
            chosen = [each for each in chosen if each != option] if option else []
        elif option not in chosen:
            chosen = [*chosen, option]
        if chosen:
            fields[field_id] = chosen
        else:
            fields.pop(field_id, None)
