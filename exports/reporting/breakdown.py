"""Break the members of a run down by result, in counts that add up, and its outcomes by reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from django.db.models import Count, Max, Min, Q, Sum
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from exports.models import IS_REMOVAL, BatchStatus, Run
from exports.reporting import messages
from exports.state.plan_action import UNANSWERED


class PeopleKind(StrEnum):
    """A group of contacts of a run, as URLs and links name it."""

    MEMBERS = "members"
    INVALID = "invalid"
    DUPLICATE = "duplicate"
    NO_CONSENT = "no_consent"
    UNCHANGED = "unchanged"
    STILL_REFUSED = "still_refused"
    PLANNED = "planned"
    DELIVERED = "delivered"
    NEW = "new"
    LEFT = "left"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    INCOMPLETE = "incomplete"
    NOT_SENT = "not_sent"
    TO_REMOVE = "to_remove"
    REMOVED = "removed"
    KEPT = "kept"


LABELS: dict[PeopleKind, str | Promise] = {
    PeopleKind.MEMBERS: _("Members of the segments"),
    PeopleKind.INVALID: _("No usable email or value"),
    PeopleKind.DUPLICATE: _("Duplicate email"),
    PeopleKind.NO_CONSENT: _("No consent"),
    PeopleKind.UNCHANGED: _("Unchanged since the last run"),
    PeopleKind.STILL_REFUSED: _("Previously rejected, data unchanged"),
    PeopleKind.PLANNED: _("Planned"),
    PeopleKind.DELIVERED: _("Delivered"),
    PeopleKind.NEW: _("Added"),
    PeopleKind.LEFT: _("Suppressed"),
    PeopleKind.REJECTED: _("Rejected"),
    PeopleKind.UNKNOWN: _("Unknown"),
    PeopleKind.INCOMPLETE: _("Delivered without a value"),
    PeopleKind.NOT_SENT: _("Not attempted"),
    PeopleKind.TO_REMOVE: _("Removals awaiting confirmation"),
    PeopleKind.REMOVED: _("Removed"),
    PeopleKind.KEPT: _("Not removed"),
}

# What each group is, in a sentence.
MEANINGS: dict[PeopleKind, str | Promise] = {
    PeopleKind.INVALID: _("The email is missing or invalid, or the list cannot hold one of the values."),
    PeopleKind.DUPLICATE: _("The most recently updated profile is sent for all profiles with this email."),
    PeopleKind.NO_CONSENT: _(
        "The connection requires consent. The profile, or another profile with the same email, has not consented."
    ),
    PeopleKind.UNCHANGED: _("The list already has exactly these values. Nothing is sent."),
    PeopleKind.STILL_REFUSED: _("Not retried until the data changes."),
    PeopleKind.DELIVERED: _("The list has the current data of these contacts."),
    PeopleKind.LEFT: _("Unsubscribed, suppressed, bounced, deleted or unconfirmed. Their status does not change."),
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
    PeopleKind.KEPT: _("These contacts left the segments but were not removed. The reasons are below."),
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
    """Contacts with an outcome for one reason. ``varies``: the sentence is that of one of them; ``anew``: how
    many were not rejected for it before."""

    kind: PeopleKind
    code: str
    sentence: str
    people: int
    varies: bool = False
    anew: int = 0
    field: str = ""  # the key of the field whose value was left out

    @property
    def advice(self) -> str | Promise:
        """What is to be done about it, and whether it heals by itself."""
        return messages.ADVICE.get(self.kind.value, "")


@dataclass(frozen=True)
class OutcomeSection:
    """One of the four kinds of outcome, with the reasons behind it."""

    kind: PeopleKind
    title: str | Promise
    people: int
    groups: Sequence[OutcomeGroup] = ()


# Who is not sent, by the kind that the people page knows.
NOT_SENT_KINDS = (PeopleKind.INVALID, PeopleKind.DUPLICATE, PeopleKind.NO_CONSENT, PeopleKind.NOT_SENT)


def plan_of(run: Run) -> Sequence[Line]:
    """The parts that the members fall into."""
    return [
        Line(PeopleKind.INVALID, run.invalid),
        Line(PeopleKind.DUPLICATE, run.duplicates),
        Line(PeopleKind.NO_CONSENT, run.without_consent),
        Line(PeopleKind.UNCHANGED, run.unchanged),
        Line(PeopleKind.STILL_REFUSED, run.still_refused),
        Line(PeopleKind.PLANNED, run.planned),
    ]


def ending_of(run: Run) -> Sequence[Line]:
    """The parts that the planned fall into; what is not sent is known at the end."""
    return [
        Line(PeopleKind.DELIVERED, run.delivered),
        Line(PeopleKind.LEFT, run.left),
        Line(PeopleKind.REJECTED, run.rejected),
        *([Line(PeopleKind.UNKNOWN, run.unknown)] if run.unknown else []),
        Line(PeopleKind.NOT_SENT, None if run.is_open else run.not_sent),
    ]


def still_to_send(run: Run) -> int:
    """How many of the planned have no outcome yet."""
    return max(0, run.planned - run.delivered - run.left - run.rejected - run.unknown - run.not_sent)


def sections_of(run: Run) -> list[OutcomeSection]:
    """The results of all contacts by kind, each with its reasons, the largest first."""
    groups = groups_of(run)
    not_sent = [group for group in groups if group.kind in NOT_SENT_KINDS]
    if run.not_sent and not run.is_open:
        not_sent += _not_reached(run)
    kept_back = run.invalid + run.duplicates + run.without_consent + run.not_sent
    unknown = OutcomeSection(PeopleKind.UNKNOWN, _("Unknown"), run.unknown, _of_kind(groups, PeopleKind.UNKNOWN))
    return [
        OutcomeSection(PeopleKind.DELIVERED, _("Delivered"), run.delivered),
        *_incomplete(run, groups),
        OutcomeSection(PeopleKind.LEFT, _("Suppressed"), run.left, _of_kind(groups, PeopleKind.LEFT)),
        OutcomeSection(PeopleKind.REJECTED, _("Rejected"), run.rejected, _of_kind(groups, PeopleKind.REJECTED)),
        *([unknown] if run.unknown else []),
        OutcomeSection(PeopleKind.NOT_SENT, _("Excluded or not attempted"), kept_back, not_sent),
    ]


def _incomplete(run: Run, groups: Sequence[OutcomeGroup]) -> list[OutcomeSection]:
    """Contacts on the list without a value, if there are any, by the reason of each value."""
    kind = PeopleKind.INCOMPLETE
    if not run.incomplete:
        return []
    return [OutcomeSection(kind, LABELS[kind], run.incomplete, _of_kind(groups, kind))]


def _not_reached(run: Run) -> list[OutcomeGroup]:
    """Tell contacts that were sent without an answer from those that were not sent."""
    kind = PeopleKind.NOT_SENT
    batches = run.batches.exclude(IS_REMOVAL).filter(status=BatchStatus.NOT_SENT, code=UNANSWERED)
    unanswered = batches.aggregate(people=Sum("size", default=0))["people"]
    found = [
        OutcomeGroup(kind, UNANSWERED, str(messages.of_code(UNANSWERED)), unanswered),
        OutcomeGroup(kind, "", str(MEANINGS[kind]), run.not_sent - unanswered),
    ]
    return [group for group in found if group.people]


def removals_of(run: Run) -> list[OutcomeSection]:
    """What became of those who had left the segments."""
    groups = groups_of(run)
    return [
        OutcomeSection(PeopleKind.REMOVED, _("Removed"), run.removed, _of_kind(groups, PeopleKind.REMOVED)),
        OutcomeSection(PeopleKind.KEPT, _("Not removed"), run.kept, _of_kind(groups, PeopleKind.KEPT)),
    ]


def groups_of(run: Run, kind: PeopleKind | None = None) -> list[OutcomeGroup]:
    """Group outcomes, or those of one kind, by reason; the largest groups first."""
    outcomes = run.outcomes.filter(kind=kind.value) if kind else run.outcomes.all()
    found = (
        outcomes.values("kind", "code", "field")
        .annotate(
            people=Count("pk"),
            anew=Count("pk", filter=Q(is_new=True)),
            first=Min("message"),
            last=Max("message"),
        )
        .order_by("-people", "kind", "code", "field")
    )
    return [
        OutcomeGroup(
            kind=PeopleKind(row["kind"]),
            code=row["code"],
            sentence=row["first"] or str(messages.of_code(row["code"]) or row["code"]),
            people=row["people"],
            varies=row["first"] != row["last"],
            anew=row["anew"],
            field=row["field"],
        )
        for row in found
    ]


def _of_kind(groups: Sequence[OutcomeGroup], kind: PeopleKind) -> list[OutcomeGroup]:
    return [group for group in groups if group.kind is kind]
