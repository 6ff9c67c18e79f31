"""Tasks of notifications: each message only says where to look; nothing is lost with one."""

from celery import shared_task

from config.platform.jobs.enqueue import enqueue
from config.platform.notifications import sending

_AT_ONCE = 50


@shared_task
def send_notification(notification_id: int) -> None:
    """Send one notification, if it is due and no other worker holds it."""
    sending.send(notification_id)


@shared_task
def forget_old() -> None:
    """Forget what was told long ago."""
    sending.forget_old()


@shared_task
def enqueue_pending() -> None:
    """Enqueue the notifications that are due."""
    for notification_id in sending.due().values_list("pk", flat=True)[:_AT_ONCE]:
        enqueue("config.platform.notifications.tasks.send_notification", notification_id)
