"""Send messages that wake a worker for a task, and work in small steps between two messages.

A message may be lost, doubled or late: the row in PostgreSQL says what is due, and every tick looks for rows
that no worker holds. So a broker that is away stops no request. Tasks are named by text, since their modules
import the code that enqueues them.
"""

import logging
import time
from collections.abc import Callable

from celery import current_app
from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from kombu.exceptions import OperationalError

# After so many seconds a message has been sent again. Otherwise messages would pile up in front of a worker that
# is away or busy. Machines whose clocks differ by more than this receive nothing of each other.
MESSAGE_TTL_SECONDS = 30

logger = logging.getLogger(__name__)


def enqueue(task: str, *arguments: int) -> None:
    """Send a message for a task, such as ``exports.tasks.work_on_run``. When the broker is away, the next tick
    sends it."""
    try:
        current_app.send_task(task, arguments, expires=MESSAGE_TTL_SECONDS)
    except (OperationalError, OSError) as error:
        logger.warning("the broker is away (%s): the next tick enqueues %s", error, task)


def enqueue_unless_waiting(task: str, job_id: int) -> None:
    """Send a message for a task of a job, unless one that was sent here within the last lease still waits. It may
    wait behind long work, so that one at every tick would pile up."""
    if cache.add(_waiting_key(task, job_id), True, settings.LEASE_SECONDS):
        enqueue(task, job_id)


def forget_waiting(task: str, job_id: int) -> None:
    """Note that a message for a task of a job has arrived: the next tick may send another."""
    cache.delete(_waiting_key(task, job_id))


def _waiting_key(task: str, job_id: int) -> str:
    return f"enqueued:{task}:{job_id}"


def enqueue_on_commit(task: str, *arguments: int) -> None:
    """Send a message for a task once the present transaction is committed; at once outside of one."""
    transaction.on_commit(lambda: enqueue(task, *arguments))


SECONDS_PER_MESSAGE = 5.0


def repeat_for_a_while(step: Callable[[], bool], seconds: float = SECONDS_PER_MESSAGE) -> bool:
    """Call ``step``, one short transaction that returns whether it found something to do, until it finds
    nothing or ``seconds`` are over. Returns whether there is more to do, which waits for the next message."""
    ends_at = time.monotonic() + seconds
    while step():
        if time.monotonic() >= ends_at:
            return True
    return False
