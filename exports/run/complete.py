"""Complete a run: sum the counts of its batches, derive its status and reason, and notify recipients."""

import logging
from dataclasses import replace
from datetime import datetime

from django.db import transaction
from django.db.models import Q, Sum

from config.platform import db
from config.platform.accounts.models import User
from config.platform.jobs import clock
from config.platform.jobs.leases import LeaseExpired, lock_attempt
from config.platform.jobs.models import JobStatus
from connections import credentials, vault
from connections.destinations.errors import DestinationError
from exports.evidence import job as evidence
from exports.models import IS_REMOVAL, BatchStatus, DeliveredSet, OutcomeKind, Run, Stage, SyncedContact
from exports.removal import removal_plan
from exports.removal.removal_plan import RemovalGuard
from exports.reporting import alerts, run_events
from exports.reporting.run_message import counts_of
from exports.results import left_out_values, removals, unknown_results
from exports.run.final_status import Verdict, decide
from exports.state import retry_policy, run_settings, triggered
from exports.state.known_list import KnownList
from exports.state.status import Reason, StopRun, change_status

logger = logging.getLogger(__name__)

_LAST_WORD = (BatchStatus.DONE, BatchStatus.NOT_SENT)


def complete(run: Run) -> None:
    """End a run whose batches all have their outcome. Raises what the destination raises when it wants to be told
    of the end."""
    run.refresh_from_db(fields=["members", "invalid", "planned"])  # batches may have lost contacts on the way
    _publish(run)
    counts = _sum_counts(run)
    verdict = _verdict(run, counts)
    _end(run, verdict.status, verdict.reason, verdict.sentence, counts)
    _count_own(run)
    _count_list(run)
    _analyze_tables(run)


def _count_own(run: Run) -> None:
    """Keep how many contacts that the export wants are known to be on its list now."""
    known = DeliveredSet.objects.filter(export=run.export_id, account=run.account, list_id=run.list_id).first()
    if known is None or run.is_cleanup:
        return
    wanted = removal_plan.contacts_of(KnownList.of(known)).exclude(unwanted_by__contains=[run.export_id])
    Run.objects.filter(pk=run.pk).update(own_on_list=wanted.count())


def _count_list(run: Run) -> None:
    """Keep how many are active on the list now, beside how many exports know there; nothing where no one can
    tell. The run has ended: it does not wait for the answer."""
    connection = run.connection
    if connection is None:
        return
    try:
        active = connection.destination.active_people(credentials.access(connection), run.list_id)
    except (DestinationError, vault.NotConnected, LeaseExpired) as trouble:
        logger.warning("run %s: the list could not be counted afterwards: %s", run.pk, trouble)
        return
    known = SyncedContact.objects.filter(list_state__account=run.account, list_state__list_id=run.list_id)
    if active is not None:
        Run.objects.filter(pk=run.pk).update(active_on_list=active, known_on_list=known.count())


def end(run: Run, ended: StopRun, *, by: User | None = None) -> None:
    """End a run early: what was not sent stays not sent, and is counted so. What may pass is tried again."""
    try:
        _publish(run)
    except (DestinationError, StopRun, credentials.Paused) as trouble:
        logger.warning("run %s: what it sent could not be published: %s", run.pk, trouble)
    status, next_try_at = retry_policy.decide_retry(run, ended)
    _end(run, status, ended.reason, ended.message, None, by=by, next_try_at=next_try_at)
    _count_own(run)
    _analyze_tables(run)


def _analyze_tables(run: Run) -> None:
    """Let PostgreSQL refresh its statistics of tables that this run changed: the next run begins by reading
    them."""
    db.analyze_after_change("exports_syncedcontact", run.delivered + run.removed)
    db.analyze_after_change("exports_refused", run.left + run.rejected)
    db.analyze_after_change("exports_removedcontact", run.removed)


def _publish(run: Run) -> None:
    """Tell a destination that wants to know it that this run has sent all that it will send."""
    connection = run.connection
    if connection is None or not run.planned or not connection.destination.capabilities.publishes:
        return
    try:
        access = credentials.access(connection)
    except credentials.Paused:
        raise  # the run waits
    except vault.NotConnected as not_connected:
        raise StopRun(JobStatus.FAILED, Reason.CONNECTION_NOT_READY, str(not_connected)) from not_connected
    connection.destination.publish(access, run_settings.send_settings(run.list_id, run.snapshot))


@transaction.atomic
def _end(
    run: Run,
    status: JobStatus,
    reason: Reason,
    message: str,
    counts: dict[str, int] | None,
    *,
    by: User | None = None,
    next_try_at: datetime | None = None,
) -> None:
    lock_attempt(run)
    unknown_results.record_unanswered(run)
    run.batches.filter(status__in=(BatchStatus.PLANNED, BatchStatus.SENDING)).update(status=BatchStatus.NOT_SENT)
    left_out_values.drop_not_sent(run)
    removals.record_uncertain_removals(run)
    values: dict[str, object] = {**(counts or _sum_counts(run))}
    values |= {"stage": Stage.COMPLETE, "resume_at": next_try_at}
    if not run.batches.filter(sent_at__isnull=False).exists():
        values["disclosed_at"] = clock.now()
    change_status(run, status, reason, message=message, by=by, **values)
    run_events.emit_status(run)
    triggered.note_run(run)
    evidence.request(run)
    alerts.update_alerts(run)


def _sum_counts(run: Run) -> dict[str, int]:
    """Sum the counts of the batches that have the last word on their contacts."""
    last = run.batches.filter(status__in=_LAST_WORD)
    sums = last.exclude(IS_REMOVAL).aggregate(
        delivered=Sum("delivered", default=0),
        new_people=Sum("new_people", default=0),
        left=Sum("left", default=0),
        rejected=Sum("rejected", default=0),
        unknown=Sum("unaccounted", default=0),
        not_sent=Sum("size", default=0, filter=Q(status=BatchStatus.NOT_SENT)),
    )
    newly_rejected = run.outcomes.filter(kind=OutcomeKind.REJECTED, is_new=True).count()
    taken_off = last.filter(IS_REMOVAL).aggregate(
        removed=Sum("delivered", default=0),
        kept=Sum("left", default=0),
        not_removed=Sum("rejected", default=0) + Sum("size", default=0, filter=Q(status=BatchStatus.NOT_SENT)),
    )
    beside = {"newly_rejected": newly_rejected, "incomplete": left_out_values.count(run)}
    return {name: int(value) for name, value in {**sums, **taken_off}.items()} | beside


def _verdict(run: Run, counts: dict[str, int]) -> Verdict:
    verdict = decide(counts_of(run, counts))
    if verdict.reason is Reason.REMOVALS_HELD:
        sentences = (str(RemovalGuard(run.removal_guard).label), verdict.sentence)
        return replace(verdict, sentence=" ".join(filter(None, sentences)))
    return verdict
