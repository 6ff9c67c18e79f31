"""The counts of a run by result: rows that add up, one case for each rule."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.platform.jobs.models import JobStatus
from exports.models import Run
from exports.reporting import breakdown
from exports.reporting.breakdown import LABELS, PeopleKind

COUNTS = st.integers(0, 1_000_000)


def run(*, is_open: bool = False, **counts: Any) -> Run:
    return Run(status=JobStatus.PROCESSING if is_open else JobStatus.SUCCESSFUL, **counts)


def numbers(rows: Any) -> dict[str, int | None]:
    return {row.kind.value: row.people for row in rows}


def test_the_exclusion_segment_is_named_when_it_excluded_contacts() -> None:
    assert numbers(breakdown.plan_lines(run(excluded_by_segment=7)))["exclusion"] == 7


def test_members_fall_into_six_parts() -> None:
    counted = run(invalid=1, duplicates=2, without_consent=3, unchanged=4, still_refused=5, planned=6)
    assert numbers(breakdown.plan_lines(counted)) == {
        "invalid": 1,
        "duplicate": 2,
        "no_consent": 3,
        "unchanged": 4,
        "still_refused": 5,
        "planned": 6,
    }


# rule, the run, the parts of its planned contacts
PARTS = [
    (
        "a run that has ended tells every part",
        run(delivered=5, left=1, rejected=2, not_sent=3),
        {"delivered": 5, "left": 1, "rejected": 2, "not_sent": 3},
    ),
    (
        "unknown results are told where there are any",
        run(delivered=5, unknown=4),
        {"delivered": 5, "left": 0, "rejected": 0, "unknown": 4, "not_sent": 0},
    ),
    (
        "while a run is open it is not known who is not sent",
        run(is_open=True, delivered=5, not_sent=3),
        {"delivered": 5, "left": 0, "rejected": 0, "not_sent": None},
    ),
]


@pytest.mark.parametrize(("rule", "counted", "parts"), PARTS, ids=[row[0] for row in PARTS])
def test_planned_contacts_fall_into_parts(rule: str, counted: Run, parts: dict[str, int | None]) -> None:
    assert numbers(breakdown.result_lines(counted)) == parts, rule


# rule, the counts of a run, how many contacts have no result yet
REMAINING = [
    ("at the start all planned contacts remain", {"planned": 9}, 9),
    (
        "every result counts",
        {"planned": 15, "delivered": 1, "left": 2, "rejected": 3, "unknown": 4, "not_sent": 5},
        0,
    ),
    ("contacts without a result remain", {"planned": 10, "delivered": 4, "rejected": 1}, 5),
    ("excluded contacts of a batch leave nothing below zero", {"planned": 3, "delivered": 4}, 0),
]


@pytest.mark.parametrize(("rule", "counts", "remaining"), REMAINING, ids=[row[0] for row in REMAINING])
def test_contacts_without_a_result_remain(rule: str, counts: dict[str, Any], remaining: int) -> None:
    assert breakdown.still_to_send(run(**counts)) == remaining, rule


@given(delivered=COUNTS, left=COUNTS, rejected=COUNTS, unknown=COUNTS, not_sent=COUNTS)
def test_the_parts_of_a_run_that_has_ended_add_up_to_the_planned(**counts: Any) -> None:
    ended = run(planned=sum(counts.values()), **counts)
    assert sum(row.people or 0 for row in breakdown.result_lines(ended)) == ended.planned
    assert breakdown.still_to_send(ended) == 0


@pytest.mark.parametrize("kind", PeopleKind)
def test_every_kind_has_a_label(kind: PeopleKind) -> None:
    assert str(LABELS[kind])
