"""Pages that are read while a run writes: a number and its parts are of one moment."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from config.platform.accounts.models import User
from exports.actions import runs
from exports.models import Export, Run
from exports.run import pipeline

pytestmark = pytest.mark.django_db(transaction=True)


def work_on(run: Run) -> None:
    """Carry out the run, as a worker does in its own process."""
    try:
        while Run.objects.get(pk=run.pk).is_open:
            pipeline.run_slice(run.pk)
    finally:
        connection.close()


@contextmanager
def before_query(beginning: str, act: Callable[[], None]) -> Iterator[None]:
    """Let ``act`` happen in another thread before the first query with this ``beginning``."""
    done: list[bool] = []

    def watch(execute: Any, sql: str, *arguments: Any) -> Any:
        if sql.startswith(beginning) and not done:
            done.append(True)
            with ThreadPoolExecutor(1) as other:
                other.submit(act).result()
        return execute(sql, *arguments)

    with connection.execute_wrapper(watch):
        yield
    assert done, f"no query {beginning}"


@pytest.fixture
def queued(newsletter: Export, bob: User) -> Run:
    return runs.start_run(newsletter, by=bob)


@pytest.mark.parametrize("page", ["", "live/"])
def test_the_batches_of_a_run_are_those_of_its_counts(bob_client: Client, queued: Run, page: str) -> None:
    with before_query('SELECT COUNT("exports_batch"', lambda: work_on(queued)):
        shown = bob_client.get(f"/data/runs/{queued.pk}/{page}").context
    assert (shown["batches"].total > 0) == (shown["summary"].planned > 0)


def test_home_counts_what_its_latest_runs_say(bob_client: Client, queued: Run) -> None:
    with before_query('SELECT "exports_run"."id"', lambda: work_on(queued)):
        shown = bob_client.get("/").context
    assert shown["results"].total.delivered == sum(summary.delivered for _run, summary in shown["runs"])


def test_the_list_of_exports_has_the_time_of_the_run_that_it_shows(bob_client: Client, queued: Run) -> None:
    with before_query('SELECT "exports_run"."id"', lambda: work_on(queued)):
        (row,) = bob_client.get("/data/exports/").context["rows"]
    assert (row.refreshed_at is None) == row.run.is_open
