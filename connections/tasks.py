"""Tasks of connections: each message only says where to look; nothing is lost with one."""

from celery import shared_task

from connections import alerts, deletion, token_renewal


@shared_task
def enqueue_pending() -> None:
    """Look for connections whose removal waits for runs to stop, those that need an administrator, and
    authorizations that end soon."""
    try:
        deletion.finish_all()
        alerts.look_if_it_is_time()
    finally:
        token_renewal.renew_due()
