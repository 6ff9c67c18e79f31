"""Home: what was sent of late, how long it took, and when the next refresh is."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db.models import F
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from config.console import charts
from config.console.views import home
from config.platform.jobs import clock
from config.platform.jobs.models import JobStatus
from config.platform.schedules import display
from exports.models import Export, Run, Trigger

pytestmark = pytest.mark.django_db


@pytest.fixture
def export() -> Export:
    return Export.objects.create(name="Newsletter", list_id="a" * 32, email_attribute="email")


def runs(export: Export, days_ago: float, count: int = 1, **values: object) -> None:
    ended = clock.now() - timedelta(days=days_ago)
    first = export.runs.count() + 1
    Run.objects.bulk_create(
        Run(
            export=export,
            number=number,
            trigger=Trigger.MANUAL,
            status=JobStatus.SUCCESSFUL,
            created_at=ended - timedelta(seconds=70),
            started_at=ended - timedelta(seconds=65),
            planned_at=ended - timedelta(seconds=60),
            finished_at=ended,
            **values,
        )
        for number in range(first, first + count)
    )


def test_it_sums_each_day_by_what_became_of_people(export: Export) -> None:
    runs(export, 0, planned=10, delivered=8, new_people=5, rejected=2)
    runs(export, 0, planned=4, delivered=4, new_people=1)
    runs(export, 3, planned=7, delivered=7)
    runs(export, 31, planned=100, delivered=100)
    found = charts.sent_per_day()
    assert {one.key: one.total for one in found.series}.items() >= {
        "added": 6,
        "updated": 13,
        "rejected": 2,
    }.items()
    assert len(found.days) == 30
    assert [counts for _day, counts in found.rows] == [[6, 6, 0, 2], [0, 7, 0, 0]]


def test_it_shows_a_chart_and_its_numbers_as_a_table(charlie_client: Client, export: Export) -> None:
    runs(export, 0, planned=10, delivered=8000, new_people=5000)
    page = charlie_client.get("/").content.decode()
    chart = page.partition('<div class="chart"')[2].partition("</div>")[0]
    assert "Added 5,000</title>" in chart
    assert "Updated 3,000</title>" in chart
    table = page.partition('<details class="chart-table" id="sent-table">')[2].partition("</details>")[0]
    assert '<td class="number">5,000</td>' in table


def test_the_chart_needs_neither_inline_style_nor_script() -> None:
    drawn = charts.stacked_bars(["1", "2"], [charts.Series("added", "<Added>", [1, 2])], label_every=1)
    for forbidden in ("style", "<script", "onclick", "<Added>", "http://pygal"):
        assert forbidden not in drawn
    assert "series--added" in drawn


def test_it_says_so_when_no_contact_was_sent(charlie_client: Client) -> None:
    assert "No contacts sent yet." in charlie_client.get("/").content.decode()


def test_it_tells_how_long_each_stage_took(charlie_client: Client, export: Export) -> None:
    runs(export, 1, planned=10)
    runs(export, 1)  # nothing to send: says nothing of how long sending takes
    Run.objects.update(checked_at=F("started_at") + timedelta(seconds=3))
    assert [(stage.key, stage.usual.total_seconds()) for stage in home.stage_times()] == [
        ("waiting", 8),
        ("planning", 2),
        ("delivery", 60),
    ]
    assert "at most 1 min 0 s" in charlie_client.get("/").content.decode()


def test_it_tells_the_next_refresh(charlie_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    state = display.SystemState(is_on=True, next_due_at=clock.now() + timedelta(hours=3, minutes=1))
    monkeypatch.setattr(display, "system_state", lambda: state)
    assert "in 3 hours" in charlie_client.get("/").content.decode()


def test_it_says_that_the_refresh_is_off(charlie_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(display, "system_state", display.SystemState)
    assert "The system refresh is off" in charlie_client.get("/").content.decode()


def test_it_costs_the_same_with_a_year_of_runs(
    charlie_client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    call_command("createcachetable")
    for number in range(3):
        export = Export.objects.create(name=f"Export {number}", list_id="a" * 32, email_attribute="email")
        for week in range(52):
            runs(export, week * 7, 5, planned=10, delivered=10)
    with django_assert_max_num_queries(30):
        charlie_client.get("/")
