"""Decide how a run that has sent everything ends: status, reason and sentence, from its counts alone.

The status follows from the contacts who are missing on the list, not from what was planned: a run that reached no
contact is never successful.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from config.platform.jobs.models import JobStatus
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
class RunCounts:
    """How many contacts of a run have which result. ``excluded`` counts members without a usable address, value or
    consent; ``held_out`` are in the control group; ``duplicates`` share the address of another member;
    ``delivered`` were added or updated."""

    members: int = 0
    excluded: int = 0
    held_out: int = 0
    duplicates: int = 0
    unchanged: int = 0
    previously_rejected: int = 0
    previously_suppressed: int = 0
    delivered: int = 0
    suppressed: int = 0
    rejected: int = 0
    newly_rejected: int = 0
    unknown: int = 0
    not_attempted: int = 0
    incomplete: int = 0  # of delivered and unchanged, without a value that the list cannot hold
    left_out: Mapping[str, int] = field(default_factory=dict)  # these by the names of the fields
    to_remove: int = 0
    not_removed: int = 0
    removals_held: int = 0
    is_cleanup: bool = (
        False  # removes subscribers from a list that the export no longer uses, and sends no contact
    )

    @property
    def reached(self) -> int:
        """Contacts who are on the list as they are now."""
        return self.delivered + self.unchanged

    @property
    def planned(self) -> int:
        """Contacts who were to be sent."""
        return self.delivered + self.suppressed + self.rejected + self.unknown + self.not_attempted

    @property
    def missing(self) -> int:
        """Members who are not on the list as they are now; duplicates share the result of their address."""
        before_sending = self.excluded + self.held_out + self.previously_rejected + self.previously_suppressed
        return before_sending + self.planned - self.delivered


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
    sentence = " ".join(filter(None, (describe_missing(counts), describe_incomplete(counts))))
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


def describe_missing(counts: RunCounts) -> str:
    """Name the contacts who are not on the list as they are now, by result; empty when there are none."""
    if not counts.missing:
        return ""
    sentence = _("Not delivered: %(results)s.") if counts.reached else _("No contact could be sent: %(results)s.")
    return sentence % {"results": _list_results(counts)}


def describe_incomplete(counts: RunCounts) -> str:
    """Say how many contacts are on the list without one of their values, and in which fields; empty when there
    are none."""
    if not counts.incomplete:
        return ""
    return ngettext(
        "%(contacts)d contact was delivered without a value that the list cannot hold: %(fields)s.",
        "%(contacts)d contacts were delivered without a value that the list cannot hold: %(fields)s.",
        counts.incomplete,
    ) % {
        "contacts": counts.incomplete,
        "fields": ", ".join(f"{name} ({contacts})" for name, contacts in counts.left_out.items()),
    }


def _list_results(counts: RunCounts) -> str:
    """List the results with the counts that the summary of the run shows."""
    named = (
        (counts.excluded + counts.duplicates + counts.held_out, _("%(contacts)d excluded")),
        (counts.suppressed + counts.previously_suppressed, _("%(contacts)d suppressed")),
        (counts.rejected, _("%(contacts)d rejected")),
        (counts.unknown, _("%(contacts)d unknown")),
        (counts.not_attempted, _("%(contacts)d not attempted")),
        (counts.previously_rejected, _("%(contacts)d previously rejected, data unchanged")),
    )
    return ", ".join(text % {"contacts": contacts} for contacts, text in named if contacts)


def exit_code(status: JobStatus, reached: int) -> int:
    """Give the exit code of ``run_export --wait`` for a run that ended with ``status``, where ``reached`` counts
    the contacts sent or unchanged."""
    if status in _EXIT_CODES:
        return _EXIT_CODES[status]
    return EXIT_NO_CONTACT if status == JobStatus.WARNINGS and not reached else EXIT_OK
