"""Doorbells of connections: each says “look”, and nothing is lost when one is."""

from celery import shared_task

from connections import oauth, removal


@shared_task
def ring_for_open_jobs() -> None:
    """The tick: connections whose removal waits for runs to stop, and authorizations that end soon."""
    try:
        removal.finish_all()
    finally:
        oauth.renew_due()
