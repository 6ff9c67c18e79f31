"""Compare a list with its list state, every night: read all its subscribers, then find what differs.

Pages are read several at a time and stored with the position, in one transaction; so a comparison continues where
a killed worker left it, and begins again when that is long ago. Subscribers that move between two pages while they
are read may be missed: contacts that seem to be gone are looked up one by one; when they are many, some of them,
and the list is read a second time when one of these is there.

A comparison waits for others of its account, and for runs that use all calls of the connection.
"""

import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from contextvars import copy_context
from datetime import timedelta
from queue import SimpleQueue
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db import connection as database
from django.db.models import Exists, OuterRef

from config.platform.jobs import clock, leases
from config.platform.jobs.leases import HeldLease
from config.platform.jobs.models import OPEN, JobStatus
from connections import credentials
from connections.concurrency_slots import HeldSlots
from connections.destinations.base import SubscriberReader
from connections.destinations.subscribers import ListedState, SubscriberPage
from connections.models import Connection
from exports.delivery import connection_budget
from exports.feedback import differences, drift_alerts, list_jobs, listed_states, watches
from exports.feedback.list_jobs import ListReading
from exports.models import ListComparison, ListState, ListWatch, Run
from exports.state import retry_policy

logger = logging.getLogger(__name__)

COMPARE_LIST = "exports.tasks.compare_list"
_MOST_CALLS = 4
_WITHOUT_CALLS_SECONDS = 15
# Pages that were read so long ago do not count as read at one time with those that are read now.
_BEGINS_AGAIN_AFTER = timedelta(hours=12)
# In the positions: that the list is being read a second time.
_SECOND_TIME = "second_time"
_MOST_AT_ONCE = 100
_STORE_PAGE = """
    INSERT INTO exports_listedcontact AS listed (comparison_id, email, state, since, values_hash)
    SELECT DISTINCT ON (email) %(comparison)s, email, %(state)s, since, nullif(hash, '')::uuid
      FROM unnest(%(emails)s::text[], %(since)s::text[], %(hashes)s::text[]) AS row (email, since, hash)
     WHERE email <> '' AND length(email) <= 254 AND NOT ({is_erased}) ORDER BY email, since DESC
        ON CONFLICT (comparison_id, email)
        DO UPDATE SET state = excluded.state, since = excluded.since, values_hash = excluded.values_hash
         WHERE listed.since <= excluded.since
"""


def request(state: ListState) -> ListComparison | None:
    """Let a list be compared now; None when it is being compared already."""
    try:
        with transaction.atomic():
            return ListComparison.objects.create(list_state=state)
    except IntegrityError:
        return None


def request_all() -> None:
    """Let all lists be compared to which an export sends over a connection that can be used."""
    for watch in ListWatch.objects.select_related("list_state"):
        if watches.connection_of(watch.list_state) is not None:
            request(watch.list_state)


def due() -> list[int]:
    """Return the IDs of comparisons whose time has come and that no worker holds: of each account, the first."""
    ready = ListComparison.objects.filter(status__in=OPEN, due_at__lte=clock.now())
    earlier = ready.filter(list_state__account=OuterRef("list_state__account"), pk__lt=OuterRef("pk"))
    found = (
        leases.claimable(ListComparison).filter(due_at__lte=clock.now()).exclude(Exists(earlier)).order_by("pk")
    )
    return list(found.values_list("pk", flat=True)[:_MOST_AT_ONCE])


def compare(comparison_id: int) -> bool:
    """Work on a comparison for one slice, if it is due and no other worker does. Returns whether there is more to
    read at once."""
    job = leases.claim(ListComparison(pk=comparison_id)) if comparison_id in due() else None
    return job is not None and list_jobs.work(job, _READING)


def _read_for_a_while(job: ListComparison, lease: HeldLease, connection: Connection) -> bool:
    """Read pages for the time of a slice; when all are read, find what differs. Returns whether there is more to
    read at once."""
    until = time.monotonic() + settings.SLICE_SECONDS
    if job.started_at is None or job.started_at < clock.now() - _BEGINS_AGAIN_AFTER:
        _begin(job)
    with ExitStack() as stack:
        read = _parallel_reader(stack, job, connection)
        slots = HeldSlots(connection.pk)
        stack.callback(slots.release)
        while (calls := _free_calls(slots, connection)) and (found := _pages_to_read(job, calls)) is not None:
            if time.monotonic() > until:
                leases.release(job)
                return True
            lease.check()
            _store(job, *found, read(*found))
            connection.refresh_from_db(fields=["paused_at", "max_in_flight"])
        if not calls:
            _wait(job, _WITHOUT_CALLS_SECONDS, "")
            return False
        not_gone, in_no_state, is_certain = _look_up(job, connection)
    if not is_certain:
        leases.update_if_owner(job, positions={_SECOND_TIME: True}, lease_until=None)
        return True
    _conclude(job, not_gone, in_no_state)
    return False


def _begin(job: ListComparison) -> None:
    job.listed.all().delete()
    fields, now = _mapped_fields(job.list_state), clock.now()
    leases.update_if_owner(
        job, status=JobStatus.PROCESSING, started_at=now, fields=fields, positions={}, progress_done=0
    )


def _conclude(job: ListComparison, not_gone: Sequence[str], in_no_state: Sequence[str]) -> None:
    """Find what differs, and end the comparison with it."""
    with transaction.atomic():  # not locked before, so that the lease is extended meanwhile
        counts = differences.find(job, not_gone, in_no_state)
        leases.update_if_owner(
            job, status=JobStatus.SUCCESSFUL, finished_at=clock.now(), lease_until=None, message="", **counts
        )
    differences.forget_earlier(job)
    drift_alerts.update(job)


def _free_calls(slots: HeldSlots, connection: Connection) -> int:
    """Hold slots for the next calls, and return how many. All are released before, so that runs may take them."""
    slots.release()
    slots.hold(connection_budget.calls_beside_runs(connection, _MOST_CALLS), maximum=connection.max_in_flight)
    return len(slots)


def _pages_to_read(job: ListComparison, calls: int) -> tuple[ListedState, list[int]] | None:
    """Return the state and the pages to read next; None when all are read. The first page of a state is read
    alone: it tells how many there are."""
    for listed in ListedState:
        position = job.positions.get(listed.value)
        if position is None:
            return listed, [1]
        page, pages = position
        if page <= pages:
            return listed, list(range(page, min(page + calls, pages + 1)))
    return None


def _parallel_reader(
    stack: ExitStack, job: ListComparison, connection: Connection
) -> Callable[[ListedState, Sequence[int]], list[SubscriberPage]]:
    """Return a function that reads pages of a state at once, each over a kept-alive connection of its own."""
    access = credentials.access(connection)
    readers: SimpleQueue[SubscriberReader] = SimpleQueue()
    for _number in range(_MOST_CALLS):
        readers.put(stack.enter_context(connection.destination.open_reader(access)))
    executor = stack.enter_context(ThreadPoolExecutor(_MOST_CALLS, thread_name_prefix="compare"))

    def read_one(listed: ListedState, page: int) -> SubscriberPage:
        reader = readers.get()
        try:
            return reader.read(job.list_state.list_id, listed, page, fields=job.fields)
        finally:
            readers.put(reader)

    def read(listed: ListedState, pages: Sequence[int]) -> list[SubscriberPage]:
        futures = [executor.submit(copy_context().run, read_one, listed, page) for page in pages]
        return [future.result() for future in futures]

    return read


@transaction.atomic
def _store(
    job: ListComparison, listed: ListedState, pages: Sequence[int], found: Sequence[SubscriberPage]
) -> None:
    """Store the subscribers of pages with the position."""
    leases.lock_attempt(job)
    rows = [row for page in found for row in page.rows]
    parameters: dict[str, Any] = {
        "comparison": job.pk,
        "state": listed.value,
        "emails": [row.email for row in rows],
        "since": [row.since[:30] for row in rows],
        "hashes": [row.values_hash for row in rows],
    }
    with database.cursor() as cursor:
        cursor.execute(_STORE_PAGE.format(is_erased=listed_states.erased_condition("row.email")), parameters)
    positions = {**job.positions, listed.value: [pages[-1] + 1, max(page.pages for page in found)]}
    leases.update_if_owner(job, positions=positions, tries=0, progress_done=job.progress_done + len(pages))


def _mapped_fields(state: ListState) -> list[str]:
    """Return the keys of the fields that exports fill on the list, by the last plan of each."""
    planned = Run.objects.filter(account=state.account, list_id=state.list_id, planned_at__isnull=False)
    latest = planned.order_by("export", "-pk").distinct("export")
    return sorted({key for run in latest.only("snapshot") for key in run.snapshot.mapped_fields})


def _look_up(job: ListComparison, connection: Connection) -> tuple[list[str], list[str], bool]:
    """Return the contacts that seem to be gone and are on the list all the same, the suppressed ones that are not
    on the list any more, and whether that is certain enough: when contacts that seem to be gone are too many to be
    looked up, and some are on the list, it is to be read a second time."""
    access = credentials.access(connection)
    find, list_id = connection.destination.find_person, job.list_state.list_id
    gone, are_all = differences.seem_to_be_gone(job)
    not_gone = [email for email in gone if find(access, list_id, email) is not None]
    if not_gone and not are_all and _SECOND_TIME not in job.positions:
        return [], [], False
    suppressed = differences.seem_to_be_in_no_state(job)
    return not_gone, [email for email in suppressed if find(access, list_id, email) is None], True


def _wait(job: ListComparison, seconds: float, why: str) -> None:
    due_at = clock.now() + timedelta(seconds=seconds)
    leases.update_if_owner(job, due_at=due_at, message=why, lease_until=None)


def _try_again(job: ListComparison, why: str, *, asked: float | None = None) -> None:
    """Let the comparison wait, longer after each failure; after too many it fails."""
    tries = job.tries + 1
    try:
        if retry_policy.LIST_WATCH.is_exhausted(tries):
            _fail(job, why)
            return
        seconds = retry_policy.LIST_WATCH.seconds_after(tries, asked=asked)
        due_at = clock.now() + timedelta(seconds=seconds)
        leases.update_if_owner(job, due_at=due_at, message=why, tries=tries, lease_until=None)
    except leases.LeaseLost:
        logger.warning("list comparison %s: another worker has taken over", job.pk)


def _end(job: ListComparison, status: JobStatus, why: str) -> None:
    leases.update_if_owner(job, status=status, message=why, finished_at=clock.now(), lease_until=None)
    job.listed.all().delete()


def _skip(job: ListComparison, why: str) -> None:
    _end(job, JobStatus.SKIPPED, why)


def _fail(job: ListComparison, why: str) -> None:
    _end(job, JobStatus.FAILED, why)


_READING = ListReading(read=_read_for_a_while, wait=_wait, unusable=_skip, refused=_fail, try_again=_try_again)
