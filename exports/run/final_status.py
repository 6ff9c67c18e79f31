"""Decide how a run that has sent everything ends: status, reason and sentence, from its counts alone.

The status follows from the contacts who are missing on the list, not from what was planned: a run that reached no
contact is never successful.
"""

from dataclasses import dataclass

from config.platform.jobs.models import JobStatus
from exports.reporting.run_message import RunCounts, describe_result
from exports.state.status import Reason

# Exit codes of ``manage.py run_export --wait``.
EXIT_OK, EXIT_FAILED, EXIT_NOT_RUN, EXIT_NEEDS_CONFIRMATION, EXIT_NO_CONTACT = range(5)

_EXIT_CODES = {
    JobStatus.FAILURE: EXIT_FAILED,
    JobStatus.FAILED: EXIT_FAILED,
    JobStatus.SKIPPED: EXIT_NOT_RUN,
    JobStatus.CANCELED: EXIT_NOT_RUN,
    JobStatus.NEEDS_CONFIRMATION: EXIT_NEEDS_CONFIRMATION,
}


@dataclass(frozen=True)
class Verdict:
    """How a run ends."""

    status: JobStatus
    reason: Reason
    sentence: str = ""


def decide(counts: RunCounts) -> Verdict:
    """Give the status, the reason and the sentence of a run that has ended with these counts."""
    sends = not counts.is_cleanup
    warnings = (
        (counts.unknown, Reason.UNACCOUNTED),
        (counts.removals_held, Reason.REMOVALS_HELD),
        (sends and not counts.members, Reason.NO_MEMBERS),
        (sends and not counts.reached, Reason.NO_CONTACT_SENT),
        (counts.newly_rejected, Reason.SOME_REJECTED),
        (counts.not_removed, Reason.SOME_NOT_REMOVED),
    )
    sentence = describe_result(counts)
    for applies, reason in warnings:
        if applies:
            return Verdict(JobStatus.WARNINGS, reason, sentence)
    return Verdict(JobStatus.SUCCESSFUL, _success_reason(counts), sentence)


def _success_reason(counts: RunCounts) -> Reason:
    if counts.rejected:
        return Reason.REJECTED_AS_BEFORE
    if counts.planned or counts.to_remove:
        return Reason.NONE
    if counts.is_cleanup:
        return Reason.NOTHING_TO_CLEAN_UP
    return Reason.NOTHING_NEW if counts.missing or counts.incomplete else Reason.NOTHING_CHANGED


def exit_code(status: JobStatus, reached: int) -> int:
    """Give the exit code of ``run_export --wait`` for a run that ended with ``status``, where ``reached`` counts
    the contacts sent or unchanged."""
    if status in _EXIT_CODES:
        return _EXIT_CODES[status]
    return EXIT_NO_CONTACT if status == JobStatus.WARNINGS and not reached else EXIT_OK
