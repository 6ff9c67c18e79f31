"""Work on a job that reads a list, for one slice: hold its lease, find the connection, and let the job wait or end
when the list cannot be read."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Generic, Protocol, TypeVar

from config.platform.jobs import clock, leases
from config.platform.jobs.leases import HeldLease
from connections import credentials
from connections.destinations.errors import DestinationError, NeedsAdministrator, PermanentError, TryLater
from connections.models import Connection
from connections.vault import NotConnected, mark_reconnect_needed
from exports.delivery import connection_budget
from exports.feedback import watches
from exports.models import CampaignReading, ListComparison, ListWatch
from exports.state import retry_policy

logger = logging.getLogger(__name__)
JobT = TypeVar("JobT", ListWatch, ListComparison, CampaignReading)
RepeatedJob = TypeVar("RepeatedJob", ListWatch, CampaignReading)
_JobT_contra = TypeVar("_JobT_contra", contravariant=True)


class TryAgain(Protocol[_JobT_contra]):
    """Let a job wait after a failure, for the seconds that the destination asked for, if it did."""

    def __call__(self, job: _JobT_contra, why: str, *, asked: float | None = None) -> None: ...


@dataclass(frozen=True)
class ListReading(Generic[JobT]):
    """How a job reads its list, and what becomes of the job when the list cannot be read. ``read`` returns whether
    there is more to read at once; ``unusable``: the connection is missing or paused; ``refused``: for good."""

    read: Callable[[JobT, HeldLease, Connection], bool]
    wait: Callable[[JobT, float, str], None]
    unusable: Callable[[JobT, str], None]
    refused: Callable[[JobT, str], None]
    try_again: TryAgain[JobT]


def work(job: JobT, reading: ListReading[JobT]) -> bool:
    """Work on a claimed job for one slice. Returns whether there is more to read at once."""
    try:
        with leases.hold(job) as lease:
            return _read(job, lease, reading)
    except leases.LeaseLost:
        logger.warning("%s %s: another worker has taken over", job._meta.verbose_name, job.pk)
    except Exception:
        logger.exception("%s %s: unexpected error", job._meta.verbose_name, job.pk)
        reading.try_again(job, "unexpected_error")
    return False


def wait(job: RepeatedJob, seconds: float, why: str) -> None:
    """Let a job that is repeated wait for so many seconds."""
    update_unless_lost(job, due_at=clock.now() + timedelta(seconds=seconds), message=why)


def try_again(job: RepeatedJob, why: str, *, asked: float | None = None) -> None:
    """Let a job that is repeated wait, longer after each time that it failed."""
    tries = job.tries + 1
    seconds = retry_policy.LIST_WATCH.seconds_after(tries, asked=asked)
    update_unless_lost(job, due_at=clock.now() + timedelta(seconds=seconds), message=why, tries=tries)


def update_unless_lost(job: RepeatedJob, **values: object) -> None:
    """Write to a job and release it, unless another worker has it by now."""
    try:
        leases.update_if_owner(job, lease_until=None, **values)
    except leases.LeaseLost:
        logger.warning("%s %s: another worker has taken over", job._meta.verbose_name, job.pk)


def _read(job: JobT, lease: HeldLease, reading: ListReading[JobT]) -> bool:
    connection = watches.connection_of(job.list_state)
    if connection is None:
        reading.unusable(job, "no_connection")
        return False
    if (until := connection_budget.paused_until(connection)) is not None:
        reading.wait(job, max(1.0, (until - clock.now()).total_seconds()), job.message)
        return False
    try:
        return reading.read(job, lease, connection)
    except credentials.Paused:
        reading.unusable(job, "paused")
    except NotConnected:
        reading.unusable(job, "no_connection")
    except NeedsAdministrator as needed:
        mark_reconnect_needed(connection, needed.sentence)
        reading.refused(job, needed.code)
    except TryLater as trouble:
        if trouble.after_seconds:
            connection_budget.pause(connection, trouble.after_seconds)
        reading.try_again(job, trouble.code, asked=trouble.after_seconds)
    except PermanentError as refused:
        reading.refused(job, refused.code)
    except DestinationError as trouble:
        reading.try_again(job, trouble.code)
    return False
