"""Remove a data source: what is deleted with it, what blocks it, and the audit record."""

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from config.platform.accounts.models import User
from config.platform.audit.models import AuditEntry
from config.platform.jobs.models import JobStatus
from segments import refresh_job
from segments.models import DataSource, ImportJob, Segment, SegmentRefresh
from segments.sources import actions
from tests.support.profiles import create_profile, member_count, profile_count, profile_keys

HTMX = {"HX-Request": "true", "HX-Target": "dialog"}


@pytest.fixture
def segment(shop: DataSource) -> Segment:
    """Return a segment of all profiles: three of the shop and one of another source."""
    other = DataSource.objects.create(name="Elsewhere", key_column="id", profile_count=1)
    create_profile(other, "E1", {"email": "e1@example.com"})
    segment = Segment.objects.create(name="Everybody", rules={"join": "and", "rules": []})
    refresh_job.run_refresh(SegmentRefresh.objects.create(segment=segment).pk)
    segment.refresh_from_db()
    assert segment.member_count == 4
    return segment


def address(source: DataSource) -> str:
    return f"/data/sources/{source.pk}/remove/"


def test_the_question_says_who_goes_and_which_segments_shrink(
    bob_client: Client, shop: DataSource, segment: Segment
) -> None:
    html = bob_client.get(address(shop), headers=HTMX).content.decode()
    assert "Remove “Shop”?" in html
    assert "This deletes 3 customers" in html
    assert "Everybody" in html
    assert "loses 3 members, 1 remain" in html


def test_it_is_deleted_with_its_profiles(bob_client: Client, shop: DataSource, segment: Segment) -> None:
    ImportJob.objects.create(
        source=shop, file_name="people.csv", path="/x", status=JobStatus.SUCCESSFUL, finished_at=shop.created_at
    )
    answer = bob_client.post(address(shop), headers=HTMX)
    assert answer["HX-Redirect"] == "/data/sources/"
    assert [source.name for source in DataSource.objects.all()] == ["Elsewhere"]
    assert profile_keys() == ["E1"]
    assert member_count() == 1
    assert not ImportJob.objects.exists()
    segment.refresh_from_db()
    assert segment.member_count == 1


def test_the_record_keeps_that_it_went(bob: User, shop: DataSource, segment: Segment) -> None:
    pk = shop.pk
    assert actions.remove_data_source(shop, by=bob) == 3
    entry = AuditEntry.objects.get(action="removed", target_kind="datasource")
    assert (entry.target_id, entry.target_name, entry.actor_name) == (pk, "Shop", "Bob Brown")
    assert entry.changes == {"customers": [3, 0], "segments": [["Everybody"], None]}


@pytest.mark.parametrize("status", [JobStatus.QUEUED, JobStatus.PROCESSING])
def test_an_open_import_blocks_the_deletion(bob_client: Client, shop: DataSource, status: JobStatus) -> None:
    ImportJob.objects.create(source=shop, file_name="people.csv", path="/x", status=status)
    for answer, code in (
        (bob_client.get(address(shop), headers=HTMX), 200),
        (bob_client.post(address(shop), headers=HTMX), 409),
    ):
        assert answer.status_code == code
        assert "“people.csv” is being imported into it." in answer.content.decode()
    assert profile_count(shop) == 3


def test_a_second_click_finds_nothing_left(bob: User, shop: DataSource) -> None:
    actions.remove_data_source(shop, by=bob)
    assert actions.remove_data_source(shop, by=bob) == 0


def test_it_refuses_a_viewer(charlie_client: Client, charlie: User, shop: DataSource) -> None:
    assert charlie_client.get(address(shop)).status_code == 403
    assert charlie_client.post(address(shop)).status_code == 403
    with pytest.raises(PermissionDenied):
        actions.remove_data_source(shop, by=charlie)
    assert "Remove" not in charlie_client.get("/data/sources/").content.decode()


def test_the_question_costs_the_same_for_many_segments(
    bob_client: Client, shop: DataSource, segment: Segment, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for place in range(12):
        other = Segment.objects.create(name=f"Segment {place}", rules=segment.rules)
        refresh_job.run_refresh(SegmentRefresh.objects.create(segment=other).pk)
    with django_assert_max_num_queries(8):
        bob_client.get(address(shop), headers=HTMX)
