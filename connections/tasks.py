"""Doorbells of connections: each says “look”, and nothing is lost when one is."""

from celery import shared_task

from connections import attention, oauth, removal


@shared_task
def ring_for_open_jobs() -> None:
    """The tick: connections whose removal waits for runs to stop, those that somebody has to mend, and
    authorizations that end soon."""
    try:
        removal.finish_all()
        attention.look_if_it_is_time()
    finally:
        oauth.renew_due()
