"""Summarize results: how many members of a run or a preview have which result. Every page, mail, webhook and
command reads the counts here, so that all say the same and the parts add up to the members."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Any

from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from config.platform.web.formats import number
from exports.models import OutcomeKind, Run, RunKind


class ContactKind(StrEnum):
    """A group of contacts with one result, as addresses, files and programs name it."""

    MEMBERS = "members"
    DELIVERED = "delivered"
    UNCHANGED = "unchanged"
    EXCLUDED = "excluded"
    INVALID = "invalid"
    DUPLICATE = "duplicate"
    EXCLUSION = "exclusion"
    NO_CONSENT = "no_consent"
    CONTROL = "control"
    SUPPRESSED = "suppressed"
    PREVIOUSLY_REJECTED = "previously_rejected"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    NOT_ATTEMPTED = "not_attempted"
    PLANNED = "planned"
    TO_ADD = "to_add"
    TO_UPDATE = "to_update"
    INCOMPLETE = "incomplete"
    REMOVED = "removed"
    NOT_REMOVED = "not_removed"
    AWAITING_CONFIRMATION = "awaiting_confirmation"


class Phase(Enum):
    """What the counts are of: a preview, a run that is open, or one that has ended."""

    PREVIEW = "preview"
    OPEN = "open"
    ENDED = "ended"


# The code of contacts that were not sent at all, beside that of those whose call was not answered.
NEVER_SENT = "never_sent"

# The parts of the members, in the order in which they are shown.
PARTS = (
    ContactKind.DELIVERED,
    ContactKind.UNCHANGED,
    ContactKind.EXCLUDED,
    ContactKind.SUPPRESSED,
    ContactKind.PREVIOUSLY_REJECTED,
    ContactKind.REJECTED,
    ContactKind.UNKNOWN,
    ContactKind.NOT_ATTEMPTED,
)
# The parts of the excluded members.
EXCLUDED_PARTS = (
    ContactKind.INVALID,
    ContactKind.DUPLICATE,
    ContactKind.EXCLUSION,
    ContactKind.NO_CONSENT,
    ContactKind.CONTROL,
)
# Contacts that left the segments, who are no members.
REMOVALS = (ContactKind.REMOVED, ContactKind.NOT_REMOVED, ContactKind.AWAITING_CONFIRMATION)
# They are shown only when they have contacts. Zeros left out do not change the sum.
_RARE = (
    ContactKind.EXCLUSION,
    ContactKind.CONTROL,
    ContactKind.PREVIOUSLY_REJECTED,
    ContactKind.UNKNOWN,
    ContactKind.NOT_REMOVED,
    ContactKind.AWAITING_CONFIRMATION,
)
# A preview sends nothing, so it has none of these.
_OF_RUNS = (ContactKind.DELIVERED, ContactKind.REJECTED, ContactKind.UNKNOWN, ContactKind.REMOVED)

LABELS: dict[ContactKind, str | Promise] = {
    ContactKind.MEMBERS: _("Members"),
    ContactKind.DELIVERED: _("Delivered"),
    ContactKind.UNCHANGED: _("Unchanged"),
    ContactKind.EXCLUDED: _("Excluded"),
    ContactKind.INVALID: _("No usable email or value"),
    ContactKind.DUPLICATE: _("Duplicate email"),
    ContactKind.EXCLUSION: _("In the exclusion segment"),
    ContactKind.NO_CONSENT: _("No consent"),
    ContactKind.CONTROL: _("In the control group"),
    ContactKind.SUPPRESSED: _("Suppressed"),
    ContactKind.PREVIOUSLY_REJECTED: _("Previously rejected"),
    ContactKind.REJECTED: _("Rejected"),
    ContactKind.UNKNOWN: _("Unknown"),
    ContactKind.NOT_ATTEMPTED: _("Not attempted"),
    ContactKind.PLANNED: _("Planned"),
    ContactKind.TO_ADD: _("To add"),
    ContactKind.TO_UPDATE: _("To update"),
    ContactKind.INCOMPLETE: _("Delivered without a value"),
    ContactKind.REMOVED: _("Removed"),
    ContactKind.NOT_REMOVED: _("Not removed"),
    ContactKind.AWAITING_CONFIRMATION: _("Removals awaiting confirmation"),
}
# What each group is, in a sentence.
MEANINGS: dict[ContactKind, str | Promise] = {
    ContactKind.INVALID: _("The email is missing or invalid, or the list cannot hold one of the values."),
    ContactKind.DUPLICATE: _("The most recently updated profile is sent for all profiles with this email."),
    ContactKind.EXCLUSION: _("An administrator chose a segment whose members no export sends."),
    ContactKind.NO_CONSENT: _(
        "The connection requires consent. The profile, or another profile with the same email, has not consented."
    ),
    ContactKind.CONTROL: _(
        "The export holds out a percentage of the contacts to measure the effect of campaigns."
    ),
    ContactKind.UNCHANGED: _("The list already has exactly these values. Nothing is sent."),
    ContactKind.PREVIOUSLY_REJECTED: _("Not retried until the data changes."),
    ContactKind.DELIVERED: _("The list has the current data of these contacts."),
    ContactKind.SUPPRESSED: _(
        "Unsubscribed, suppressed, bounced, deleted or unconfirmed. Their status does not change."
    ),
    ContactKind.REJECTED: _("The destination rejected these contacts. The reasons are below."),
    ContactKind.INCOMPLETE: _(
        "The list cannot hold one of the values. The contacts are on the list without that value."
    ),
    ContactKind.UNKNOWN: _(
        "The response does not show whether the list accepted these contacts. The next run sends them again."
    ),
    ContactKind.NOT_ATTEMPTED: _("The run ended before these contacts were sent. The next run sends them."),
    ContactKind.AWAITING_CONFIRMATION: _(
        "The next run recalculates confirmed removals. Nothing is removed before."
    ),
    ContactKind.REMOVED: _("These contacts left the segments. Only this export had added them."),
    ContactKind.NOT_REMOVED: _("These contacts left the segments but were not removed. The reasons are below."),
}
# Contacts without a result yet have other names until the run has ended.
_PENDING: dict[tuple[Phase, ContactKind], str | Promise] = {
    (Phase.PREVIEW, ContactKind.NOT_ATTEMPTED): _("To send"),
    (Phase.PREVIEW, ContactKind.NOT_REMOVED): _("To remove"),
    (Phase.OPEN, ContactKind.NOT_ATTEMPTED): _("Pending"),
    (Phase.OPEN, ContactKind.NOT_REMOVED): _("To remove"),
}
_TO_RESTORE = _("Subscribers to restore")
_TONES = {
    ContactKind.DELIVERED: "success",
    ContactKind.REJECTED: "danger",
    ContactKind.UNKNOWN: "warning",
    ContactKind.AWAITING_CONFIRMATION: "warning",
}
# The results of which a run keeps a row for each contact.
OUTCOMES: dict[ContactKind, Sequence[OutcomeKind]] = {
    ContactKind.INVALID: [OutcomeKind.INVALID],
    ContactKind.DUPLICATE: [OutcomeKind.DUPLICATE],
    ContactKind.EXCLUSION: [OutcomeKind.EXCLUSION],
    ContactKind.NO_CONSENT: [OutcomeKind.NO_CONSENT],
    ContactKind.CONTROL: [OutcomeKind.CONTROL],
    ContactKind.SUPPRESSED: [OutcomeKind.LEFT],
    ContactKind.REJECTED: [OutcomeKind.REJECTED],
    ContactKind.UNKNOWN: [OutcomeKind.UNKNOWN],
    ContactKind.INCOMPLETE: [OutcomeKind.INCOMPLETE],
    ContactKind.AWAITING_CONFIRMATION: [OutcomeKind.TO_REMOVE],
    ContactKind.REMOVED: [OutcomeKind.REMOVED],
    ContactKind.NOT_REMOVED: [OutcomeKind.KEPT],
}
_KIND_OF = {outcome: kind for kind, outcomes in OUTCOMES.items() for outcome in outcomes}


def kind_of_outcome(outcome: str) -> ContactKind:
    """Return the group that an outcome belongs to."""
    return _KIND_OF[OutcomeKind(outcome)]


def label_of(kind: ContactKind, phase: Phase = Phase.ENDED) -> str | Promise:
    """Return the label of a group."""
    return _PENDING.get((phase, kind), LABELS[kind])


@dataclass(frozen=True)
class Count:
    """One number of a summary, with its label; the parts of it that have a number of their own."""

    kind: ContactKind
    label: str | Promise
    contacts: int
    of_which: Sequence["Count"] = ()

    @property
    def meaning(self) -> str | Promise:
        """What the group is, in a sentence; empty where there are no contacts or the label says it all."""
        is_pending = self.label != LABELS[self.kind]
        return "" if is_pending or not self.contacts else MEANINGS.get(self.kind, "")

    @property
    def tone(self) -> str:
        """The color of the number; empty for the usual one."""
        return _TONES.get(self.kind, "") if self.contacts else ""


@dataclass(frozen=True)
class ResultSummary:
    """How many members have which result, and how many contacts who left were removed. ``new`` is the count of the
    destination itself of delivered contacts that were not on the list; it does not say which ones."""

    phase: Phase = Phase.ENDED
    restores: bool = False  # the members are subscribers that an earlier run removed
    delivered: int = 0
    unchanged: int = 0
    invalid: int = 0
    duplicate: int = 0
    exclusion: int = 0
    no_consent: int = 0
    control: int = 0
    suppressed: int = 0
    previously_rejected: int = 0
    rejected: int = 0
    unknown: int = 0
    not_attempted: int = 0
    planned: int = 0  # to send, whatever the result
    to_add: int = 0  # of these, not sent by this export before
    to_update: int = 0
    new: int = 0
    incomplete: int = 0
    removed: int = 0
    not_removed: int = 0
    awaiting_confirmation: int = 0

    @property
    def excluded(self) -> int:
        """Members that are not contacts of the run."""
        return sum(self.count(kind) for kind in EXCLUDED_PARTS)

    @property
    def members(self) -> int:
        """All members of the segments: the sum of the parts."""
        return sum(self.count(kind) for kind in PARTS)

    def count(self, kind: ContactKind) -> int:
        """Return the number of contacts of a group."""
        return int(getattr(self, kind.value))

    @property
    def counts(self) -> Sequence[Count]:
        """The parts of the members, without rare ones that have no contacts."""
        return [self._count(kind) for kind in PARTS if self._is_shown(kind)]

    @property
    def removals(self) -> Sequence[Count]:
        """The counts of contacts who left the segments; empty when there are none."""
        if not any(self.count(kind) for kind in REMOVALS):
            return []
        return [self._count(kind) for kind in REMOVALS if self._is_shown(kind)]

    @property
    def beside(self) -> Sequence[Count]:
        """The counts that are no part of the members: delivered without a value, and removals."""
        incomplete = [self._count(ContactKind.INCOMPLETE)] if self.incomplete else []
        return [*incomplete, *self.removals]

    def of_kinds(self, kinds: Sequence[ContactKind]) -> Sequence[Count]:
        """Return the counts of some groups, such as the columns of a table."""
        return [self._count(kind) for kind in kinds]

    @property
    def all_members(self) -> Count:
        return self._count(ContactKind.MEMBERS)

    def _is_shown(self, kind: ContactKind) -> bool:
        if self.phase is Phase.PREVIEW and kind in _OF_RUNS:
            return False
        return bool(self.count(kind)) or kind not in _RARE

    def _count(self, kind: ContactKind) -> Count:
        parts: Sequence[Count] = ()
        if kind is ContactKind.EXCLUDED:
            parts = [self._count(part) for part in EXCLUDED_PARTS if self._is_shown(part)]
        if kind is ContactKind.NOT_ATTEMPTED and self.phase is Phase.PREVIEW:
            parts = [self._count(ContactKind.TO_ADD), self._count(ContactKind.TO_UPDATE)]
        label = _TO_RESTORE if self.restores and kind is ContactKind.MEMBERS else label_of(kind, self.phase)
        return Count(kind, label, self.count(kind), parts)

    def as_numbers(self) -> dict[str, int]:
        """Return the counts by the names of programs: ``members`` is the sum of the parts that follow it up to
        ``not_attempted``."""
        planned = (ContactKind.PLANNED, ContactKind.TO_ADD, ContactKind.TO_UPDATE)
        names = (ContactKind.MEMBERS, *PARTS, *EXCLUDED_PARTS, *planned, ContactKind.INCOMPLETE, *REMOVALS)
        return {kind.value: self.count(kind) for kind in names} | {"new": self.new}

    def in_words(self) -> str | Promise:
        """Return the counts in one line, such as for a mail; empty for a run that found no members and nothing to
        remove."""
        if not self.members and not self.removals:
            return ""
        shown = [self.all_members, *self.counts, *self.beside]
        pattern = _("{label}: {count}.")
        parts = [format_lazy(pattern, label=one.label, count=number(one.contacts)) for one in shown]
        return format_lazy(" ".join(["{}"] * len(parts)), *parts)


def of_run(run: Run) -> ResultSummary:
    """Summarize a run, as far as it has come. Planned contacts without a result, and removals without one, are not
    attempted, or pending while the run is open."""
    results = run.delivered + run.left + run.rejected + run.unknown
    return ResultSummary(
        phase=Phase.OPEN if run.is_open else Phase.ENDED,
        restores=run.kind == RunKind.RESTORE,
        delivered=run.delivered,
        unchanged=run.unchanged,
        invalid=run.invalid,
        duplicate=run.duplicates,
        exclusion=run.excluded_by_segment,
        no_consent=run.without_consent,
        control=run.held_out,
        suppressed=run.left + run.still_suppressed,
        previously_rejected=run.still_refused - run.still_suppressed,
        rejected=run.rejected,
        unknown=run.unknown,
        not_attempted=max(0, run.planned - results),
        planned=run.planned,
        to_add=run.to_add,
        to_update=run.to_update,
        new=run.new_people,
        incomplete=run.incomplete,
        removed=run.removed,
        not_removed=max(0, run.to_remove - run.removed),
        awaiting_confirmation=run.removals_held,
    )


def of_preview(counts: Mapping[str, int]) -> ResultSummary:
    """Summarize a preview from its stored counts; older previews lack some."""
    known: dict[str, Any] = {name: counts[name] for name in ResultSummary.__dataclass_fields__ if name in counts}
    return ResultSummary(phase=Phase.PREVIEW, **known)
