"""Break the members of a run down by result, in counts that add up, and its outcomes by reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from django.db.models import Count, Max, Min, Sum
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from exports.models import IS_REMOVAL, BatchStatus, Run
from exports.reporting import messages
from exports.selection.diff import PlanCounts
from exports.state.plan_action import UNANSWERED

_PLAN = (
    "members",
    "invalid",
    "duplicates",
    "excluded_by_segment",
    "without_consent",
    "held_out",
    "unchanged",
    "still_refused",
    "to_add",
    "to_update",
    "planned",
)
_ENDED = ("delivered", "new_people", "left", "rejected", "unknown", "not_sent", "incomplete")
_REMOVALS = ("to_remove", "removed", "kept", "not_removed", "removals_held")


class PeopleKind(StrEnum):
    """A group of contacts of a run, as URLs and links name it."""

    MEMBERS = "members"
    INVALID = "invalid"
    DUPLICATE = "duplicate"
    EXCLUSION = "exclusion"
    NO_CONSENT = "no_consent"
    CONTROL = "control"
    UNCHANGED = "unchanged"
    STILL_REFUSED = "still_refused"
    PLANNED = "planned"
    DELIVERED = "delivered"
    NEW = "new"
    SUPPRESSED = "left"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    INCOMPLETE = "incomplete"
    NOT_SENT = "not_sent"
    TO_REMOVE = "to_remove"
    REMOVED = "removed"
    NOT_REMOVED = "kept"


LABELS: dict[PeopleKind, str | Promise] = {
    PeopleKind.MEMBERS: _("Members of the segments"),
    PeopleKind.INVALID: _("No usable email or value"),
    PeopleKind.DUPLICATE: _("Duplicate email"),
    PeopleKind.EXCLUSION: _("In the exclusion segment"),
    PeopleKind.NO_CONSENT: _("No consent"),
    PeopleKind.CONTROL: _("In the control group"),
    PeopleKind.UNCHANGED: _("Unchanged since the last run"),
    PeopleKind.STILL_REFUSED: _("Previously rejected, data unchanged"),
    PeopleKind.PLANNED: _("Planned"),
    PeopleKind.DELIVERED: _("Delivered"),
    PeopleKind.NEW: _("Added"),
    PeopleKind.SUPPRESSED: _("Suppressed"),
    PeopleKind.REJECTED: _("Rejected"),
    PeopleKind.UNKNOWN: _("Unknown"),
    PeopleKind.INCOMPLETE: _("Delivered without a value"),
    PeopleKind.NOT_SENT: _("Not attempted"),
    PeopleKind.TO_REMOVE: _("Removals awaiting confirmation"),
    PeopleKind.REMOVED: _("Removed"),
    PeopleKind.NOT_REMOVED: _("Not removed"),
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
    PeopleKind.STILL_REFUSED: _("Not retried until the data changes."),
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
    PeopleKind.NOT_SENT: _("The run ended before these contacts were sent. The next run sends them."),
    PeopleKind.TO_REMOVE: _("The next run recalculates confirmed removals. Nothing is removed before."),
    PeopleKind.REMOVED: _("These contacts left the segments. Only this export had added them."),
    PeopleKind.NOT_REMOVED: _("These contacts left the segments but were not removed. The reasons are below."),
}


# The fields of a run with the counts, where they are not named like the kind.
_COUNT_FIELDS = {
    PeopleKind.DUPLICATE: "duplicates",
    PeopleKind.EXCLUSION: "excluded_by_segment",
    PeopleKind.NO_CONSENT: "without_consent",
    PeopleKind.CONTROL: "held_out",
    PeopleKind.NEW: "new_people",
    PeopleKind.TO_REMOVE: "removals_held",
}


@dataclass(frozen=True)
class Line:
    """A line of the breakdown; ``people`` is None for what is not known yet."""

    kind: PeopleKind
    people: int | None

    @property
    def label(self) -> str | Promise:
        return LABELS[self.kind]

    @property
    def meaning(self) -> str | Promise:
        return MEANINGS.get(self.kind, "")


@dataclass(frozen=True)
class OutcomeGroup:
    """Contacts with an outcome for one reason. ``varies``: the sentence is that of one of them."""

    kind: PeopleKind
    code: str
    sentence: str
    people: int
    varies: bool = False
    field: str = ""  # the key of the field whose value was left out

    @property
    def advice(self) -> str | Promise:
        """What to do about it."""
        return messages.ADVICE.get(self.kind.value, "")


@dataclass(frozen=True)
class OutcomeSection:
    """One of the four kinds of outcome, with the reasons behind it."""

    kind: PeopleKind
    title: str | Promise
    people: int
    groups: Sequence[OutcomeGroup] = ()


_PLAN_KINDS = (
    *(PeopleKind.INVALID, PeopleKind.DUPLICATE, PeopleKind.EXCLUSION, PeopleKind.NO_CONSENT),
    *(PeopleKind.CONTROL, PeopleKind.UNCHANGED, PeopleKind.STILL_REFUSED, PeopleKind.PLANNED),
)
_RESULT_KINDS = (PeopleKind.DELIVERED, PeopleKind.SUPPRESSED, PeopleKind.REJECTED, PeopleKind.UNKNOWN)
# Members that the plan excludes.
EXCLUDED_KINDS = (
    *(PeopleKind.INVALID, PeopleKind.DUPLICATE, PeopleKind.EXCLUSION, PeopleKind.NO_CONSENT),
    PeopleKind.CONTROL,
)
# Contacts that are not sent.
NOT_SENT_KINDS = (*EXCLUDED_KINDS, PeopleKind.NOT_SENT)
# They have a line only when they excluded contacts.
_RARE_KINDS = (PeopleKind.EXCLUSION, PeopleKind.CONTROL)


def count_contacts(run: Run, kind: PeopleKind) -> int:
    """Return the count of a run for one group; what is not sent is known at the end."""
    if kind is PeopleKind.NOT_SENT and run.is_open:
        return 0
    return int(getattr(run, _COUNT_FIELDS.get(kind, kind.value)))


def plan_lines(run: Run) -> list[Line]:
    """Break the members down by what the plan decided. The exclusion segment and the control group have a line
    when they excluded contacts."""
    kinds = [kind for kind in _PLAN_KINDS if kind not in _RARE_KINDS or count_contacts(run, kind)]
    return [Line(kind, count_contacts(run, kind)) for kind in kinds]


def result_lines(run: Run) -> list[Line]:
    """Break the planned contacts down by result."""
    not_sent = None if run.is_open else run.not_sent
    kinds = [kind for kind in _RESULT_KINDS if kind is not PeopleKind.UNKNOWN or run.unknown]
    return [*(Line(kind, count_contacts(run, kind)) for kind in kinds), Line(PeopleKind.NOT_SENT, not_sent)]


def still_to_send(run: Run) -> int:
    """Count the planned contacts that have no result yet."""
    return max(0, run.planned - run.not_sent - sum(count_contacts(run, kind) for kind in _RESULT_KINDS))


def result_sections(run: Run) -> list[OutcomeSection]:
    """Return the results of all contacts by kind, each with its reasons, the largest first."""
    groups = group_outcomes(run)
    not_sent = [group for group in groups if group.kind in NOT_SENT_KINDS]
    if run.not_sent and not run.is_open:
        not_sent += _not_attempted(run)
    excluded = sum(count_contacts(run, kind) for kind in EXCLUDED_KINDS) + run.not_sent
    return [
        OutcomeSection(PeopleKind.DELIVERED, LABELS[PeopleKind.DELIVERED], run.delivered),
        *([_section(run, PeopleKind.INCOMPLETE, groups)] if run.incomplete else []),
        _section(run, PeopleKind.SUPPRESSED, groups),
        _section(run, PeopleKind.REJECTED, groups),
        *([_section(run, PeopleKind.UNKNOWN, groups)] if run.unknown else []),
        OutcomeSection(PeopleKind.NOT_SENT, _("Excluded or not attempted"), excluded, not_sent),
    ]


def removal_sections(run: Run) -> list[OutcomeSection]:
    """Return the results of contacts who left the segments."""
    groups = group_outcomes(run)
    return [_section(run, kind, groups) for kind in (PeopleKind.REMOVED, PeopleKind.NOT_REMOVED)]


def _section(run: Run, kind: PeopleKind, groups: Sequence[OutcomeGroup]) -> OutcomeSection:
    mine = [group for group in groups if group.kind is kind]
    return OutcomeSection(kind, LABELS[kind], count_contacts(run, kind), mine)


def _not_attempted(run: Run) -> list[OutcomeGroup]:
    """Tell contacts that were sent without an answer from those that were not sent."""
    kind = PeopleKind.NOT_SENT
    batches = run.batches.exclude(IS_REMOVAL).filter(status=BatchStatus.NOT_SENT, code=UNANSWERED)
    unanswered = batches.aggregate(people=Sum("size", default=0))["people"]
    found = [
        OutcomeGroup(kind, UNANSWERED, str(messages.text_of_code(UNANSWERED)), unanswered),
        OutcomeGroup(kind, "", str(MEANINGS[kind]), run.not_sent - unanswered),
    ]
    return [group for group in found if group.people]


def group_outcomes(run: Run, kind: PeopleKind | None = None) -> list[OutcomeGroup]:
    """Group outcomes, or those of one kind, by reason; the largest groups first."""
    outcomes = run.outcomes.filter(kind=kind.value) if kind else run.outcomes.all()
    found = (
        outcomes.values("kind", "code", "field")
        .annotate(people=Count("pk"), first=Min("message"), last=Max("message"))
        .order_by("-people", "kind", "code", "field")
    )
    return [
        OutcomeGroup(
            kind=PeopleKind(row["kind"]),
            code=row["code"],
            sentence=row["first"] or str(messages.text_of_code(row["code"]) or row["code"]),
            people=row["people"],
            varies=row["first"] != row["last"],
            field=row["field"],
        )
        for row in found
    ]


def plan_counts(counts: PlanCounts) -> dict[str, int]:
    """Return the counts of a plan by the names of programs; ``members`` is the sum of the others."""
    return {
        "members": counts.members,
        "invalid": counts.invalid,
        "duplicates": counts.duplicate,
        "excluded_by_segment": counts.exclusion,
        "without_consent": counts.no_consent,
        "held_out": counts.control,
        "unchanged": counts.unchanged,
        "still_refused": counts.still_refused,
        "to_add": counts.to_add,
        "to_update": counts.to_update,
    }


def run_counts(run: Run) -> dict[str, int]:
    """Return the counts of a run by the names of programs."""
    return {name: getattr(run, name) for name in (*_PLAN, *_ENDED, *_REMOVALS)}
