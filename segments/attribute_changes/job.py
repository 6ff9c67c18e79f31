"""Do a change of an attribute: write its new columns to the profile store, then let everything name them.

The job holds the lock of the store's writers from the conversion until PostgreSQL has committed, so that no import
or erasure writes the former columns in between. A worker that is killed leaves at most columns that nothing names,
which maintenance drops; the next worker starts over.
"""

import logging
from datetime import timedelta

from django.db import InterfaceError, OperationalError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from config.platform.jobs import clock, leases
from config.platform.jobs.enqueue import enqueue_on_commit
from config.platform.jobs.models import JobStatus
from segments import actions, refresh, unification
from segments.attribute_changes import merge, retype
from segments.attribute_changes.frame import Busy, ChangeRefused, InProgress, locked, open_uses
from segments.catalog import Attribute, attribute_of
from segments.models import AttributeChange, ChangeKind, DeletedAttribute
from segments.store import lake, schema
from segments.store.attribute_columns import drop_converted, write_columns
from segments.store.identity import StoreMismatch
from segments.store.locks import writer_lock

logger = logging.getLogger(__name__)

MAX_ATTEMPTS = 20
# How long a change waits for what reads the attribute.
WAIT_LIMIT = timedelta(minutes=15)
# The percentages of the work at which its steps begin, as a million profiles take.
WRITING, UNIFYING, NAMING = 30, 65, 95
_WAYS = {ChangeKind.RETYPE: retype, ChangeKind.MERGE: merge}


class Canceled(Exception):
    """A user requested cancellation."""


def run_change(job_id: int) -> AttributeChange | None:
    """Claim and run a change. Returns the ended job, or None when another worker has it, or while something reads
    the attribute."""
    waiting = AttributeChange.objects.filter(pk=job_id).first()
    if waiting is None or (_may_wait(waiting) and open_uses(waiting.names, change=waiting)):
        return None
    job = leases.claim(waiting)
    if job is None:
        return None
    leases.update_if_owner(job, status=JobStatus.PROCESSING, started_at=job.started_at or clock.now())
    with leases.hold(job) as lease:
        try:
            if job.attempt > MAX_ATTEMPTS:
                raise ChangeRefused(_("The change failed after several attempts. Nothing was changed."))
            _change(job, lease)
        except leases.LeaseLost:
            logger.warning("attribute change %s: another worker has taken over", job.pk)
            return None
        except (OperationalError, InterfaceError):
            logger.exception("attribute change %s: the database was away; it starts over", job.pk)
            raise
        except Canceled:
            leases.update_if_owner(
                job, status=JobStatus.CANCELED, finished_at=clock.now(), lease_until=None, message=""
            )
        except (InProgress, Busy) as refusal:
            if _may_wait(job):
                leases.update_if_owner(job, status=JobStatus.QUEUED, lease_until=None)
                return None
            _fail(job, str(refusal))
        except (ChangeRefused, StoreMismatch, lake.OutOfMemory) as refusal:
            _fail(job, str(refusal))
        except Exception:
            logger.exception("attribute change %s failed", job.pk)
            _fail(job, _("An unexpected error occurred. See the log for details. Nothing was changed."))
    return job


def _may_wait(job: AttributeChange) -> bool:
    return clock.now() - job.created_at < WAIT_LIMIT


def _change(job: AttributeChange, lease: leases.HeldLease) -> None:
    """Write the columns, and let everything name them. Raises ChangeRefused."""
    _check_unused(job)
    number = schema.reserve_number()
    DeletedAttribute.objects.create(pk=number)  # until the catalog names the columns
    with writer_lock(lambda: _check_canceled(lease)):
        with lake.writing(f"attribute:{job.pk}:{job.attempt}") as writer:
            _at(lease, 1)
            try:
                after, misfits = _WAYS[ChangeKind(job.kind)].fill(writer, job, number)
                _check_misfits(job, misfits)
                _at(lease, WRITING)
                write_columns(writer, after, unifying=lambda: _at(lease, UNIFYING))
            finally:
                drop_converted(writer)
        _at(lease, NAMING)
        _conclude(job, after, misfits)


def _conclude(job: AttributeChange, after: Attribute, misfits: int) -> None:
    """Name the new columns and end the job, in one transaction. Raises ChangeRefused and LeaseLost."""
    with locked() as users:
        leases.lock_attempt(job)
        _check_unused(job)
        job.attribute.refresh_from_db()
        job.misfits = misfits
        regroups = _WAYS[ChangeKind(job.kind)].regroups(job)
        former = attribute_of(job.attribute).number
        segments = _WAYS[ChangeKind(job.kind)].conclude(job, after, users)
        DeletedAttribute.objects.filter(pk=after.number).delete()
        DeletedAttribute.objects.create(pk=former)
        leases.update_if_owner(
            job,
            status=JobStatus.WARNINGS if misfits else JobStatus.SUCCESSFUL,
            misfits=misfits,
            finished_at=clock.now(),
            lease_until=None,
            message="",
        )
        if regroups:
            unification.queue(by=job.requested_by)
        for segment in segments:
            if not refresh.skip_reason(segment):
                actions.request_refresh(segment, by=None)
        enqueue_on_commit("segments.tasks.enqueue_pending")  # imports that wait for the change


def _check_canceled(lease: leases.HeldLease) -> None:
    lease.check()
    if lease.cancel_requested.is_set():
        raise Canceled


def _at(lease: leases.HeldLease, percent: int) -> None:
    """Report how much of the work is done. Raises Canceled and LeaseLost."""
    lease.report(progress_done=percent, progress_total=100)
    _check_canceled(lease)


def _check_unused(job: AttributeChange) -> None:
    if reading := open_uses(job.names, change=job):
        raise InProgress(reading)


def _check_misfits(job: AttributeChange, misfits: int) -> None:
    """Raise ChangeRefused when more values do not fit than the user has seen."""
    if misfits > job.accepted_misfits:
        sentence = ngettext(
            "%(count)d value does not fit the type now, more than in the preview. Nothing was changed.",
            "%(count)d values do not fit the type now, more than in the preview. Nothing was changed.",
            misfits,
        )
        raise ChangeRefused(sentence % {"count": misfits})


def _fail(job: AttributeChange, message: str) -> None:
    leases.update_if_owner(
        job, status=JobStatus.FAILED, message=message, finished_at=clock.now(), lease_until=None
    )
