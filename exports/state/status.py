"""Statuses of a run, the reasons behind them, and the one door through which a status changes.

Few statuses, in the mirrored product's words; many reasons, which tell a person why and what to do (their texts
are in messages.py). *Skipped* ends without help; *Failed (permanent)* needs an action of a user.
"""

from typing import Any

from django.db import models, transaction
from django.utils.translation import gettext_lazy as _

from config.platform.accounts.models import User
from config.platform.jobs import clock
from config.platform.jobs.leases import update_if_owner
from config.platform.jobs.models import OPEN, JobStatus
from exports.models import Run, RunEvent


class Reason(models.TextChoices):
    """Why a run is as it is."""

    NONE = "", _("—")
    LIST_BUSY = "list_busy", _("Another export is sending to the same list")
    REFRESH_UNDER_WAY = "refresh_under_way", _("Waiting for a refresh")
    CONNECTION_BUSY = "connection_busy", _("Other exports use this connection")
    CONNECTION_PAUSED = "connection_paused", _("The connection is paused")
    WAITING_FOR_DESTINATION = "waiting_for_destination", _("Waiting for the destination")
    NOTHING_CHANGED = "nothing_changed", _("Nothing has changed")
    NOTHING_NEW = "nothing_new", _("Nothing new to send")
    NO_CONTACT_SENT = "no_contact_sent", _("No contact could be sent")
    NO_MEMBERS = "no_members", _("The segments have no members")
    SOME_REJECTED = "some_rejected", _("Some contacts were rejected")
    REJECTED_AS_BEFORE = "rejected_as_before", _("No new rejections")
    REMOVALS_HELD = "removals_held", _("Removals await confirmation")
    SOME_NOT_REMOVED = "some_not_removed", _("Some contacts were not removed")
    NOTHING_TO_CLEAN_UP = "nobody_to_clear", _("No contacts left to remove")
    CLEANUP_NOT_NEEDED = "not_to_be_cleared", _("List cleanup no longer needed")
    UNACCOUNTED = "unaccounted", _("Some results are unknown")
    NO_CONNECTION = "no_connection", _("No connection")
    CONNECTION_NOT_READY = "connection_not_ready", _("The connection is not ready")
    RECONNECT_NEEDED = "reconnect_needed", _("Reconnect needed")
    NO_SEGMENTS = "no_segments", _("No segments")
    SEGMENTS_NOT_REFRESHED = "segments_not_refreshed", _("Segments not refreshed yet")
    UPSTREAM_FAILED = "upstream_failed", _("An upstream job failed")
    LIMITS = "limits", _("Blocked by connection limits")
    LIST_REFUSED = "list_refused", _("List not available")
    FIELDS_MISSING = "fields_missing", _("Fields missing on the list")
    TOO_MANY_PROFILES = "too_many_profiles", _("Over limit")
    ACCOUNT_FULL = "account_full", _("Account plan full")
    OPT_IN_MAIL = "opt_in_mail", _("Confirmation emails not accepted")
    DESTINATION_UNAVAILABLE = "destination_unavailable", _("Destination did not respond")
    EVERYTHING_REFUSED = "everything_refused", _("All requests refused")
    UNEXPECTED_ERROR = "unexpected_error", _("Unexpected error")
    CANCELED_BY_PERSON = "canceled_by_person", _("Canceled by a user")


# From a status to those that may follow. What is not open has ended: a retry is a new run. A Failure may still be
# given up.
TRANSITIONS: dict[JobStatus, frozenset[JobStatus]] = {
    JobStatus.QUEUED: frozenset(
        {JobStatus.PROCESSING, JobStatus.SKIPPED, JobStatus.FAILED, JobStatus.CANCELED, JobStatus.FAILURE}
    ),
    JobStatus.PROCESSING: frozenset(set(JobStatus) - {JobStatus.QUEUED, JobStatus.PROCESSING}),
    JobStatus.SUCCESSFUL: frozenset(),
    JobStatus.WARNINGS: frozenset(),
    JobStatus.SKIPPED: frozenset(),
    JobStatus.FAILURE: frozenset({JobStatus.FAILED, JobStatus.CANCELED}),
    JobStatus.FAILED: frozenset(),
    JobStatus.CANCELED: frozenset(),
    JobStatus.NEEDS_CONFIRMATION: frozenset(),
}


class NotAllowed(Exception):
    """The table knows no such transition."""


class StopRun(Exception):
    """End the work on a run now, with a status, a reason, and the message of the destination if it gave one."""

    def __init__(self, status: JobStatus, reason: Reason, message: str = "") -> None:
        super().__init__(f"{status}: {reason} {message}")
        self.status = status
        self.reason = reason
        self.message = message


def check_transition(before: str, after: str) -> None:
    """Raise NotAllowed unless ``after`` may follow ``before``."""
    if JobStatus(after) not in TRANSITIONS[JobStatus(before)]:
        raise NotAllowed(f"a run cannot go from {before} to {after}")


@transaction.atomic
def change_status(
    run: Run,
    status: JobStatus,
    reason: Reason = Reason.NONE,
    *,
    message: str = "",
    by: User | None = None,
    **values: Any,
) -> None:
    """Write status, its time and an event together, with any other ``values`` of the row. Raises NotAllowed, and
    LeaseLost when another worker has the run."""
    check_transition(run.status, status)
    now = clock.now()
    if status == JobStatus.PROCESSING and run.started_at is None:
        values["started_at"] = now
    if status not in OPEN:
        values |= {"finished_at": run.finished_at or now, "lease_until": None}
    before = run.status
    update_if_owner(run, status=status, reason=reason, message=message, **values)
    RunEvent.objects.create(
        run=run, at=now, from_status=before, to_status=status, reason=reason, by_name=str(by) if by else ""
    )
