"""Group the outcomes of a run by reason, in sections by result whose counts are those of its summary."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from django.db.models import Count, Max, Min, Sum
from django.utils.functional import Promise

from config.platform.text.stored_texts import translate_stored
from exports.models import IS_REMOVAL, BatchStatus, Run
from exports.reporting import messages
from exports.results import summary
from exports.results.summary import EXCLUDED_PARTS, LABELS, MEANINGS, OUTCOMES, PARTS, ContactKind, ResultSummary
from exports.state.plan_action import UNANSWERED


@dataclass(frozen=True)
class OutcomeGroup:
    """Contacts with an outcome for one reason. ``varies``: the sentence is that of one of them."""

    kind: ContactKind
    code: str
    sentence: str
    people: int
    varies: bool = False
    field: str = ""  # the key of the field whose value was left out
    segment: str = ""  # that contacts to remove have left

    @property
    def advice(self) -> str | Promise:
        """What to do about it."""
        return messages.ADVICE_FOR_CODE.get(self.code) or messages.ADVICE.get(self.kind.value, "")


@dataclass(frozen=True)
class OutcomeSection:
    """The contacts with one result, with the reasons behind it."""

    kind: ContactKind
    title: str | Promise
    people: int
    groups: Sequence[OutcomeGroup] = ()


# The results that have reasons.
_WITH_REASONS = tuple(kind for kind in PARTS if kind not in (ContactKind.DELIVERED, ContactKind.UNCHANGED))
_REFUSED_BEFORE = (ContactKind.SUPPRESSED, ContactKind.PREVIOUSLY_REJECTED)
# Each of them has the outcomes of these groups.
_PARTS_OF = {ContactKind.EXCLUDED: EXCLUDED_PARTS}


def result_sections(run: Run) -> list[OutcomeSection]:
    """Return the results of contacts that the list does not have as they are now, each with its reasons, the
    largest first. Results without contacts are left out."""
    results, groups = summary.of_run(run), group_outcomes(run)
    kinds = [kind for kind in _WITH_REASONS if results.count(kind)]
    sections = [_section(kind, results, groups) for kind in kinds if kind is not ContactKind.NOT_ATTEMPTED]
    if results.incomplete:
        sections.insert(0, _section(ContactKind.INCOMPLETE, results, groups))
    if results.not_attempted and not run.is_open:
        kind = ContactKind.NOT_ATTEMPTED
        sections.append(
            OutcomeSection(kind, LABELS[kind], results.not_attempted, _not_attempted(run, results.not_attempted))
        )
    return sections


def removal_sections(run: Run) -> list[OutcomeSection]:
    """Return the results of contacts who left the segments."""
    results, groups = summary.of_run(run), _group_rows(run)
    return [_section(one.kind, results, groups, title=one.label) for one in results.removals]


def _section(
    kind: ContactKind,
    results: ResultSummary,
    groups: Sequence[OutcomeGroup],
    *,
    title: str | Promise | None = None,
) -> OutcomeSection:
    kinds = _PARTS_OF.get(kind, (kind,))
    mine = [group for group in groups if group.kind in kinds]
    return OutcomeSection(kind, title or LABELS[kind], results.count(kind), mine)


def _not_attempted(run: Run, contacts: int) -> list[OutcomeGroup]:
    """Tell contacts that were sent without an answer from those that were not sent."""
    kind = ContactKind.NOT_ATTEMPTED
    batches = run.batches.exclude(IS_REMOVAL).filter(status=BatchStatus.NOT_SENT, code=UNANSWERED)
    unanswered = batches.aggregate(people=Sum("size", default=0))["people"]
    found = [
        OutcomeGroup(kind, UNANSWERED, str(messages.text_of_code(UNANSWERED)), unanswered),
        OutcomeGroup(kind, summary.NEVER_SENT, str(MEANINGS[kind]), contacts - unanswered),
    ]
    return [group for group in found if group.people]


def group_outcomes(
    run: Run, kind: ContactKind | None = None, reasons: Mapping[str, str] | None = None
) -> list[OutcomeGroup]:
    """Group outcomes, or those of one kind, by reason; the largest groups first. ``reasons``: those of the
    export's codes, where they are known already."""
    if reasons is None:
        reasons = messages.reasons_of_codes(run.export_id)
    return _with_blocks(run, _group_rows(run, kind), kind, reasons)


def _group_rows(run: Run, kind: ContactKind | None = None) -> list[OutcomeGroup]:
    outcomes = run.outcomes.all()
    if kind is not None:
        kinds = [outcome for part in _PARTS_OF.get(kind, (kind,)) for outcome in OUTCOMES.get(part, ())]
        outcomes = outcomes.filter(kind__in=kinds)
    found = (
        outcomes.values("kind", "code", "field", "segment")
        .annotate(people=Count("pk"), first=Min("message"), last=Max("message"))
        .order_by("-people", "kind", "code", "field", "segment")
    )
    return [
        OutcomeGroup(
            kind=summary.kind_of_outcome(row["kind"]),
            code=row["code"],
            sentence=translate_stored(row["first"]) or str(messages.text_of_code(row["code"]) or row["code"]),
            people=row["people"],
            varies=row["first"] != row["last"],
            field=row["field"],
            segment=row["segment"],
        )
        for row in found
    ]


def _with_blocks(
    run: Run, groups: Sequence[OutcomeGroup], kind: ContactKind | None, reasons: Mapping[str, str]
) -> list[OutcomeGroup]:
    """Add the contacts that the list had refused before, which are in blocks, to the groups of their codes."""
    wanted = [each for each in _REFUSED_BEFORE if kind in (None, each, ContactKind.MEMBERS)]
    sizes = run.blocks.filter(kind__in=wanted).order_by().values("kind", "code").annotate(people=Sum("size"))
    in_blocks = {(ContactKind(row["kind"]), row["code"]): row["people"] for row in sizes}
    if not in_blocks:
        return list(groups)
    joined = [replace(each, people=each.people + in_blocks.pop((each.kind, each.code), 0)) for each in groups]
    for (own, code), contacts in in_blocks.items():
        joined.append(OutcomeGroup(own, code, reasons.get(code) or str(MEANINGS[own]), contacts))
    return sorted(joined, key=lambda each: -each.people)
