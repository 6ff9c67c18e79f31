"""Workers that lose their lease while they stand still, and runs that another process ends meanwhile."""

from django.db import connection as database

from config.platform.jobs import clock
from exports.models import Batch, Run
from exports.run import pipeline
from exports.run.pipeline import Next
from tests.support.waiting import wait_until
from tests.support.workers import Workers

_LEASE_IS_LOST = ("taken over by another worker", "sending stopped")


def freeze_at_rest(workers: Workers) -> None:
    """Freeze the worker outside of a transaction: within one, it would keep its locks until the database ends
    that, after ten seconds."""
    wait_until(lambda: _is_frozen_at_rest(workers))


def end_here(run: Run) -> None:
    """Take the run over in this process, as soon as its lease has run out, and work on it until it has ended."""
    wait_until(lambda: pipeline.run_slice(run.pk) == Next.NOTHING and not _is_open(run))


def log_position(workers: Workers) -> int:
    """Up to where the worker's log is known."""
    return len(workers.log("jobs"))


def has_noticed(workers: Workers, position: int) -> bool:
    """Whether the worker has noticed, after that position of its log, that it lost its lease."""
    return any(words in workers.log("jobs")[position:] for words in _LEASE_IS_LOST)


def wait_for_late_calls() -> None:
    """Wait until no call of a worker that lost its lease can land any more."""
    wait_until(lambda: not _late_calls_may_land())


def _late_calls_may_land() -> bool:
    return Batch.objects.filter(late_until__gt=clock.now()).exists()


def _is_frozen_at_rest(workers: Workers) -> bool:
    workers.freeze("jobs")
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE xact_start IS NOT NULL"
            " AND pid <> pg_backend_pid() AND datname = current_database())"
        )
        (is_at_work,) = cursor.fetchone()
    if is_at_work:
        workers.thaw("jobs")
    return not is_at_work


def _is_open(run: Run) -> bool:
    run.refresh_from_db()
    return run.is_open
