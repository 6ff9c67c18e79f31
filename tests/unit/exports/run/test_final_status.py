"""How a run ends: status, reason, sentence and exit code, from its counts."""

import pytest

from config.platform.jobs.models import JobStatus
from exports.reporting.run_message import RunCounts
from exports.run.final_status import decide, exit_code
from exports.state.status import Reason

WARNINGS, SUCCESSFUL = JobStatus.WARNINGS, JobStatus.SUCCESSFUL

TABLE = [
    (RunCounts(members=2, delivered=2), SUCCESSFUL, Reason.NONE, ""),
    (RunCounts(members=2, unchanged=2), SUCCESSFUL, Reason.NOTHING_CHANGED, ""),
    (RunCounts(members=3, unchanged=2, duplicates=1), SUCCESSFUL, Reason.NOTHING_CHANGED, ""),
    (RunCounts(), WARNINGS, Reason.NO_MEMBERS, ""),
    (RunCounts(to_remove=5), WARNINGS, Reason.NO_MEMBERS, ""),
    (
        RunCounts(members=5, excluded=5),
        WARNINGS,
        Reason.NO_CONTACT_SENT,
        "No contact could be sent: 5 excluded.",
    ),
    (
        RunCounts(members=3, excluded=2, duplicates=1),
        WARNINGS,
        Reason.NO_CONTACT_SENT,
        "No contact could be sent: 3 excluded.",
    ),
    (
        RunCounts(members=1, previously_rejected=1),
        WARNINGS,
        Reason.NO_CONTACT_SENT,
        "No contact could be sent: 1 previously rejected, data unchanged.",
    ),
    (
        RunCounts(members=4, suppressed=1, rejected=1, previously_rejected=1, excluded=1),
        WARNINGS,
        Reason.NO_CONTACT_SENT,
        "No contact could be sent: 1 excluded, 1 suppressed, 1 rejected, 1 previously rejected, data unchanged.",
    ),
    (
        RunCounts(members=3, unchanged=1, excluded=1, previously_rejected=1),
        SUCCESSFUL,
        Reason.NOTHING_NEW,
        "Not delivered: 1 excluded, 1 previously rejected, data unchanged.",
    ),
    (RunCounts(members=2, delivered=1, excluded=1), SUCCESSFUL, Reason.NONE, "Not delivered: 1 excluded."),
    (RunCounts(members=2, delivered=1, suppressed=1), SUCCESSFUL, Reason.NONE, "Not delivered: 1 suppressed."),
    (
        RunCounts(members=2, delivered=1, rejected=1, newly_rejected=1),
        WARNINGS,
        Reason.SOME_REJECTED,
        "Not delivered: 1 rejected.",
    ),
    (
        RunCounts(members=2, delivered=1, rejected=1),
        SUCCESSFUL,
        Reason.REJECTED_AS_BEFORE,
        "Not delivered: 1 rejected.",
    ),
    (RunCounts(members=2, delivered=1, unknown=1), WARNINGS, Reason.UNACCOUNTED, "Not delivered: 1 unknown."),
    (RunCounts(members=1, unchanged=1, removals_held=9), WARNINGS, Reason.REMOVALS_HELD, ""),
    (RunCounts(members=1, unchanged=1, to_remove=2, not_removed=1), WARNINGS, Reason.SOME_NOT_REMOVED, ""),
    (RunCounts(is_cleanup=True), SUCCESSFUL, Reason.NOTHING_TO_CLEAN_UP, ""),
    (RunCounts(is_cleanup=True, to_remove=2), SUCCESSFUL, Reason.NONE, ""),
    (RunCounts(is_cleanup=True, to_remove=2, not_removed=1), WARNINGS, Reason.SOME_NOT_REMOVED, ""),
]


@pytest.mark.parametrize(("counts", "status", "reason", "sentence"), TABLE)
def test_status_follows_from_who_is_missing(
    counts: RunCounts, status: JobStatus, reason: Reason, sentence: str
) -> None:
    verdict = decide(counts)
    assert (verdict.status, verdict.reason, verdict.sentence) == (status, reason, sentence)


@pytest.mark.parametrize(
    ("status", "reached", "code"),
    [
        (JobStatus.SUCCESSFUL, 1, 0),
        (JobStatus.SUCCESSFUL, 0, 0),  # a list cleanup, which sends no contact
        (JobStatus.WARNINGS, 1, 0),
        (JobStatus.FAILURE, 1, 1),
        (JobStatus.FAILED, 0, 1),
        (JobStatus.SKIPPED, 0, 2),
        (JobStatus.CANCELED, 5, 2),
        (JobStatus.NEEDS_CONFIRMATION, 0, 3),
        (JobStatus.WARNINGS, 0, 4),
    ],
)
def test_exit_code_tells_whether_a_contact_was_reached(status: JobStatus, reached: int, code: int) -> None:
    assert exit_code(status, reached) == code


# Where several warnings apply, the first of these is the reason of the run.
PRIORITY = [
    (Reason.UNACCOUNTED, {"unknown": 1}),
    (Reason.REMOVALS_HELD, {"removals_held": 1}),
    (Reason.SOME_REJECTED, {"rejected": 1, "newly_rejected": 1}),
    (Reason.SOME_NOT_REMOVED, {"to_remove": 1, "not_removed": 1}),
]


@pytest.mark.parametrize("first", range(len(PRIORITY)))
def test_the_most_serious_warning_is_the_reason(first: int) -> None:
    counts: dict[str, int] = {"members": 3, "delivered": 1}
    for _reason, applies in PRIORITY[first:]:
        counts |= applies
    assert decide(RunCounts(**counts)).reason == PRIORITY[first][0]  # type: ignore[arg-type]


def test_a_run_that_reached_no_contact_is_never_successful() -> None:
    for missing in ("excluded", "previously_rejected", "suppressed", "rejected", "unknown", "not_attempted"):
        counts: dict[str, int] = {"members": 1, missing: 1}
        assert decide(RunCounts(**counts)).status == WARNINGS  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("counts", "sentence"),
    [
        (RunCounts(members=1, delivered=1), ""),
        (
            RunCounts(members=1, delivered=1, incomplete=1, left_out={"City": 1}),
            "1 contact was delivered without a value that the list cannot hold: City (1).",
        ),
        (
            RunCounts(members=3, unchanged=3, incomplete=2, left_out={"City": 2, "Born": 1}),
            "2 contacts were delivered without a value that the list cannot hold: City (2), Born (1).",
        ),
    ],
)
def test_contacts_without_a_value_are_told_by_field(counts: RunCounts, sentence: str) -> None:
    assert decide(counts).sentence == sentence


def test_a_run_of_unchanged_contacts_without_a_value_does_not_say_that_nothing_changed() -> None:
    incomplete = RunCounts(members=3, unchanged=3, incomplete=1, left_out={"City": 1})
    assert decide(incomplete).reason == Reason.NOTHING_NEW
