"""Data > Exports > Schedule: choosing when exports run automatically."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from config.platform.accounts.models import User
from config.platform.audit.models import AuditEntry
from config.platform.jobs import clock
from config.platform.schedules import display
from connections.models import Connection
from exports.actions import manage, runs
from exports.models import Export, ExportSchedule, Run, Trigger
from segments.models import Segment
from tests.support import exports as support_exports

PANE = "/data/exports/schedule/"
RUN_ALL = "/data/exports/run-all/"
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
DAILY: dict[str, Any] = {"recurrence": "daily", "zone": "Europe/Warsaw", "times": ["02:00"]}
TYPED = {"is_on": "on", "recurrence": "daily", "time_1": "14:30", "zone": "Europe/Warsaw"}


@pytest.fixture(autouse=True)
def noon() -> Iterator[None]:
    clock.run_from(NOON)
    yield
    clock.run_as_usual()


@pytest.fixture
def two(shared: Connection, everyone: Segment, bob: User) -> list[Export]:
    """Two exports on the shared connection."""
    return [
        support_exports.export_to(None, shared, everyone, list_id=key * 32, name=f"Export {key}", by=bob)
        for key in ("a", "b")
    ]


def selected(exports: Sequence[Export]) -> dict[str, Any]:
    return {"selected": [export.pk for export in exports]}


def versions(exports: Sequence[Export], version: int = 0) -> dict[str, Any]:
    return selected(exports) | {"versions": [f"{export.pk}:{version}" for export in exports]}


def test_it_begins_with_the_system_refresh_and_says_that_it_is_off(bob_client: Client, two: list[Export]) -> None:
    html = bob_client.get(PANE, selected(two[:1])).content.decode()
    assert "Schedule “Export a”" in html
    assert "The system refresh is off" in html
    assert "Keep or override" not in html


def test_it_saves_a_schedule_and_shows_it_in_the_list(bob_client: Client, two: list[Export]) -> None:
    response = bob_client.post(PANE, selected(two[:1]) | TYPED | {"version": "0"}, follow=True)
    html = response.content.decode()
    assert "The schedule of “Export a” is saved." in html
    assert "Daily at 14:30 (Europe/Warsaw)" in html
    schedule = ExportSchedule.objects.get()
    assert (schedule.export, schedule.is_on, schedule.version) == (two[0], True, 1)
    assert schedule.due_at == datetime(2026, 11, 25, 13, 30, tzinfo=UTC)
    entry = AuditEntry.objects.get(action="scheduled")
    assert (entry.actor_name, entry.target_name) == ("Bob Brown", "Export a")
    assert entry.changes == {"schedule": ["System refresh", "Daily at 14:30 (Europe/Warsaw)"]}


def test_from_the_page_of_an_export_it_leads_back_there_and_shows_the_schedule(
    bob_client: Client, charlie_client: Client, two: list[Export]
) -> None:
    page = f"/data/exports/{two[0].pk}/runs/"
    assert f"{PANE}?selected={two[0].pk}&amp;from=page" in bob_client.get(page).content.decode()
    query = f"?selected={two[0].pk}&from=page"
    response = bob_client.post(PANE + query, selected(two[:1]) | TYPED | {"version": "0"}, follow=True)
    assert response.redirect_chain == [(page, 302)]
    viewed = charlie_client.get(page).content.decode()
    assert "Daily at 14:30 (Europe/Warsaw)" in viewed
    assert "from=page" not in viewed


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"recurrence": "hours", "hours": "6", "starts_on": "2026-11-25"}, "Every 6 hours"),
        ({"recurrence": "weekly", "weekdays": ["monday", "thursday"]}, "Weekly on Monday and Thursday at 14:30"),
        ({"recurrence": "monthly", "month_days": ["1", "last"]}, "Monthly on day 1 and the last day at 14:30"),
        ({"recurrence": "cron", "cron": "0 6  * * 1-5"}, "Cron text 0 6 * * 1-5 (Europe/Warsaw)"),
    ],
)
def test_it_knows_every_recurrence(
    bob_client: Client, two: list[Export], typed: dict[str, Any], words: str
) -> None:
    posted = selected(two[:1]) | TYPED | typed | {"version": "0"}
    assert bob_client.post(PANE, posted).status_code == 302
    assert words in bob_client.get("/data/exports/").content.decode()
    assert words in bob_client.get(PANE, selected(two[:1])).content.decode()


def test_it_says_which_field_of_cron_text_is_wrong(bob_client: Client, two: list[Export]) -> None:
    typed = {"recurrence": "cron", "cron": "0 25 * * *", "version": "0"}
    response = bob_client.post(PANE, selected(two[:1]) | TYPED | typed)
    assert response.status_code == 422
    html = response.content.decode()
    assert "The second field is the hour: 0 to 23." in html
    assert 'value="0 25 * * *"' in html
    assert 'name="time_1"' not in html


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"time_1": ""}, "This field is required"),
        ({"time_1": "25:00"}, "Enter a valid time"),
        ({"zone": "Atlantis/Capital"}, "Select a valid choice"),
        ({"recurrence": "weekly"}, "This field is required"),
        ({"recurrence": "hours", "hours": "0", "starts_on": "2026-11-25"}, "greater than or equal to 1"),
        ({"recurrence": "hours", "hours": "6"}, "This field is required"),
        ({"starts_on": "9999-01-01"}, "between the years 2000 and 2199"),
    ],
)
def test_it_says_what_is_wrong_beside_the_field_and_keeps_what_was_typed(
    bob_client: Client, two: list[Export], typed: dict[str, Any], sentence: str
) -> None:
    response = bob_client.post(PANE, selected(two[:1]) | TYPED | {"version": "0"} | typed)
    assert response.status_code == 422
    html = response.content.decode()
    assert sentence in html
    assert typed.get("time_1", "14:30") in html
    assert not ExportSchedule.objects.exists()


def test_it_shows_the_next_three_runs_as_one_types(bob_client: Client, two: list[Export]) -> None:
    html = bob_client.post(f"{PANE}?part=preview", selected(two[:1]) | TYPED).content.decode()
    assert html.count("<li>") == 3
    assert 'datetime="2026-11-25T13:30:00+00:00"' in html
    assert "14:30 CET" in html
    assert (
        "Complete the schedule"
        in bob_client.post(f"{PANE}?part=preview", selected(two[:1]) | TYPED | {"time_1": ""}).content.decode()
    )
    assert not ExportSchedule.objects.exists()


def test_it_asks_what_the_recurrence_needs(bob_client: Client, two: list[Export]) -> None:
    posted = selected(two[:1]) | TYPED
    asked = bob_client.post(f"{PANE}?part=details", posted | {"recurrence": "monthly"}).content.decode()
    assert 'name="month_days" value="1" id="id_month_days_0" checked' in asked
    assert "Monthly on day 1 at 14:30" in asked
    assert f"{PANE}?part=preview" in asked
    assert 'name="hours"' not in asked
    assert (
        'name="time_1"'
        not in bob_client.post(f"{PANE}?part=details", posted | {"recurrence": "system"}).content.decode()
    )


def test_a_stale_save_is_refused_and_says_what_changed(bob_client: Client, two: list[Export]) -> None:
    manage.set_schedule(two[0], is_on=True, rule=DAILY, version=0, by=None)
    response = bob_client.post(PANE, selected(two[:1]) | TYPED | {"version": "0"})
    assert response.status_code == 409
    assert "Daily at 02:00" in response.content.decode()
    overwritten = bob_client.post(PANE, selected(two[:1]) | TYPED | {"version": "0", "overwrite_version": "1"})
    assert overwritten.status_code == 302
    assert ExportSchedule.objects.get().rule["times"] == ["14:30"]  # type: ignore[index]


def test_several_keep_their_schedules_and_are_only_switched_off(bob_client: Client, two: list[Export]) -> None:
    manage.set_schedule(two[0], is_on=True, rule=DAILY, version=0, by=None)
    html = bob_client.get(PANE, selected(two)).content.decode()
    assert "Keep or override schedules" in html
    assert 'name="recurrence"' not in html
    posted = selected(two) | {"keep": "keep", "versions": [f"{two[0].pk}:1", f"{two[1].pk}:0"]}
    assert bob_client.post(PANE, posted).status_code == 302
    kept = {schedule.export: (schedule.is_on, schedule.rule) for schedule in ExportSchedule.objects.all()}
    assert kept == {two[0]: (False, DAILY), two[1]: (False, None)}


def test_several_get_a_new_schedule(bob_client: Client, two: list[Export]) -> None:
    assert bob_client.post(PANE, versions(two) | TYPED | {"keep": "define"}).status_code == 302
    assert [schedule.rule["times"] for schedule in ExportSchedule.objects.all()] == [["14:30"]] * 2  # type: ignore[index]


def test_several_are_all_saved_or_none(bob_client: Client, two: list[Export]) -> None:
    manage.set_schedule(two[1], is_on=True, rule=DAILY, version=0, by=None)
    response = bob_client.post(PANE, versions(two) | TYPED | {"keep": "define"})
    assert response.status_code == 409
    assert "“Export b”" in response.content.decode()
    assert ExportSchedule.objects.get(export=two[1]).rule == DAILY
    assert not ExportSchedule.objects.filter(export=two[0]).exists()


def test_several_times_of_a_file_are_not_lost(bob_client: Client, two: list[Export]) -> None:
    rule = DAILY | {"times": ["02:00", "14:00"]}
    manage.set_schedule(two[0], is_on=True, rule=rule, version=0, by=None)
    assert 'name="time_2"' in bob_client.get(PANE, selected(two[:1])).content.decode()
    typed = TYPED | {"time_1": "02:00", "time_2": "14:00", "version": "1"}
    assert bob_client.post(PANE, selected(two[:1]) | typed).status_code == 302
    assert ExportSchedule.objects.get().rule == rule


@pytest.mark.parametrize("who", ["bob_client", "charlie_client"])
def test_it_refuses_users_who_may_not_edit_all(
    request: pytest.FixtureRequest, who: str, two: list[Export], board: Export
) -> None:
    client: Client = request.getfixturevalue(who)
    assert client.get(PANE, selected([two[0], board])).status_code == 403
    assert client.post(PANE, selected([board]) | TYPED | {"version": "0"}).status_code == 403
    assert not ExportSchedule.objects.exists()


def test_the_list_says_in_amber_that_the_system_refresh_is_off(
    bob_client: Client, two: list[Export], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert bob_client.get("/data/exports/").content.decode().count("System refresh (off)") == 2
    manage.set_schedule(two[0], is_on=False, rule=None, version=0, by=None)
    html = bob_client.get("/data/exports/").content.decode()
    assert (html.count("System refresh (off)"), html.count("Off (System refresh)")) == (1, 1)
    on = display.SystemState(is_on=True, next_due_at=datetime(2026, 11, 25, 18, tzinfo=UTC))
    monkeypatch.setattr(display, "_registered", [lambda: on])
    html = bob_client.get("/data/exports/").content.decode()
    assert "System refresh (off)" not in html
    assert "in 5 hours" in html


def test_a_duplicate_starts_switched_off_with_the_same_schedule(two: list[Export], bob: User) -> None:
    manage.set_schedule(two[0], is_on=True, rule=DAILY, version=0, by=None)
    copy = manage.duplicate(two[0], by=bob)
    schedule = ExportSchedule.objects.get(export=copy)
    assert (schedule.is_on, schedule.rule, schedule.due_at) == (False, DAILY, None)
    assert not ExportSchedule.objects.get(export=manage.duplicate(two[1], by=bob)).is_on


def test_run_all_runs_those_whose_own_switch_is_on(bob_client: Client, two: list[Export], board: Export) -> None:
    manage.set_schedule(two[0], is_on=False, rule=DAILY, version=0, by=None)
    html = bob_client.get(RUN_ALL).content.decode()
    assert "Export b" in html
    assert "Export a" not in html
    bob_client.post(RUN_ALL)
    run = Run.objects.get()
    assert (run.export, run.trigger) == (two[1], Trigger.MANUAL)


def test_run_all_says_what_could_not_run(bob_client: Client, two: list[Export]) -> None:
    runs.start_run(two[0], by=None)
    html = bob_client.post(RUN_ALL, follow=True).content.decode()
    assert "1 run has started." in html
    assert "Run 1 is already in progress" in html


def test_a_viewer_runs_nothing(charlie_client: Client, two: list[Export]) -> None:
    assert charlie_client.post(RUN_ALL).status_code == 403
    assert not Run.objects.exists()


def test_the_list_costs_the_same_whatever_is_scheduled(
    bob_client: Client, two: list[Export], django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    bob_client.get("/data/exports/")
    for export in two:
        manage.set_schedule(export, is_on=True, rule=DAILY, version=0, by=None)
    with django_assert_max_num_queries(8):
        bob_client.get("/data/exports/")
