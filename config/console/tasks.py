"""Tasks of the system itself, and the heartbeats of its workers."""

from celery import shared_task, signals

from config.console import overdue
from config.console.models import SystemSchedule
from config.console.system_refresh import actions, engine
from config.platform import call_metrics
from config.platform.jobs import heartbeat
from config.platform.jobs.enqueue import enqueue
from config.platform.schedules import ticks

# The heartbeat of this process, where it is a worker.
_heartbeat_threads: list[heartbeat.HeartbeatThread] = []


@shared_task
def note_beat() -> None:
    """Write the heartbeat of beat: this task arrives when beat, broker and worker are all alive."""
    heartbeat.write(heartbeat.BEAT)


@shared_task
def enqueue_pending() -> None:
    """See whether the system refresh is due, or late, and look once at how far the one under way is."""
    actions.start_due()
    overdue.check_if_due()
    if refresh := engine.refresh_to_advance():
        engine.advance(refresh.pk)


@shared_task
def tend_schedules() -> None:
    """Follow changed time zones, and forget old refreshes; the rest with the next message."""
    ticks.recompute_due(SystemSchedule.objects.all())
    if actions.delete_old_refreshes():
        enqueue("config.console.tasks.tend_schedules")


@signals.worker_ready.connect
def _start_heartbeat(sender: object, **_: object) -> None:
    node = str(getattr(sender, "hostname", ""))
    name = node.partition("@")[0]
    if name in heartbeat.WORKERS:
        publisher = call_metrics.Publisher(node)
        _heartbeat_threads.append(heartbeat.HeartbeatThread(name, node, also=publisher.publish_if_due))
        _heartbeat_threads[-1].start()


@signals.worker_shutdown.connect
def _stop_heartbeat(**_: object) -> None:
    while _heartbeat_threads:
        _heartbeat_threads.pop().stop()
