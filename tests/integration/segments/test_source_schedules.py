"""Files and queries of data sources are imported again when their schedules are due."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client

from config.console.system_refresh import stages
from config.platform.accounts.models import User
from config.platform.jobs import clock
from config.platform.jobs.models import JobStatus, TickResult
from segments import tasks
from segments.models import DatabaseEngine, DatabaseQuery, DataSource, ImportJob, SourceTick
from segments.sources import actions, schedules

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
AT_TWO: dict[str, Any] = {"recurrence": "daily", "zone": "UTC", "times": ["14:00"]}
TWO = NOON + timedelta(hours=2)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def noon() -> Iterator[None]:
    """Set the clock to noon; tests move it."""
    clock.run_from(NOON)
    yield
    clock.run_as_usual()


def make(name: str = "Shop", *, path: str = "/srv/shop.csv", rule: dict[str, Any] | None = AT_TWO) -> DataSource:
    source = DataSource.objects.create(name=name, key_column="id", path=path)
    schedules.set_schedule(source, is_on=True, rule=rule, version=0, by=None)
    return source


def tick_at(moment: datetime) -> int:
    clock.run_from(moment)
    return schedules.start_due_imports()


def test_it_imports_what_is_due_and_nothing_before_its_time() -> None:
    source, _following = make(), make("Following", rule=None)
    assert tick_at(TWO - timedelta(seconds=1)) == 0
    assert tick_at(TWO) == 1
    job = ImportJob.objects.get()
    assert (job.source, job.path, job.status) == (source, "/srv/shop.csv", JobStatus.QUEUED)
    tick = source.ticks.get()
    assert (tick.due_at, tick.job, tick.result) == (TWO, job, TickResult.STARTED)
    assert tick_at(TWO) == 0
    assert tick_at(TWO + timedelta(days=1)) == 1


def test_it_runs_the_query_of_a_database() -> None:
    source = make(path="")
    DatabaseQuery.objects.create(
        source=source, engine=DatabaseEngine.POSTGRESQL, host="db.example.com", database="shop", query="customers"
    )
    tick_at(TWO)
    assert ImportJob.objects.get().file_name == "PostgreSQL: shop at db.example.com"


def test_it_joins_an_import_that_is_queued_and_follows_one_that_reads() -> None:
    source = make()
    job = actions.refresh_data_source(source, by=None)
    tick_at(TWO)
    assert ImportJob.objects.get() == job
    assert source.ticks.get().result == TickResult.JOINED
    ImportJob.objects.update(status=JobStatus.PROCESSING)
    tick_at(TWO + timedelta(days=1))
    later = SourceTick.objects.latest("due_at")
    assert (later.result, later.job == job) == (TickResult.STARTED, False)


def test_a_source_without_file_and_query_is_not_imported() -> None:
    source = make(path="")
    tick_at(TWO)
    assert source.ticks.get().result == TickResult.IMPOSSIBLE
    assert not ImportJob.objects.exists()


def test_the_system_refresh_leaves_out_sources_with_a_schedule_of_their_own() -> None:
    make()
    off = make("Off")
    schedules.set_schedule(off, is_on=False, rule=None, version=1, by=None)
    make("Following", rule=None)
    DataSource.objects.create(name="Never set", key_column="id", path="/srv/x.csv")
    assert [target.name for target in stages.DataSources().targets()] == ["Following", "Never set"]


def test_the_task_starts_what_is_due(enqueued: list[tuple[object, ...]]) -> None:
    make()
    clock.run_from(TWO)
    tasks.start_due()
    assert SourceTick.objects.count() == 1
    assert ("segments.tasks.enqueue_pending",) in [message[:1] for message in enqueued]


def test_contributors_set_it_in_the_browser_and_the_list_shows_it(
    bob_client: Client, charlie_client: Client, charlie: User
) -> None:
    source = DataSource.objects.create(name="Shop", key_column="id", path="/srv/shop.csv")
    uploaded = DataSource.objects.create(name="Uploaded", key_column="id")
    pane = "/data/sources/schedule/"
    assert "System refresh (off)" in bob_client.get("/data/sources/").content.decode()
    assert "Schedule “Shop”" in bob_client.get(pane, {"selected": source.pk}).content.decode()
    typed = {
        "is_on": "on",
        "recurrence": "weekly",
        "weekdays": ["monday"],
        "time_1": "05:00",
        "zone": "Asia/Jakarta",
    }
    posted = typed | {"selected": source.pk, "version": "0"}
    response = bob_client.post(pane, posted, follow=True)
    assert "Weekly on Monday at 05:00 (Asia/Jakarta)" in response.content.decode()
    assert charlie_client.post(pane, posted).status_code == 403
    assert bob_client.get(pane, {"selected": [source.pk, 9_999]}).status_code == 404
    with pytest.raises(PermissionDenied):
        schedules.set_schedule(uploaded, is_on=True, rule=AT_TWO, version=0, by=charlie)
