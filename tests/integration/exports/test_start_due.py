"""What a tick starts: due exports, each once for each due moment."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from config.platform.accounts.models import User
from config.platform.jobs import clock
from config.platform.jobs.models import JobStatus, TickResult
from config.platform.schedules import ticks
from config.platform.schedules.serialize import WrongRule
from config.platform.web.versions import StaleEdit
from connections.models import Connection
from exports import tasks
from exports.actions import manage, runs
from exports.models import Export, ExportSchedule, ExportTick, Run, Trigger
from exports.scheduler import start_due
from tests.support import exports

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
AT_TWO: dict[str, Any] = {"recurrence": "daily", "zone": "UTC", "times": ["14:00"]}
TWO = NOON + timedelta(hours=2)


@pytest.fixture(autouse=True)
def noon() -> Iterator[None]:
    """Our time begins at noon, and goes where a test lets it go."""
    clock.run_from(NOON)
    yield
    clock.run_as_usual()


@pytest.fixture
def connection(db: None) -> Connection:
    return exports.sandbox_connection()


@pytest.fixture
def export(connection: Connection) -> Export:
    return make(connection, "Newsletter")


def make(connection: Connection, name: str, rule: dict[str, Any] | None = AT_TWO) -> Export:
    """An export with its own schedule."""
    made = exports.export_to(None, connection, exports.segment_of_everyone(), list_id="a" * 32, name=name)
    manage.set_schedule(made, is_on=True, rule=rule, version=0, by=None)
    return made


def tick_at(moment: datetime) -> int:
    clock.run_from(moment)
    return start_due.start_due()


def finish(run: Run) -> None:
    Run.objects.filter(pk=run.pk).update(status=JobStatus.SUCCESSFUL, finished_at=clock.now())


def test_it_starts_nothing_before_its_time(export: Export) -> None:
    assert tick_at(TWO - timedelta(seconds=1)) == 0
    assert not Run.objects.exists()


def test_it_starts_a_run_on_behalf_of_the_export_user(export: Export, connection: Connection) -> None:
    tick_at(TWO + timedelta(seconds=1))
    run = export.runs.get()
    assert (run.trigger, run.status, run.requested_by) == (
        Trigger.SCHEDULE,
        JobStatus.QUEUED,
        connection.export_user,
    )
    assert [event.to_status for event in run.events.all()] == [JobStatus.QUEUED]
    tick = export.ticks.get()
    assert (tick.due_at, tick.run, tick.result, tick.was_missed) == (TWO, run, TickResult.STARTED, False)
    assert ExportSchedule.objects.get().due_at == TWO + timedelta(days=1)


def test_what_it_starts_is_in_all_else_as_any_other_run(export: Export, connection: Connection) -> None:
    tick_at(TWO)
    usual = Run(export=export, number=1, trigger=Trigger.SCHEDULE, requested_by=connection.export_user)
    left_to_the_database = {field.name for field in Run._meta.concrete_fields if field.has_db_default()}
    names = {field.name for field in Run._meta.concrete_fields} - left_to_the_database
    fields = sorted(names - {"id", "created_at"})
    assert {name: getattr(export.runs.get(), name) for name in fields} == {
        name: getattr(usual, name) for name in fields
    }


def test_it_starts_each_due_moment_once(export: Export) -> None:
    assert [tick_at(TWO), tick_at(TWO), tick_at(TWO - timedelta(seconds=3))] == [1, 0, 0]
    assert export.runs.count() == 1


def test_it_starts_nothing_again_that_was_saved_on_a_machine_whose_clock_is_behind(export: Export) -> None:
    tick_at(TWO)
    finish(export.runs.get())
    clock.run_from(TWO - timedelta(seconds=5))
    version = ExportSchedule.objects.get().version
    for is_on in (False, True):
        version = manage.set_schedule(export, is_on=is_on, rule=AT_TWO, version=version, by=None).version
    assert ExportSchedule.objects.get().due_at == TWO
    assert tick_at(TWO) == 0
    assert export.runs.count() == 1


def test_it_joins_what_is_queued_already(export: Export) -> None:
    run = runs.start_run(export, by=None)
    tick_at(TWO)
    assert export.runs.get() == run
    assert export.ticks.get().result == TickResult.JOINED
    assert export.ticks.get().run == run


def test_it_queues_behind_what_is_at_work(export: Export) -> None:
    Run.objects.filter(pk=runs.start_run(export, by=None).pk).update(status=JobStatus.PROCESSING)
    tick_at(TWO)
    assert list(export.runs.order_by("number").values_list("number", "status")) == [
        (1, JobStatus.PROCESSING),
        (2, JobStatus.QUEUED),
    ]


def test_it_runs_once_what_was_missed_several_times(export: Export) -> None:
    tick_at(TWO + timedelta(days=3, hours=5))
    tick = export.ticks.get()
    assert (tick.due_at, tick.missed_since, tick.was_missed) == (TWO + timedelta(days=3), TWO, True)
    assert tick.result == TickResult.STARTED
    assert export.runs.count() == 1
    assert ExportSchedule.objects.get().due_at == TWO + timedelta(days=4)


def test_it_passes_over_what_was_missed_where_that_is_the_setting(export: Export, settings: Settings) -> None:
    settings.MISSED_SCHEDULES = ticks.SKIP
    tick_at(TWO + timedelta(hours=5))
    assert export.ticks.get().result == TickResult.PASSED_OVER
    assert not export.runs.exists()
    tick_at(TWO + timedelta(days=1, minutes=1))
    assert export.ticks.first().result == TickResult.STARTED  # type: ignore[union-attr]


def test_it_starts_nothing_without_a_connection(export: Export) -> None:
    manage.detach(export, by=None)
    tick_at(TWO)
    assert (export.ticks.get().result, export.runs.count()) == (TickResult.IMPOSSIBLE, 0)


def test_it_leaves_alone_what_is_off_or_follows_the_system_refresh(connection: Connection) -> None:
    off, following = make(connection, "Off"), make(connection, "Following", rule=None)
    manage.set_schedule(off, is_on=False, rule=AT_TWO, version=1, by=None)
    make(connection, "Not chosen").schedule.delete()
    assert tick_at(TWO + timedelta(days=400)) == 0
    assert set(manage.exports_of_system_refresh()) == {following, Export.objects.get(name="Not chosen")}
    assert set(manage.scheduled_exports()) == set(Export.objects.exclude(pk=off.pk))


def test_a_rule_that_cannot_be_read_any_more_keeps_no_other_from_running(
    connection: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    lost, fine = make(connection, "Lost"), make(connection, "Fine")
    ExportSchedule.objects.filter(export=lost).update(rule=AT_TWO | {"zone": "Atlantis/Capital"})
    tick_at(TWO)
    assert [tick.export for tick in ExportTick.objects.all()] == [fine]
    assert ExportSchedule.objects.get(export=lost).due_at > TWO  # type: ignore[operator]
    assert "cannot be read" in caplog.text


def test_a_tick_costs_the_same_for_one_and_for_many(
    connection: Connection, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(20):
        make(connection, f"Export {number}")
    clock.run_from(TWO)
    with django_assert_num_queries(10):
        assert start_due.start_due() == 20
    make(connection, "One more")
    clock.run_from(TWO + timedelta(days=1))
    Run.objects.update(status=JobStatus.SUCCESSFUL, finished_at=clock.now())
    ExportSchedule.objects.exclude(export__name="One more").update(is_on=False, due_at=None)
    with django_assert_num_queries(10):
        assert start_due.start_due() == 1


@pytest.mark.django_db(transaction=True)
def test_several_ticks_at_one_moment_start_each_export_once(alice: User) -> None:
    connection = exports.sandbox_connection(by=alice)
    for number in range(30):
        make(connection, f"Export {number}")
    clock.run_from(TWO + timedelta(seconds=1))
    together, counts = threading.Barrier(4), []

    def tick() -> None:
        together.wait(20)
        try:
            counts.append(ticks.until_all_are_started(start_due.start_due))
        finally:
            database.close()

    threads = [threading.Thread(target=tick) for _number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(counts) == 30
    assert sorted(Run.objects.values_list("export__name", flat=True)) == sorted(
        f"Export {number}" for number in range(30)
    )


def test_a_choice_is_refused_to_a_user_who_read_an_older_one(export: Export) -> None:
    with pytest.raises(StaleEdit):
        manage.set_schedule(export, is_on=False, rule=None, version=0, by=None)
    assert ExportSchedule.objects.get().is_on


def test_a_rule_that_is_none_is_refused(export: Export) -> None:
    with pytest.raises(WrongRule):
        manage.set_schedule(export, is_on=True, rule={"recurrence": "daily"}, version=1, by=None)


def test_saving_the_same_again_loses_no_due_moment(export: Export) -> None:
    clock.run_from(TWO + timedelta(seconds=1))
    manage.set_schedule(export, is_on=True, rule=AT_TWO, version=1, by=None)
    assert ExportSchedule.objects.get().due_at == TWO


def test_the_pages_say_that_it_was_missed_and_run_once(export: Export, charlie: User, client: Client) -> None:
    tick_at(TWO + timedelta(days=3, hours=5))
    client.force_login(charlie)  # by now: a session of three days ago has ended
    html = client.get(f"/data/runs/{export.runs.get().pk}/").content.decode()
    assert "Due at Nov. 28, 2026, 14:00:00 UTC while the system was not running." in html
    assert "Everything due since Nov. 25, 2026, 14:00:00 UTC was skipped." in html


def test_the_pages_say_that_it_was_missed_and_passed_over(
    export: Export, charlie_client: Client, settings: Settings
) -> None:
    settings.MISSED_SCHEDULES = ticks.SKIP
    tick_at(TWO + timedelta(hours=5))
    html = charlie_client.get(f"/data/exports/{export.pk}/runs/").content.decode()
    assert "Due at Nov. 25, 2026, 14:00:00 UTC while the system was not running. Skipped." in html


def test_what_is_due_follows_a_zone_that_changes_its_clocks(export: Export) -> None:
    """As when the machine learns of new rules: what was stored is no longer what the rule gives."""
    ExportSchedule.objects.update(due_at=TWO + timedelta(hours=1))
    assert ticks.recompute_due(ExportSchedule.objects.all()) == 1
    assert ExportSchedule.objects.get().due_at == TWO
    assert ticks.recompute_due(ExportSchedule.objects.all()) == 0


def test_what_is_due_already_is_not_moved_away(export: Export) -> None:
    clock.run_from(TWO + timedelta(seconds=1))
    assert ticks.recompute_due(ExportSchedule.objects.all()) == 0
    assert start_due.start_due() == 1


def test_old_ticks_are_forgotten_and_their_runs_are_not(export: Export) -> None:
    tick_at(TWO)
    clock.run_from(TWO + timedelta(days=91))
    tasks.tend_schedules()
    assert (export.ticks.count(), export.runs.count()) == (0, 1)
