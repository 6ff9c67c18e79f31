"""Tasks of exports: each message only says where to look; nothing is lost with one."""

from celery import shared_task
from celery.signals import worker_init, worker_shutting_down
from django.core.cache import cache

from config.platform.jobs.enqueue import enqueue, enqueue_unless_waiting, forget_waiting
from config.platform.schedules import ticks
from connections import destinations
from exports.actions import list_cleanup, manage, preview, retries, run_after
from exports.delivery import loop
from exports.evidence import job as evidence
from exports.evidence import work_folder
from exports.evidence.job import WRITE_EVIDENCE
from exports.feedback import campaigns, comparison, look, watches, webhooks
from exports.feedback.campaigns import READ_CAMPAIGNS
from exports.feedback.comparison import COMPARE_LIST
from exports.feedback.webhook_calls import LOOK_AT_LIST
from exports.models import ExportSchedule, ExportTick
from exports.privacy import disclosures, list_removal
from exports.run import pipeline
from exports.scheduler import retention
from exports.scheduler import start_due as scheduler_start_due
from exports.state import claim

TEND_LIST_WEBHOOK = "exports.tasks.tend_list_webhook"
WATCHES_MADE_EVERY_SECONDS = 10


@shared_task
def work_on_run(run_id: int) -> None:
    """Work on a run for one slice, and enqueue the next one when there is more."""
    if pipeline.run_slice(run_id) == pipeline.Next.ENQUEUE_AGAIN:
        enqueue("exports.tasks.work_on_run", run_id)


@shared_task
def enqueue_pending() -> None:
    """Enqueue every job that is due and that no worker holds: messages may have been lost, workers may have
    died. Start retries."""
    retries.start_due()
    list_cleanup.finish_removals()
    for run_id in claim.runs_to_enqueue():
        enqueue_unless_waiting(claim.WORK_ON_RUN, run_id)
    for preview_id in preview.due():
        enqueue("exports.tasks.work_out_preview", preview_id)
    for removal_id in list_removal.due():
        enqueue("exports.tasks.remove_person", removal_id)
    watch_lists()
    work_folder.delete_abandoned()
    for writing_id in evidence.due():
        enqueue_unless_waiting(WRITE_EVIDENCE, writing_id)
    for run_id in disclosures.unsettled():
        enqueue("exports.tasks.settle_disclosures", run_id)


def watch_lists() -> None:
    """Enqueue the looks at lists that are due."""
    if cache.add("list-watches-made", True, WATCHES_MADE_EVERY_SECONDS):
        watches.make_missing()
        webhooks.update_wanted()
        campaigns.make_missing()
    for watch_id in watches.due():
        enqueue_unless_waiting(LOOK_AT_LIST, watch_id)
    for comparison_id in comparison.due():
        enqueue_unless_waiting(COMPARE_LIST, comparison_id)
    for reading_id in campaigns.due():
        enqueue_unless_waiting(READ_CAMPAIGNS, reading_id)
    for webhook_id in webhooks.due():
        enqueue_unless_waiting(TEND_LIST_WEBHOOK, webhook_id)


@shared_task
def look_at_list(watch_id: int) -> None:
    """Read from a list what its subscribers did, and go on by another message when there is more."""
    forget_waiting(LOOK_AT_LIST, watch_id)
    if look.look(watch_id):
        enqueue(LOOK_AT_LIST, watch_id)


@shared_task
def tend_list_webhook(webhook_id: int) -> None:
    """Create, check or delete the webhook of a list."""
    forget_waiting(TEND_LIST_WEBHOOK, webhook_id)
    webhooks.tend(webhook_id)


@shared_task
def compare_lists() -> None:
    """Let all lists be compared with their list state."""
    comparison.request_all()


@shared_task
def compare_list(comparison_id: int) -> None:
    """Compare a list with its list state, and go on by another message when there is more to read."""
    forget_waiting(COMPARE_LIST, comparison_id)
    if comparison.compare(comparison_id):
        enqueue(COMPARE_LIST, comparison_id)


@shared_task
def write_evidence(writing_id: int) -> None:
    """Write the evidence of a run."""
    forget_waiting(WRITE_EVIDENCE, writing_id)
    evidence.write(writing_id)


@shared_task
def read_campaigns(reading_id: int) -> None:
    """Read the campaigns sent to a list, and go on by another message when there is more to read."""
    forget_waiting(READ_CAMPAIGNS, reading_id)
    if campaigns.read(reading_id):
        enqueue(READ_CAMPAIGNS, reading_id)


@shared_task
def forget_unused_lists() -> None:
    """Delete what is known of lists to which no export sends any more."""
    manage.forget_lists_without_exports()


@shared_task
def start_due() -> None:
    """Start the runs that are due by their export's own schedule, and those that others have triggered."""
    if ticks.until_all_are_started(scheduler_start_due.start_due):
        enqueue("exports.tasks.enqueue_pending")
    run_after.start_triggered()


@shared_task
def tend_schedules() -> None:
    """Follow changed time zones, and forget old ticks."""
    ticks.recompute_due(ExportSchedule.objects.all())
    ticks.forget_old(ExportTick.objects.all())


@shared_task
def remove_person(removal_id: int) -> None:
    """Remove an erased person from a list."""
    list_removal.remove_from_list(removal_id)


@shared_task
def work_out_preview(preview_id: int) -> None:
    """Work out what a run would send."""
    preview.work_out(preview_id)


@shared_task
def settle_disclosures(run_id: int) -> None:
    """Keep the disclosures of a run that has ended."""
    disclosures.settle(run_id)


@shared_task
def prune_disclosures() -> None:
    """Delete disclosures whose retention is over."""
    disclosures.prune()


@shared_task
def forget_old_people() -> None:
    """Delete what runs keep of people when its retention is over; the rest by another message."""
    if retention.forget_for_a_while():
        enqueue("exports.tasks.forget_old_people")


@worker_init.connect
def _load_destinations(**_: object) -> None:
    """Load the modules of all destinations before the worker forks: its first runs would wait for them."""
    destinations.all_destinations()


@worker_init.connect
def _delete_abandoned_folders(**_: object) -> None:
    """Delete what a killed worker has left on this machine, where no other worker may run."""
    work_folder.delete_abandoned()


@worker_shutting_down.connect
def _finish_calls_in_flight(**_: object) -> None:
    loop.stopping.set()
