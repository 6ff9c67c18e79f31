"""Tasks of the REST API: clear what has ended."""

from celery import shared_task

from config.platform.api import idempotency


@shared_task
def forget_old_keys() -> None:
    """Delete idempotency keys that no longer count."""
    idempotency.forget_old()
