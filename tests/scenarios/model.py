"""The model that scenarios compare a list with: what a list holds after each thing that may happen to it.

It knows nothing of the product's code. Where the rules leave something open it allows several records, and goes
on with the one that the list holds.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

ACTIVE, UNSUBSCRIBED, BOUNCED, DELETED = "Active", "Unsubscribed", "Bounced", "Deleted"
NEVER_THERE = ""
LEAVE, MARK, DELETE, UNSUBSCRIBE = "leave", "mark", "delete", "unsubscribe"
MARK_VALUE = "gone"


@dataclass(frozen=True)
class Record:
    """What a list holds of one address. ``fields`` by the names that mappings use."""

    state: str = NEVER_THERE
    name: str = ""
    city: str = ""
    mark: str = ""

    def with_values(self, values: Mapping[str, str]) -> "Record":
        return replace(self, **values)


class Origin(Enum):
    """Who made a contact an active subscriber."""

    OURS = "an export"
    THEMSELVES = "themselves"
    THEMSELVES_AGAIN = "themselves, after an export had added them earlier"
    UNCLEAR = "an export or themselves"


class Memory(Enum):
    """Whether the product remembers that it deleted a contact, so that it adds them again."""

    NO = "no"
    YES = "yes"
    MAYBE = "maybe"


@dataclass
class Contact:
    """One address as the model knows it."""

    record: Record = Record()
    origin: Origin = Origin.THEMSELVES
    deleted_by_us: Memory = Memory.NO
    is_suppressed: bool = False
    # A call without an answer, of a run that was canceled, may have put the contact on the list: which run added
    # it later cannot be told by dates alone.
    may_have_been_sent: bool = False
    # The exports that have wanted the contact on the list since we added them.
    once_wanted: set[int] = field(default_factory=set)
    # By export, the values that the list may have refused: the export does not send the same again.
    refused: dict[int, Mapping[str, str]] = field(default_factory=dict)


@dataclass
class ExportModel:
    """One export: who is in its segment, which fields it fills, and how it removes."""

    number: int
    fields: tuple[str, ...]
    removal: str
    # Whether a person lets it subscribe suppressed contacts again.
    resubscribes: bool = False
    members: set[str] = field(default_factory=set)
    # Addresses in its control group, which it does not send.
    held_out: set[str] = field(default_factory=set)
    # Members at the end of the last run that held no removals; None before the first.
    members_before: int | None = None
    # The contacts that it wanted when it was last planned.
    wanted_last: set[str] = field(default_factory=set)
    # The contacts of which it is not clear whether it ever wanted them, since a run of it was canceled.
    unclear: set[str] = field(default_factory=set)

    @property
    def wanted(self) -> set[str]:
        """Members that it sends."""
        return self.members - self.held_out

    @property
    def is_suspicious(self) -> bool:
        """Whether its segment is empty or has lost half of its members."""
        before = self.members_before or 0
        return not self.members or 2 * len(self.members) <= before


@dataclass(frozen=True)
class RunOptions:
    """What is asked of one run."""

    confirmed: bool = False
    resubscribe: bool = False
    everyone: bool = False


@dataclass(frozen=True)
class LateRequest:
    """A request that reaches the list later than those that were made after it."""

    what: str  # import, delete, unsubscribe, or an empty text for one that only reads
    rows: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # address → values
    resubscribe: bool = False


# What the list may hold of each address.
Allowed = dict[str, list[Record]]


class ListModel:
    """A list, the exports to it, and the profiles that they send."""

    def __init__(self, emails: Iterable[str], *, minds_suppressions: bool) -> None:
        self.contacts = {email: Contact() for email in emails}
        self.profiles: dict[str, dict[str, str]] = {}
        self.exports: dict[int, ExportModel] = {}
        self.minds_suppressions = minds_suppressions

    def values(self, export: ExportModel, email: str) -> dict[str, str]:
        """What an export sends of a profile."""
        return {name: self.profiles[email][name] for name in export.fields}

    # -- what happens at the vendor ----------------------------------------------------------------------------

    def signs_up(self, email: str) -> None:
        contact = self.contacts[email]
        contact.is_suppressed = False
        if contact.record.state == ACTIVE:
            return
        was_there = contact.record.state != NEVER_THERE
        contact.origin = Origin.THEMSELVES_AGAIN if was_there else Origin.THEMSELVES
        contact.record = replace(contact.record, state=ACTIVE)

    def leaves(self, email: str, state: str) -> None:
        """Unsubscribes, bounces, or is deleted by a person at the vendor."""
        contact = self.contacts[email]
        contact.record = replace(contact.record, state=state)
        contact.is_suppressed |= state == UNSUBSCRIBED and self.minds_suppressions
        if state == DELETED and contact.deleted_by_us == Memory.YES:
            contact.deleted_by_us = Memory.MAYBE

    # -- runs --------------------------------------------------------------------------------------------------

    def run(self, export: ExportModel, options: RunOptions, *, is_canceled: bool = False) -> Allowed:
        """Run an export to its end, or until it is canceled; what the list may hold then. Call ``settle`` with
        what it does hold."""
        is_suspicious, wanted_before = export.is_suspicious, export.wanted_last
        allowed = {email: [contact.record] for email, contact in self.contacts.items()}
        for email in export.wanted:
            allowed[email] = self._send(export, email, options)
        self._note_wants(export, is_suspicious=is_suspicious)
        if options.confirmed or not is_suspicious:
            for email in self.leavers(export):
                allowed[email] = self._after_removal(export, email)
        if is_canceled:
            export.unclear = export.unclear | wanted_before | export.wanted
            export.wanted_last = wanted_before & export.wanted
            allowed = {email: [*records, self.contacts[email].record] for email, records in allowed.items()}
        else:
            export.unclear = export.unclear - export.wanted
        return allowed

    def leavers(self, export: ExportModel) -> set[str]:
        """Contacts that the export once wanted, and that no export wants any more."""
        wanted = export.wanted.union(*map(self.wanted_by, self._others(export)))
        known = {email for email, contact in self.contacts.items() if export.number in contact.once_wanted}
        known |= export.unclear
        return known - wanted if export.removal != LEAVE else set()

    def wanted_by(self, export: ExportModel) -> set[str]:
        """Find the members that an export sends and, while its segment is empty or halved, the contacts that it
        wanted last."""
        last = {email for email in export.wanted_last if export.number in self.contacts[email].once_wanted}
        return export.wanted | (last if export.is_suspicious else set())

    def _others(self, export: ExportModel) -> list[ExportModel]:
        return [other for other in self.exports.values() if other.number != export.number]

    def _send(self, export: ExportModel, email: str, options: RunOptions) -> list[Record]:
        contact, values = self.contacts[email], self.values(export, email)
        before = contact.record
        sent = replace(before.with_values(values), state=ACTIVE, mark="")
        was_refused = contact.refused.get(export.number) == values and not options.everyone
        match before.state:
            case "":
                return [sent]
            case "Active":
                if contact.is_suppressed and self.minds_suppressions:
                    return [before, sent] if options.resubscribe else [before]
                return [before, sent] if was_refused else [sent]
            case "Deleted" if contact.deleted_by_us == Memory.YES and not was_refused:
                return [sent]
            case "Deleted" if contact.deleted_by_us != Memory.NO:
                return [before, sent]
        return [before, sent] if options.resubscribe else [before]

    def _after_removal(self, export: ExportModel, email: str) -> list[Record]:
        contact = self.contacts[email]
        before = contact.record
        if before.state != ACTIVE:
            return [before]
        can_remove = {Origin.OURS, Origin.UNCLEAR}
        is_unclear = any(email in each.unclear for each in self.exports.values())
        must_remove = contact.origin == Origin.OURS and not is_unclear
        if export.removal == MARK:
            removed = replace(before, mark=MARK_VALUE)
            can_remove.add(Origin.THEMSELVES_AGAIN)
            must_remove &= not (contact.is_suppressed and self.minds_suppressions)
        else:
            removed = replace(before, state=DELETED if export.removal == DELETE else UNSUBSCRIBED)
        if contact.origin not in can_remove:
            return [before]
        return [removed] if must_remove else [before, removed]

    def _note_wants(self, export: ExportModel, *, is_suspicious: bool) -> None:
        export.wanted_last = export.wanted | (export.wanted_last if is_suspicious else set())

    # -- what the list holds -----------------------------------------------------------------------------------

    def remove_export(self, number: int) -> None:
        """Forget an export, and with its runs when they added which contacts."""
        del self.exports[number]
        for contact in self.contacts.values():
            if number in contact.once_wanted and contact.origin == Origin.OURS:
                contact.origin = Origin.UNCLEAR

    def settle(
        self,
        export: ExportModel,
        options: RunOptions,
        held: Mapping[str, Record],
        *,
        is_disturbed: bool,
        is_canceled: bool = False,
    ) -> None:
        """Take over what the list holds after a run of the export."""
        leavers = self.leavers(export) - export.wanted
        for email, contact in self.contacts.items():
            before, contact.record = contact.record, held[email]
            if email in export.wanted:
                self._settle_sent(export, email, before, options, is_canceled=is_canceled)
            elif email in leavers:
                self._settle_removed(export, email, before, is_disturbed=is_disturbed)
            if is_canceled and contact.record != before:
                for each in self.exports.values():
                    each.unclear.add(email)

    def _settle_sent(
        self, export: ExportModel, email: str, before: Record, options: RunOptions, *, is_canceled: bool
    ) -> None:
        contact, values = self.contacts[email], self.values(export, email)
        now = contact.record
        is_taken = now.state == ACTIVE and all(getattr(now, name) == value for name, value in values.items())
        if not is_taken or (contact.is_suppressed and self.minds_suppressions):
            contact.refused[export.number] = values
        if now.state != ACTIVE or (is_canceled and now == before):
            contact.may_have_been_sent |= is_canceled and now.state != ACTIVE
            return
        if before.state != ACTIVE:
            is_back = before.state == DELETED and contact.deleted_by_us == Memory.YES and not is_canceled
            is_first = before.state == NEVER_THERE and not contact.may_have_been_sent
            is_ours = is_first or (is_back and not options.resubscribe)
            contact.may_have_been_sent = False
            contact.origin = Origin.OURS if is_ours else Origin.UNCLEAR
            if before.state == NEVER_THERE or is_ours or contact.deleted_by_us != Memory.NO:
                contact.once_wanted = set()  # else they stay known as wanted by the exports that sent them before
        elif before.mark and not now.mark:
            contact.once_wanted = {export.number}
        contact.once_wanted.add(export.number)
        if is_taken and contact.deleted_by_us == Memory.YES:
            contact.deleted_by_us = Memory.MAYBE if is_canceled else Memory.NO

    def _settle_removed(self, export: ExportModel, email: str, before: Record, *, is_disturbed: bool) -> None:
        contact = self.contacts[email]
        if contact.record == before:
            if is_disturbed and export.removal == DELETE and contact.deleted_by_us == Memory.NO:
                contact.deleted_by_us = Memory.MAYBE
            return
        for each in self.exports.values():
            each.wanted_last.discard(email)
            each.unclear.discard(email)
        contact.deleted_by_us = Memory.YES if export.removal == DELETE else Memory.NO
        if export.removal != MARK:
            contact.is_suppressed |= export.removal == UNSUBSCRIBE and self.minds_suppressions
            contact.once_wanted = set()

    # -- late requests -----------------------------------------------------------------------------------------

    def land(self, export_number: int, request: LateRequest) -> None:
        """Let a request take effect that was made long ago."""
        for email, values in request.rows.items():
            contact = self.contacts[email]
            before = contact.record
            if request.what == "import":
                contact.record = self._after_late_import(contact, values, resubscribe=request.resubscribe)
            elif before.state != NEVER_THERE:
                contact.record = replace(before, state=DELETED if request.what == "delete" else UNSUBSCRIBED)
            if before.state != ACTIVE and contact.record.state == ACTIVE:
                contact.origin = Origin.UNCLEAR
                contact.once_wanted.add(export_number)
            if request.what == "delete" and before.state == ACTIVE:
                contact.deleted_by_us = Memory.YES

    def _after_late_import(self, contact: Contact, values: Mapping[str, str], *, resubscribe: bool) -> Record:
        before = contact.record
        refused = before.state not in {ACTIVE, NEVER_THERE} or (
            contact.is_suppressed and self.minds_suppressions and before.state == ACTIVE
        )
        if refused and not resubscribe:
            return before
        return replace(before.with_values(values), state=ACTIVE)
