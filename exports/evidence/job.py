"""Write the evidence of each run that has ended, once.

The job is made in the transaction that ends the run, and never holds the run up. The names of the files are those
of the run, and each file appears whole: a worker that takes over from a killed one writes the same files again.
The row in the table “runs” is written last: it says that the evidence of a run is complete. Files during whose
writing a person was erased are written again.
"""

import logging
from collections.abc import Callable
from datetime import timedelta

from django.db import transaction
from django.db.models import F
from django.urls import reverse
from django.utils.translation import gettext as _

from config.platform.jobs import clock, leases
from config.platform.jobs.enqueue import enqueue_on_commit
from config.platform.jobs.leases import HeldLease, LeaseExpired, LeaseLost
from config.platform.jobs.models import JobStatus
from config.platform.notifications import alerts
from config.platform.notifications.alerts import Subject
from config.platform.notifications.models import Kind
from exports.evidence import files, place, schema, work_folder
from exports.evidence.place import CannotWrite
from exports.models import EvidenceWriting, Run
from exports.state.retry_policy import RetryPolicy
from segments.privacy import erase

logger = logging.getLogger(__name__)

WRITE_EVIDENCE = "exports.tasks.write_evidence"
# Over about a day.
RETRIES = RetryPolicy(attempts=30, first_seconds=30.0, longest_seconds=3600.0)
ALERT_AFTER = 3
_MOST_AT_ONCE = 50
# While persons are erased one after the other, files are written so often, and then after this pause.
_MOST_TIMES = 3
_WHILE_ERASING = timedelta(minutes=1)


class _PersonErased(Exception):
    """A person was erased after the tables were read."""


def request(run: Run) -> None:
    """Let the evidence of a run be written, where that is set up; again, when it was written with another status.
    Within the transaction that ends the run."""
    if not place.is_set():
        return
    writing, created = EvidenceWriting.objects.get_or_create(run=run)
    if not created:  # the next attempt: a worker that writes the status before has lost the job
        EvidenceWriting.objects.filter(pk=writing.pk).update(
            status=JobStatus.QUEUED,
            attempt=F("attempt") + 1,
            due_at=clock.now(),
            finished_at=None,
            lease_until=None,
            message="",
            tries=0,
        )
    enqueue_on_commit(WRITE_EVIDENCE, writing.pk)


def of_run(run: Run) -> EvidenceWriting | None:
    """Return the job of a run; None where no evidence is written."""
    return EvidenceWriting.objects.filter(run=run).first() if place.is_set() else None


def due() -> list[int]:
    """Return the IDs of jobs whose time has come and that no worker holds, the longest waiting first."""
    if not place.is_set():
        return []
    found = leases.claimable(EvidenceWriting).filter(due_at__lte=clock.now()).order_by("due_at")
    return list(found.values_list("pk", flat=True)[:_MOST_AT_ONCE])


def write(writing_id: int) -> None:
    """Write the evidence of a run, if that is due and no other worker does."""
    writing = leases.claim(EvidenceWriting(pk=writing_id)) if writing_id in due() else None
    if writing is None:
        return
    try:
        with leases.hold(writing) as lease:
            _write(writing, lease)
    except (LeaseLost, LeaseExpired):
        logger.warning("evidence of run %s: another worker has taken over", writing.run_id)
    except CannotWrite as failure:
        logger.warning("evidence of run %s: %s", writing.run_id, failure)
        _fail(writing, str(failure))
    except Exception:
        logger.exception("evidence of run %s: unexpected error", writing.run_id)
        _fail(writing, _("See the log of the worker."))


def _write(writing: EvidenceWriting, lease: HeldLease) -> None:
    """Write the files until no person was erased meanwhile; while many are erased, a little later."""
    run = Run.objects.select_related("export").get(pk=writing.run_id)
    for _time in range(_MOST_TIMES):
        try:
            _write_once(run, writing, lease)
        except _PersonErased:
            logger.info("evidence of run %s: a person was erased; its files are written again", run.pk)
        else:
            return
    leases.update_if_owner(writing, due_at=clock.now() + _WHILE_ERASING, lease_until=None)


def _write_once(run: Run, writing: EvidenceWriting, lease: HeldLease) -> None:
    """Write the files of a run. Raises _PersonErased when a person was erased since they were read."""
    erased_until = erase.last_erasure()
    with work_folder.make(f"{writing.pk}-{writing.attempt}") as folder:
        written = files.write_all(run, folder)
        _check_erasures(erased_until)
        for table in schema.TABLES:
            lease.check()
            place.publish(written[table], schema.file_name(table, run.pk), attempt=writing.attempt)
    with transaction.atomic():
        _check_erasures(erased_until)
        leases.update_if_owner(
            writing, status=JobStatus.SUCCESSFUL, finished_at=clock.now(), message="", lease_until=None
        )
        alerts.close_alerts([Kind.EVIDENCE], _subject(run))


@transaction.atomic
def _check_erasures(erased_until: int) -> None:
    """Raise _PersonErased when there was an erasure after the one with the ID ``erased_until``. An erasure does
    not wait for an upload: what is uploaded meanwhile is replaced."""
    erase.enter_erasure_barrier()
    if erase.last_erasure() != erased_until:
        raise _PersonErased


def _fail(writing: EvidenceWriting, why: str) -> None:
    """Let the job wait, longer after each failure; after too many it fails. Administrators are alerted."""
    run = Run.objects.select_related("export").get(pk=writing.run_id)
    tries = writing.tries + 1
    values: dict[str, object] = {"tries": tries, "message": why, "lease_until": None}
    if RETRIES.is_exhausted(tries):
        values |= {"status": JobStatus.FAILED, "finished_at": clock.now()}
    else:
        values |= {"due_at": clock.now() + timedelta(seconds=RETRIES.seconds_after(tries))}

    def note() -> None:
        leases.update_if_owner(writing, **values)
        if tries >= ALERT_AFTER:
            sentence = _("The evidence of run %(number)s of “%(export)s” could not be written: %(why)s")
            words = {"number": run.number, "export": run.export, "why": why}
            alerts.open_alert(Kind.EVIDENCE, _subject(run), sentence % words)

    _unless_lost(note)


def _unless_lost(change: Callable[[], None]) -> None:
    try:
        with transaction.atomic():
            change()
    except LeaseLost:
        logger.warning("evidence: another worker has taken over")


def _subject(run: Run) -> Subject:
    return Subject("evidence", "evidence", _("Evidence of runs"), reverse("exports:run", args=[run.pk]))
