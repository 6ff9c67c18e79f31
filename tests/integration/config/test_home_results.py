"""Home: the results of the last 30 days, the sizes of lists over time, and what is next."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from config.console.home import list_sizes, results, upcoming
from config.platform.jobs import clock
from config.platform.jobs.models import JobStatus
from config.platform.schedules import display
from config.platform.schedules.display import SystemState
from connections.models import Connection
from exports.models import Export, ExportSchedule, Run, Trigger
from exports.results.summary import PARTS, ContactKind
from segments.models import DataSource, Segment, SegmentSchedule, SourceSchedule

pytestmark = pytest.mark.django_db
LIST = "a" * 32


def make_export(name: str = "Newsletter", **values: object) -> Export:
    return Export.objects.create(name=name, list_id=LIST, list_title="News", email_attribute="email", **values)


@pytest.fixture
def export() -> Export:
    return make_export()


def make_runs(export: Export, days_ago: float, count: int = 1, **values: Any) -> None:
    """Make runs that ended so many days ago; each counts its members, as a real one does."""
    ended = clock.now() - timedelta(days=days_ago)
    first = export.runs.count() + 1
    Run.objects.bulk_create(
        Run(
            export=export,
            number=number,
            trigger=Trigger.MANUAL,
            status=values.get("status", JobStatus.SUCCESSFUL),
            list_id=LIST,
            created_at=ended - timedelta(seconds=70),
            finished_at=ended,
            **{name: value for name, value in values.items() if name != "status"},
        )
        for number in range(first, first + count)
    )


# -- results of the last 30 days -----------------------------------------------------------------------------


def test_the_results_of_each_day_and_their_totals_add_up(export: Export) -> None:
    make_runs(export, 0, planned=10, delivered=8, new_people=5, rejected=2, unchanged=7, left=0)
    make_runs(export, 0, planned=4, delivered=4, new_people=1, removed=3, to_remove=3)
    make_runs(export, 3, planned=9, delivered=7, left=1, still_suppressed=2, still_refused=3, held_out=1)
    make_runs(export, 31, planned=100, delivered=100)
    found = results.recent_results()
    assert (found.runs, len(found.days), found.total.new) == (3, 30, 6)
    assert {one.kind: one.contacts for one in found.counts} == {"delivered": 19, "rejected": 2, "removed": 3}
    today, earlier = found.rows
    columns = [one.kind for one in found.columns]
    assert [one.kind for one in today[1]] == columns
    for counts in (today[1], earlier[1], found.columns):
        by_kind = {one.kind: one.contacts for one in counts}
        assert by_kind[ContactKind.MEMBERS] == sum(by_kind.get(kind, 0) for kind in PARTS)
    assert {one.kind: one.contacts for one in earlier[1]} == {
        "members": 13,
        "delivered": 7,
        "unchanged": 0,
        "excluded": 1,
        "suppressed": 3,
        "previously_rejected": 1,
        "rejected": 0,
        "not_attempted": 1,
        "removed": 0,
    }


def test_the_bars_of_a_day_stand_on_each_other(export: Export) -> None:
    make_runs(export, 0, planned=90, delivered=60, rejected=20, unknown=10, removed=30, to_remove=30)
    found = results.recent_results()
    bars = found.days[-1].bars
    assert [bar.kind for bar in bars] == ["delivered", "rejected", "unknown", "removed"]
    assert (found.top, [bar.height for bar in bars]) == (200, [30, 10, 5, 15])
    assert [bar.y + bar.height for bar in bars] == [100, *(bar.y for bar in bars[:-1])]
    assert not found.days[0].bars
    assert "Delivered 60, Rejected 20, Unknown 10, Removed 30" in found.days[-1].title


def test_it_shows_a_chart_and_its_numbers_as_a_table(charlie_client: Client, export: Export) -> None:
    make_runs(export, 0, planned=8000, delivered=8000, new_people=5000)
    page = charlie_client.get("/").content.decode()
    chart = page.partition('<div class="chart"')[2].partition('<details class="chart-table"')[0]
    assert ": Delivered 8,000</title>" in chart
    assert "style=" not in chart
    assert "of which 5,000 new" in page
    table = page.partition('<details class="chart-table"')[2].partition("</details>")[0]
    assert '<td class="number">8,000</td>' in table


def test_it_says_so_when_no_contact_was_sent(charlie_client: Client) -> None:
    assert "No contacts sent in the last 30 days." in charlie_client.get("/").content.decode()


# -- sizes of lists ------------------------------------------------------------------------------------------


def test_a_line_shows_the_last_count_of_each_day(export: Export) -> None:
    make_runs(export, 200, own_on_list=1)
    make_runs(export, 10, own_on_list=100)
    make_runs(export, 5, own_on_list=300)
    make_runs(export, 0.001, own_on_list=150)
    make_runs(export, 0, own_on_list=200)
    make_runs(export, 0)  # was not counted
    (size,) = list_sizes.recent_list_sizes()
    assert (size.name, size.list_title, size.now, size.change) == ("Newsletter", "News", 200, 100)
    assert size.line == "3.0,29.0 60.0,3.0 117.0,16.0"
    assert size.end == ("117.0", "16.0")


def test_the_exports_that_ran_last_are_first_and_few(charlie_client: Client) -> None:
    for number in range(12):
        make_runs(make_export(f"Export {number}"), 20 - number, own_on_list=number)
    idle, moved = make_export("Idle"), make_export("Moved")
    make_runs(moved, 0, own_on_list=5)
    Export.objects.filter(pk=moved.pk).update(list_id="b" * 32)  # what was counted there is of another list
    make_runs(idle, 0, status=JobStatus.FAILED)
    assert [size.name for size in list_sizes.recent_list_sizes()] == [f"Export {n}" for n in range(11, 3, -1)]
    page = charlie_client.get("/").content.decode()
    assert page.count('class="list-size"') == 8


def test_an_export_that_has_not_run_for_long_keeps_its_number(export: Export) -> None:
    make_runs(export, 200, own_on_list=40)
    make_runs(export, 150, own_on_list=50)
    (size,) = list_sizes.recent_list_sizes()
    assert (size.now, size.change, size.line) == (50, 0, "")


# -- what is next --------------------------------------------------------------------------------------------


def test_what_is_next_stands_in_the_order_of_time(charlie_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    now = clock.now()
    hours = {n: now + timedelta(hours=n, minutes=1) for n in range(1, 7)}
    account = Connection.objects.create(name="Shop", destination_key="campaign_monitor")
    export = make_export(connection=account)
    rule = {"any": "rule"}
    ExportSchedule.objects.create(export=export, rule=rule, due_at=hours[2])
    ExportSchedule.objects.create(export=make_export("Detached"), rule=rule, due_at=hours[1])
    segment = Segment.objects.create(name="Readers", rules={})
    SegmentSchedule.objects.create(segment=segment, rule=rule, due_at=hours[1])
    source = DataSource.objects.create(name="Shop data", key_column="id")
    SourceSchedule.objects.create(source=source, rule=rule, due_at=hours[5])
    make_runs(export, 0, status=JobStatus.FAILURE, resume_at=hours[3])
    system = SystemState(is_on=True, next_due_at=hours[4])
    assert [(each.name, each.note) for each in upcoming.next_events(system)] == [
        ("Readers", "Segment refresh"),
        ("Newsletter", "Scheduled run"),
        ("Newsletter", "Retry of run 1"),
        ("System refresh", "Data sources, segments and exports without a schedule of their own"),
        ("Shop data", "Data source refresh"),
    ]
    monkeypatch.setattr(display, "system_state", lambda: system)
    page = charlie_client.get("/").content.decode()
    assert "in 2 hours" in page
    assert "The system refresh is off" not in page


def test_it_says_that_the_refresh_is_off(charlie_client: Client, alice_client: Client) -> None:
    assert "An administrator can switch the system refresh on" in charlie_client.get("/").content.decode()
    assert "Set up schedule" in alice_client.get("/").content.decode()


# -- costs ---------------------------------------------------------------------------------------------------


def queries(client: Client) -> int:
    with CaptureQueriesContext(database) as captured:
        assert client.get("/").status_code == 200
    return len(captured)


def test_it_costs_the_same_with_500_exports_and_10_000_runs(alice_client: Client) -> None:
    call_command("createcachetable")
    account = Connection.objects.create(name="Shop", destination_key="campaign_monitor")
    first = make_export(connection=account)
    make_runs(first, 1, planned=10, delivered=10, own_on_list=10)
    ExportSchedule.objects.create(export=first, rule={"any": "rule"}, due_at=clock.now())
    queries(alice_client)  # opens the profile store
    before = queries(alice_client)
    exports = [make_export(f"Export {number}", connection=account) for number in range(499)]
    for at, export in enumerate(exports):
        make_runs(export, at % 100, 20, planned=10, delivered=10, own_on_list=at)
        ExportSchedule.objects.create(export=export, rule={"any": "rule"}, due_at=clock.now())
    for number in range(20):
        Connection.objects.create(name=f"Account {number}", destination_key="campaign_monitor")
    started = clock.now()
    assert queries(alice_client) == before
    assert before <= 32
    assert clock.now() - started < timedelta(seconds=2)
