"""Configure Celery: two queues and one beat. Messages only wake workers; state is in PostgreSQL.

``control`` carries what is short (ticks and sweeps), ``jobs`` what is long (imports, refreshes, deliveries). Each
queue has a worker process of its own, since long work in a shared one would hold up the ticks. A message may be
lost, doubled or late: the tick looks for jobs that no worker holds and enqueues them again.
"""

import os
import warnings
from collections.abc import Sequence

import structlog
from celery import Celery, Task, signals
from celery.schedules import crontab
from kombu import Exchange, Queue

from config import environment
from config.standalone import broker

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

# Settings are not read yet when this is imported. Drills, whose time passes faster, tick more often.
TICK_SECONDS = environment.number("TICK_MILLISECONDS", 2000, least=50, most=60_000) / 1000
TICKS = (
    "config.console.tasks.note_beat",
    "config.console.tasks.enqueue_pending",
    "config.platform.accounts.tasks.enqueue_pending",
    "config.platform.notifications.tasks.enqueue_pending",
    "config.platform.events.tasks.enqueue_pending",
    "connections.tasks.enqueue_pending",
    "segments.tasks.start_due",
    "segments.tasks.enqueue_pending",
    "exports.tasks.start_due",
    "exports.tasks.enqueue_pending",
)
NIGHTLY = {
    "segments.tasks.maintain_store": crontab(minute="35"),
    "config.platform.accounts.tasks.clear_ended": crontab(hour="3", minute="10"),
    "config.platform.api.tasks.forget_old_keys": crontab(hour="3", minute="15"),
    "exports.tasks.compare_lists": crontab(hour="2", minute="10"),
    "exports.tasks.forget_unused_lists": crontab(hour="3", minute="5"),
    "exports.tasks.prune_disclosures": crontab(hour="3", minute="20"),
    "config.platform.notifications.tasks.forget_old": crontab(hour="4", minute="0"),
    "config.platform.events.tasks.forget_old": crontab(hour="4", minute="5"),
    "exports.tasks.forget_old_people": crontab(hour="3", minute="40"),
    "exports.tasks.tend_schedules": crontab(hour="3", minute="50"),
    "config.console.tasks.tend_schedules": crontab(hour="3", minute="50"),
    "segments.tasks.tend_schedules": crontab(hour="3", minute="50"),
}
_EXCHANGE = Exchange("messages", type="direct")

broker.register()
app = Celery("segment_exports")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.update(
    task_queues=[Queue(name, _EXCHANGE, routing_key=name) for name in ("control", "jobs")],
    task_default_queue="control",
    task_default_exchange=_EXCHANGE.name,
    task_default_routing_key="control",
    task_create_missing_queues=False,
    task_routes=[
        [
            ("*.tasks.enqueue_pending", {"queue": "control"}),
            ("*.tasks.start_due", {"queue": "control"}),
            # A mail server may be slow, and so is forgetting.
            ("config.platform.accounts.tasks.clear_ended", {"queue": "jobs"}),
            ("config.platform.api.tasks.forget_old_keys", {"queue": "jobs"}),
            ("config.platform.accounts.tasks.send_reset_links", {"queue": "jobs"}),
            ("config.platform.notifications.tasks.send_notification", {"queue": "jobs"}),
            ("config.platform.notifications.tasks.forget_old", {"queue": "jobs"}),
            ("config.platform.events.tasks.deliver", {"queue": "jobs"}),
            ("config.platform.events.tasks.forget_old", {"queue": "jobs"}),
            ("config.console.tasks.tend_schedules", {"queue": "jobs"}),
            ("config.*", {"queue": "control"}),
            ("*", {"queue": "jobs"}),
        ]
    ],
    task_ignore_result=True,
    task_publish_retry_policy={"max_retries": 1, "interval_start": 0.1, "interval_max": 0.2},
    # Late, so that a busy worker holds no message that an idle one could take. What a killed worker had not
    # acknowledged comes back only after Redis' visibility timeout; by then the tick has enqueued it again.
    task_acks_late=True,
    worker_prefetch_multiplier=1,
    worker_cancel_long_running_tasks_on_connection_loss=False,
    worker_hijack_root_logger=False,
    worker_redirect_stdouts=False,
    worker_enable_remote_control=False,
    broker_connection_retry_on_startup=True,
    # Nothing to remember between starts: what is due is in the rows.
    beat_scheduler="celery.beat:Scheduler",
    beat_schedule={
        name: {"task": name, "schedule": TICK_SECONDS, "options": {"queue": "control", "expires": 10}}
        for name in TICKS
    }
    | {
        name: {"task": name, "schedule": schedule, "options": {"expires": 3600}}
        for name, schedule in NIGHTLY.items()
    },
    timezone="UTC",
    enable_utc=True,
)
app.autodiscover_tasks()

# Workers run as the user who started them; messages are JSON, which cannot do what this warning is about.
warnings.filterwarnings("ignore", message="You're running the worker with superuser privileges")


@signals.setup_logging.connect
def _keep_our_logging(**_: object) -> None:
    """Leave logging to config/logging.py: Celery sets none up when this signal has a receiver."""


@signals.before_task_publish.connect
def _send_request_id(headers: dict[str, object] | None = None, **_: object) -> None:
    """Send the ID of the request that enqueues a task with the message."""
    request_id = structlog.contextvars.get_contextvars().get("request_id")
    if headers is not None and request_id:
        headers["request_id"] = request_id


@signals.task_prerun.connect
def _label_task(task: "Task[..., None]", args: Sequence[object] = (), **_: object) -> None:
    """Label the log records of a task with its name, its job, and the request that enqueued it."""
    structlog.contextvars.clear_contextvars()
    labels = {"task": task.name, "job": args[0] if args else None, "request_id": task.request.get("request_id")}
    structlog.contextvars.bind_contextvars(**{name: value for name, value in labels.items() if value})


@signals.task_postrun.connect
def _forget_labels(**_: object) -> None:
    structlog.contextvars.clear_contextvars()


@signals.worker_init.connect
def _refuse_unsafe_settings(**_: object) -> None:
    from config.checks import refuse_unsafe_settings

    refuse_unsafe_settings()


@signals.worker_init.connect
def _send_traces_and_errors(**_: object) -> None:
    from config import telemetry

    telemetry.instrument()
    telemetry.start("worker")


@signals.beat_init.connect
def _enqueue_ticks_at_once(**_: object) -> None:
    """Enqueue the first tick when beat starts, rather than two seconds later."""
    for name in TICKS:
        app.send_task(name, queue="control", expires=10)
