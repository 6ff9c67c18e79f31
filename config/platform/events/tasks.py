"""Tasks of events: each message only says that something may be due; nothing is lost with one."""

from celery import shared_task

from config.platform.events import rounds
from config.platform.events.outbox import DELIVER, ROUND
from config.platform.jobs.enqueue import enqueue, enqueue_unless_waiting, forget_waiting


@shared_task
def deliver(_round: int) -> None:
    """Work one round of deliveries, unless another worker has one."""
    forget_waiting(DELIVER, ROUND)
    rounds.deliver_due()
    if rounds.is_any_due():
        enqueue(DELIVER, ROUND)


@shared_task
def enqueue_pending() -> None:
    """Enqueue a round when deliveries are due and no round works on them."""
    if rounds.is_any_due():
        enqueue_unless_waiting(DELIVER, ROUND)


@shared_task
def forget_old() -> None:
    """Forget the events of long ago."""
    rounds.forget_old()
