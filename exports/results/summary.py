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


class PeopleKind(StrEnum):
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
    PeopleKind.DELIVERED,
    PeopleKind.UNCHANGED,
    PeopleKind.EXCLUDED,
    PeopleKind.SUPPRESSED,
    PeopleKind.PREVIOUSLY_REJECTED,
    PeopleKind.REJECTED,
    PeopleKind.UNKNOWN,
    PeopleKind.NOT_ATTEMPTED,
)
# The parts of the excluded members.
EXCLUDED_PARTS = (
    PeopleKind.INVALID,
    PeopleKind.DUPLICATE,
    PeopleKind.EXCLUSION,
    PeopleKind.NO_CONSENT,
    PeopleKind.CONTROL,
)
# Contacts that left the segments, who are no members.
REMOVALS = (PeopleKind.REMOVED, PeopleKind.NOT_REMOVED, PeopleKind.AWAITING_CONFIRMATION)
# They are shown only when they have contacts. Zeros left out do not change the sum.
_RARE = (
    PeopleKind.EXCLUSION,
    PeopleKind.CONTROL,
    PeopleKind.PREVIOUSLY_REJECTED,
    PeopleKind.UNKNOWN,
    PeopleKind.NOT_REMOVED,
    PeopleKind.AWAITING_CONFIRMATION,
)
# A preview sends nothing, so it has none of these.
_OF_RUNS = (PeopleKind.DELIVERED, PeopleKind.REJECTED, PeopleKind.UNKNOWN, PeopleKind.REMOVED)

LABELS: dict[PeopleKind, str | Promise] = {
    PeopleKind.MEMBERS: _("Members"),
    PeopleKind.DELIVERED: _("Delivered"),
    PeopleKind.UNCHANGED: _("Unchanged"),
    PeopleKind.EXCLUDED: _("Excluded"),
    PeopleKind.INVALID: _("No usable email or value"),
    PeopleKind.DUPLICATE: _("Duplicate email"),
    PeopleKind.EXCLUSION: _("In the exclusion segment"),
    PeopleKind.NO_CONSENT: _("No consent"),
    PeopleKind.CONTROL: _("In the control group"),
    PeopleKind.SUPPRESSED: _("Suppressed"),
    PeopleKind.PREVIOUSLY_REJECTED: _("Previously rejected"),
    PeopleKind.REJECTED: _("Rejected"),
    PeopleKind.UNKNOWN: _("Unknown"),
    PeopleKind.NOT_ATTEMPTED: _("Not attempted"),
    PeopleKind.PLANNED: _("Planned"),
    PeopleKind.TO_ADD: _("To add"),
    PeopleKind.TO_UPDATE: _("To update"),
    PeopleKind.INCOMPLETE: _("Delivered without a value"),
    PeopleKind.REMOVED: _("Removed"),
    PeopleKind.NOT_REMOVED: _("Not removed"),
    PeopleKind.AWAITING_CONFIRMATION: _("Removals awaiting confirmation"),
}
# What each group is, in a sentence.
MEANINGS: dict[PeopleKind, str | Promise] = {
    PeopleKind.INVALID: _("The email is missing or invalid, or the list cannot hold one of the values."),
    PeopleKind.DUPLICATE: _("The most recently updated profile is sent for all profiles with this email."),
    PeopleKind.EXCLUSION: _("An administrator chose a segment whose members no export sends."),
    PeopleKind.NO_CONSENT: _(
        "The connection requires consent. The profile, or another profile with the same email, has not consented."
    ),
    PeopleKind.CONTROL: _("The export holds out a percentage of the contacts to measure the effect of campaigns."),
    PeopleKind.UNCHANGED: _("The list already has exactly these values. Nothing is sent."),
    PeopleKind.PREVIOUSLY_REJECTED: _("Not retried until the data changes."),
    PeopleKind.DELIVERED: _("The list has the current data of these contacts."),
    PeopleKind.SUPPRESSED: _(
        "Unsubscribed, suppressed, bounced, deleted or unconfirmed. Their status does not change."
    ),
    PeopleKind.REJECTED: _("The destination rejected these contacts. The reasons are below."),
    PeopleKind.INCOMPLETE: _(
        "The list cannot hold one of the values. The contacts are on the list without that value."
    ),
    PeopleKind.UNKNOWN: _(
        "The response does not show whether the list accepted these contacts. The next run sends them again."
    ),
    PeopleKind.NOT_ATTEMPTED: _("The run ended before these contacts were sent. The next run sends them."),
    PeopleKind.AWAITING_CONFIRMATION: _(
        "The next run recalculates confirmed removals. Nothing is removed before."
    ),
    PeopleKind.REMOVED: _("These contacts left the segments. Only this export had added them."),
    PeopleKind.NOT_REMOVED: _("These contacts left the segments but were not removed. The reasons are below."),
}
# Contacts without a result yet have other names until the run has ended.
_PENDING: dict[tuple[Phase, PeopleKind], str | Promise] = {
    (Phase.PREVIEW, PeopleKind.NOT_ATTEMPTED): _("To send"),
    (Phase.PREVIEW, PeopleKind.NOT_REMOVED): _("To remove"),
    (Phase.OPEN, PeopleKind.NOT_ATTEMPTED): _("Pending"),
    (Phase.OPEN, PeopleKind.NOT_REMOVED): _("To remove"),
}
_TO_RESTORE = _("Subscribers to restore")
_TONES = {
    PeopleKind.DELIVERED: "success",
    PeopleKind.REJECTED: "danger",
    PeopleKind.UNKNOWN: "warning",
    PeopleKind.AWAITING_CONFIRMATION: "warning",
}
# The results of which a run keeps a row for each contact.
OUTCOMES: dict[PeopleKind, Sequence[OutcomeKind]] = {
    PeopleKind.INVALID: [OutcomeKind.INVALID],
    PeopleKind.DUPLICATE: [OutcomeKind.DUPLICATE],
    PeopleKind.EXCLUSION: [OutcomeKind.EXCLUSION],
    PeopleKind.NO_CONSENT: [OutcomeKind.NO_CONSENT],
    PeopleKind.CONTROL: [OutcomeKind.CONTROL],
    PeopleKind.SUPPRESSED: [OutcomeKind.LEFT],
    PeopleKind.REJECTED: [OutcomeKind.REJECTED],
    PeopleKind.UNKNOWN: [OutcomeKind.UNKNOWN],
    PeopleKind.INCOMPLETE: [OutcomeKind.INCOMPLETE],
    PeopleKind.AWAITING_CONFIRMATION: [OutcomeKind.TO_REMOVE],
    PeopleKind.REMOVED: [OutcomeKind.REMOVED],
    PeopleKind.NOT_REMOVED: [OutcomeKind.KEPT],
}
_KIND_OF = {outcome: kind for kind, outcomes in OUTCOMES.items() for outcome in outcomes}


def kind_of_outcome(outcome: str) -> PeopleKind:
    """Return the group that an outcome belongs to."""
    return _KIND_OF[OutcomeKind(outcome)]


def label_of(kind: PeopleKind, phase: Phase = Phase.ENDED) -> str | Promise:
    """Return the label of a group."""
    return _PENDING.get((phase, kind), LABELS[kind])


@dataclass(frozen=True)
class Count:
    """One number of a summary, with its label; the parts of it that have a number of their own."""

    kind: PeopleKind
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

    def count(self, kind: PeopleKind) -> int:
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
        incomplete = [self._count(PeopleKind.INCOMPLETE)] if self.incomplete else []
        return [*incomplete, *self.removals]

    def of_kinds(self, kinds: Sequence[PeopleKind]) -> Sequence[Count]:
        """Return the counts of some groups, such as the columns of a table."""
        return [self._count(kind) for kind in kinds]

    @property
    def all_members(self) -> Count:
        return self._count(PeopleKind.MEMBERS)

    def _is_shown(self, kind: PeopleKind) -> bool:
        if self.phase is Phase.PREVIEW and kind in _OF_RUNS:
            return False
        return bool(self.count(kind)) or kind not in _RARE

    def _count(self, kind: PeopleKind) -> Count:
        parts: Sequence[Count] = ()
        if kind is PeopleKind.EXCLUDED:
            parts = [self._count(part) for part in EXCLUDED_PARTS if self._is_shown(part)]
        if kind is PeopleKind.NOT_ATTEMPTED and self.phase is Phase.PREVIEW:
            parts = [self._count(PeopleKind.TO_ADD), self._count(PeopleKind.TO_UPDATE)]
        label = _TO_RESTORE if self.restores and kind is PeopleKind.MEMBERS else label_of(kind, self.phase)
        return Count(kind, label, self.count(kind), parts)

    def as_numbers(self) -> dict[str, int]:
        """Return the counts by the names of programs: ``members`` is the sum of the parts that follow it up to
        ``not_attempted``."""
        planned = (PeopleKind.PLANNED, PeopleKind.TO_ADD, PeopleKind.TO_UPDATE)
        names = (PeopleKind.MEMBERS, *PARTS, *EXCLUDED_PARTS, *planned, PeopleKind.INCOMPLETE, *REMOVALS)
        return {kind.value: self.count(kind) for kind in names} | {"new": self.new}

    def in_words(self) -> str | Promise:
        """Return the counts in one line, such as for a mail; empty for a run that found no members and nothing to
        remove."""
        if not self.members and not self.removals:
            return ""
        shown = [self.all_members, *self.counts, *self.beside]
        parts = [format_lazy("{}: {}.", one.label, number(one.contacts)) for one in shown]
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
