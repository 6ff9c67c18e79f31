"""Admin > System > Status: how everything stands, the last runs behind a name, and Refresh all."""

import re

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from config.console.models import SystemRefresh
from config.console.system_refresh import actions
from config.platform.accounts.models import User
from config.platform.jobs import clock
from config.platform.jobs.models import JobStatus
from exports.models import Export, Run, Trigger
from segments.models import DataSource, ImportJob, Segment, SegmentRefresh

pytestmark = pytest.mark.django_db
STATUS = "/admin/system/"


def text(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


def export(name: str, *statuses: str, trigger: str = Trigger.MANUAL) -> Export:
    made = Export.objects.create(name=name, list_id="a" * 32, email_attribute="email")
    for number, status in enumerate(statuses, start=1):
        Run.objects.create(
            export=made, number=number, trigger=trigger, status=status, finished_at=clock.now(), delivered=number
        )
    return made


def segment(name: str, status: str = "") -> Segment:
    made = Segment.objects.create(name=name)
    if status:
        SegmentRefresh.objects.create(segment=made, status=status, finished_at=clock.now())
    return made


def source(name: str, status: str = "") -> DataSource:
    made = DataSource.objects.create(name=name, key_column="id")
    if status:
        ImportJob.objects.create(
            source=made, status=status, finished_at=clock.now(), file_name="a.csv", path="/a.csv"
        )
    return made


def row_of(page: str, name: str) -> str:
    return next(row for row in page.split("<tr>") if f">{name}</a>" in row)


def test_it_shows_each_thing_with_its_own_last_status(charlie_client: Client) -> None:
    source("Shop", JobStatus.WARNINGS)
    segment("Readers", JobStatus.FAILED)
    segment("Never drawn")
    export("Newsletter", JobStatus.FAILED, JobStatus.SUCCESSFUL)
    page = text(charlie_client, STATUS)
    assert "Completed with warnings" in row_of(page, "Shop")
    assert "Failed (permanent)" in row_of(page, "Readers")
    assert "Not started" in row_of(page, "Never drawn")
    assert "Successful" in row_of(page, "Newsletter")
    assert "Failed" not in row_of(page, "Newsletter")


def test_it_puts_first_what_needs_a_look(charlie_client: Client) -> None:
    for number in range(10):
        export(f"Fine {number}", JobStatus.SUCCESSFUL)
    export("Zorro", JobStatus.FAILED)
    page = text(charlie_client, STATUS)
    assert page.index(">Zorro<") < page.index(">Fine 0<")
    assert ">Fine 9<" not in page
    assert "Show all 11" in page
    assert "1 Failed (permanent)" in page
    assert "10 Successful" in page


def test_a_group_can_be_searched_sorted_and_narrowed_by_its_address(charlie_client: Client) -> None:
    export("Alpha", JobStatus.SUCCESSFUL)
    export("Beta", JobStatus.FAILED)
    address = f"{STATUS}tasks/export/"
    page = text(charlie_client, address)
    assert page.index(">Beta<") < page.index(">Alpha<")
    page = text(charlie_client, f"{address}?sort=name")
    assert page.index(">Alpha<") < page.index(">Beta<")
    assert ">Alpha<" not in text(charlie_client, f"{address}?q=bet")
    narrowed = text(charlie_client, f"{address}?status=failed")
    assert ">Beta<" in narrowed
    assert ">Alpha<" not in narrowed
    assert "Exports: Failed (permanent)" in narrowed
    assert charlie_client.get(f"{STATUS}tasks/nothing/").status_code == 404
    assert charlie_client.get(f"{address}?status=nonsense").status_code == 200


@pytest.mark.parametrize("address", [STATUS, f"{STATUS}tasks/export/", f"{STATUS}live/"])
def test_it_costs_the_same_however_much_there_is(
    charlie_client: Client, django_assert_max_num_queries: DjangoAssertNumQueries, address: str
) -> None:
    for number in range(12):
        export(f"Export {number}", JobStatus.SUCCESSFUL, JobStatus.FAILED)
        segment(f"Segment {number}", JobStatus.SUCCESSFUL)
        source(f"Source {number}", JobStatus.SUCCESSFUL)
    with django_assert_max_num_queries(22):
        charlie_client.get(address)


def test_a_name_opens_its_last_runs(charlie_client: Client) -> None:
    made = export("Newsletter", JobStatus.FAILED, JobStatus.SUCCESSFUL)
    page = text(charlie_client, f"{STATUS}tasks/export/{made.pk}/")
    assert page.index("Successful") < page.index("Failed (permanent)")
    assert f'href="/data/exports/{made.pk}/runs/"' in page
    assert charlie_client.get(f"{STATUS}tasks/export/{made.pk + 1}/").status_code == 404


def test_nothing_has_run_yet_and_it_says_so(charlie_client: Client) -> None:
    made = segment("Never drawn")
    assert "No runs yet." in text(charlie_client, f"{STATUS}tasks/segment/{made.pk}/")
    assert "No runs yet." in text(charlie_client, f"{STATUS}tasks/system/1/")


def test_it_says_that_the_refresh_is_off_and_who_can_help(alice_client: Client, charlie_client: Client) -> None:
    assert "Set up schedule" in text(alice_client, STATUS)
    page = text(charlie_client, STATUS)
    assert "An administrator can switch the system refresh on" in page
    assert "Refresh all" not in page


def test_refresh_all_asks_first_and_tells_how_much_it_does(alice_client: Client, alice: User) -> None:
    segment("Readers")
    question = text(alice_client, f"{STATUS}refresh/")
    assert "Refresh everything now?" in question
    assert "1 segment" in question
    assert not SystemRefresh.objects.exists()
    assert alice_client.post(f"{STATUS}refresh/").status_code == 302
    refresh = SystemRefresh.objects.get()
    assert (refresh.requested_by, refresh.status) == (alice, JobStatus.QUEUED)


def test_a_second_click_starts_nothing_more(alice_client: Client) -> None:
    alice_client.post(f"{STATUS}refresh/")
    answer = alice_client.post(f"{STATUS}refresh/")
    assert answer.status_code == 409
    assert "already in progress, started by Alice Adams" in answer.content.decode()
    assert SystemRefresh.objects.count() == 1


def test_refresh_all_is_for_administrators(bob_client: Client) -> None:
    assert bob_client.get(f"{STATUS}refresh/").status_code == 403
    assert bob_client.post(f"{STATUS}refresh/").status_code == 403
    assert not SystemRefresh.objects.exists()


def test_it_looks_often_only_while_something_is_under_way(alice_client: Client, alice: User) -> None:
    assert 'hx-trigger="every 20s"' in text(alice_client, f"{STATUS}live/")
    actions.refresh_all(by=alice, wake_worker=False)
    assert 'hx-trigger="every 2s"' in text(alice_client, f"{STATUS}live/")
