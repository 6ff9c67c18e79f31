"""Tasks about accounts: mail links for forgotten passwords, and clear what has ended."""

from celery import shared_task

from config.platform.accounts import lockout, password_links, sessions
from config.platform.jobs.enqueue import enqueue


@shared_task
def send_reset_links() -> None:
    """Mail the links that were asked for."""
    password_links.mail_due()


@shared_task
def enqueue_pending() -> None:
    """Start the mailing of links that still wait, as after a failure."""
    if password_links.is_due():
        enqueue("config.platform.accounts.tasks.send_reset_links")


@shared_task
def clear_ended() -> None:
    """Clear sessions that have ended and failed sign-ins that no longer count."""
    sessions.clear_ended()
    lockout.forget_old()
