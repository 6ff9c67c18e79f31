"""Delete what runs keep of people when its time is over; the counts stay. Delete old campaigns.

A nightly task takes small steps.
"""

import logging

from django.db import connection as database
from django.db import transaction
from django.db.models import QuerySet

from config.platform import retention
from config.platform.jobs import clock, enqueue
from config.platform.jobs.models import OPEN
from config.platform.retention import Retention
from exports.models import Campaign, ExportPreview, Run
from exports.privacy import disclosures
from exports.results.summary import ContactKind

BATCHES_A_STEP = 100
OUTCOMES_A_STEP = 5_000

logger = logging.getLogger(__name__)


def forget_for_a_while(seconds: float = enqueue.SECONDS_PER_MESSAGE) -> bool:
    """Take steps until the time is over; whether there is more to do."""
    return enqueue.repeat_for_a_while(_step, seconds)


def _step() -> bool:
    """One step; False when nothing was left to do."""
    run = _ended_before(retention.RUN_CONTACTS).filter(batches_emptied_at=None).first()
    if run is not None:
        disclosures.settle(run.pk, wait=True)
        return _empty_batches(run)
    if ExportPreview.objects.filter(created_at__lt=retention.PREVIEWS.cutoff()).delete()[0]:
        return True
    if Campaign.objects.filter(sent_at__lt=f"{retention.CAMPAIGNS.cutoff():%Y-%m-%d}").delete()[0]:
        return True
    run = _ended_before(retention.RUN_OUTCOMES).filter(outcomes_removed_at=None).first()
    return run is not None and _remove_outcomes(run)


def _ended_before(kind: Retention) -> QuerySet[Run]:
    return Run.objects.filter(finished_at__lt=kind.cutoff()).exclude(status__in=OPEN).order_by("pk")


@transaction.atomic
def _empty_batches(run: Run) -> bool:
    """Empty some batches of a run; when all are empty, delete its unchanged contacts too, and note it in the
    run. Unchanged contacts are nearly the whole list in most runs."""
    with database.cursor() as cursor:
        cursor.execute(
            """
            UPDATE exports_batch SET profile_ids = '{}', emails = '{}', payloads = '{}', hashes = '{}'
             WHERE id IN (SELECT id FROM exports_batch WHERE run_id = %s AND emails <> '{}' LIMIT %s)
            """,
            [run.pk, BATCHES_A_STEP],
        )
        emptied = cursor.rowcount
    if emptied < BATCHES_A_STEP:
        run.blocks.filter(kind=ContactKind.UNCHANGED).delete()
        Run.objects.filter(pk=run.pk).update(batches_emptied_at=clock.now())
        logger.info("run %s: the people in its batches were kept to the end of their time and are gone", run.pk)
    return True


@transaction.atomic
def _remove_outcomes(run: Run) -> bool:
    """Delete some outcomes of a run; when none is left, the run says so."""
    run.blocks.all().delete()
    with database.cursor() as cursor:
        cursor.execute(
            "DELETE FROM exports_outcome WHERE id IN (SELECT id FROM exports_outcome WHERE run_id = %s LIMIT %s)",
            [run.pk, OUTCOMES_A_STEP],
        )
        removed = cursor.rowcount
    if removed < OUTCOMES_A_STEP:
        Run.objects.filter(pk=run.pk).update(outcomes_removed_at=clock.now())
    return True
