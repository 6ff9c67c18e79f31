"""The summary of results: its parts add up to the members, whatever a run or a preview has counted."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.platform.jobs.models import JobStatus
from exports.models import OutcomeKind, Run
from exports.results import summary
from exports.results.summary import EXCLUDED_PARTS, LABELS, PARTS, ContactKind, Phase, ResultSummary

COUNTS = st.integers(0, 1_000_000)
PLAN = (
    "invalid",
    "duplicates",
    "excluded_by_segment",
    "without_consent",
    "held_out",
    "unchanged",
    "still_refused",
)
RESULTS = ("delivered", "left", "rejected", "unknown")


def run(is_open: Any = False, **counts: Any) -> Run:
    return Run(status=JobStatus.PROCESSING if is_open else JobStatus.SUCCESSFUL, **counts)


def shown(results: ResultSummary) -> dict[str, int]:
    return {one.kind.value: one.contacts for one in results.counts}


@given(
    plan=st.fixed_dictionaries(dict.fromkeys(PLAN, COUNTS)),
    results=st.fixed_dictionaries(dict.fromkeys(RESULTS, COUNTS)),
    not_sent=COUNTS,
    is_open=st.booleans(),
)
def test_the_parts_of_a_run_add_up_to_its_members(
    plan: dict[str, int], results: dict[str, int], not_sent: int, is_open: bool
) -> None:
    planned = sum(results.values()) + not_sent
    members = sum(plan.values()) + planned
    counted = summary.of_run(run(is_open=is_open, members=members, planned=planned, **plan, **results))
    assert counted.members == members
    assert counted.not_attempted == not_sent
    assert sum(shown(counted).values()) == members  # parts that are not shown have no contacts


@given(
    counts=st.fixed_dictionaries({kind.value: COUNTS for kind in (*PARTS, *EXCLUDED_PARTS) if kind != "excluded"})
)
def test_numbers_of_programs_add_up(counts: dict[str, Any]) -> None:
    numbers = ResultSummary(Phase.ENDED, **counts).as_numbers()
    assert numbers["members"] == sum(numbers[kind.value] for kind in PARTS)
    assert numbers["excluded"] == sum(numbers[kind.value] for kind in EXCLUDED_PARTS)


@given(counts=st.dictionaries(st.sampled_from([kind.value for kind in PARTS if kind != "excluded"]), COUNTS))
def test_a_preview_is_read_as_it_was_stored(counts: dict[str, Any]) -> None:
    before = ResultSummary(phase=Phase.PREVIEW, **counts)
    assert summary.of_preview(before.as_numbers()) == before


# rule, the run, what is shown
SHOWN = [
    (
        "usual parts are always shown",
        run(planned=5, delivered=5),
        {"delivered": 5, "unchanged": 0, "excluded": 0, "suppressed": 0, "rejected": 0, "not_attempted": 0},
    ),
    (
        "rare parts are shown where they have contacts",
        run(planned=4, unknown=4, still_refused=2),
        {
            "delivered": 0,
            "unchanged": 0,
            "excluded": 0,
            "suppressed": 0,
            "previously_rejected": 2,
            "rejected": 0,
            "unknown": 4,
            "not_attempted": 0,
        },
    ),
]


@pytest.mark.parametrize(("rule", "counted", "expected"), SHOWN, ids=[row[0] for row in SHOWN])
def test_which_parts_are_shown(rule: str, counted: Run, expected: dict[str, int]) -> None:
    assert shown(summary.of_run(counted)) == expected, rule


# rule, the phase, the label of contacts without a result
PENDING = [
    ("a preview says what it would send", Phase.PREVIEW, "To send"),
    ("an open run has pending contacts", Phase.OPEN, "Pending"),
    ("a run that has ended did not attempt them", Phase.ENDED, "Not attempted"),
]


@pytest.mark.parametrize(("rule", "phase", "label"), PENDING, ids=[row[0] for row in PENDING])
def test_contacts_without_a_result_are_named_by_the_phase(rule: str, phase: Phase, label: str) -> None:
    counts = {one.kind: one for one in ResultSummary(phase=phase, not_attempted=3).counts}
    assert str(counts[ContactKind.NOT_ATTEMPTED].label) == label, rule


# rule, the counts of a run, the counts of contacts who left
REMOVALS = [
    ("a run without removals has none", {}, {}),
    ("all were removed", {"to_remove": 4, "removed": 4}, {"removed": 4}),
    (
        "those that stay for whatever reason were not removed",
        {"to_remove": 9, "removed": 4, "kept": 2, "not_removed": 3},
        {"removed": 4, "not_removed": 5},
    ),
    ("a guard holds them", {"removals_held": 15}, {"removed": 0, "awaiting_confirmation": 15}),
]


@pytest.mark.parametrize(("rule", "counts", "expected"), REMOVALS, ids=[row[0] for row in REMOVALS])
def test_removals_are_beside_the_members(rule: str, counts: dict[str, int], expected: dict[str, int]) -> None:
    counted = summary.of_run(run(**counts))
    assert {one.kind.value: one.contacts for one in counted.removals} == expected, rule
    assert counted.members == 0


def test_one_line_names_what_there_is() -> None:
    counted = ResultSummary(delivered=4, invalid=1, removed=2)
    assert str(counted.in_words()) == (
        "Members: 5. Delivered: 4. Unchanged: 0. Excluded: 1. Suppressed: 0. Rejected: 0. Not attempted: 0."
        " Removed: 2."
    )


def test_one_line_is_empty_for_a_run_without_contacts() -> None:
    assert str(ResultSummary().in_words()) == ""


@pytest.mark.parametrize("kind", ContactKind)
def test_every_group_has_a_label_and_a_number(kind: ContactKind) -> None:
    assert str(LABELS[kind])
    assert ResultSummary().count(kind) == 0


@pytest.mark.parametrize("outcome", OutcomeKind)
def test_every_outcome_belongs_to_a_group(outcome: OutcomeKind) -> None:
    assert summary.kind_of_outcome(outcome) in ContactKind
