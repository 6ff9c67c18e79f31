"""Run the periodic tasks of connections; a lost message changes nothing."""

from celery import shared_task

from connections import alerts, deletion, token_renewal


@shared_task
def enqueue_pending() -> None:
    """Finish removals that waited for runs to stop, notify about connections that need an administrator, and
    renew authorizations that end soon."""
    try:
        deletion.finish_all()
        alerts.look_if_it_is_time()
    finally:
        token_renewal.renew_due()
