"""The list of segments."""

from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks

from config.platform.jobs.models import JobStatus
from segments import hooks
from segments.models import DataSource, Segment, SegmentRefresh


@pytest.fixture
def readers(shop: DataSource) -> Segment:
    rules = {"join": "and", "rules": [{"attribute": "newsletter", "operator": "is_yes"}]}
    return Segment.objects.create(name="Readers", rules=rules)


def test_it_lists_what_there_is(charlie_client: Client, readers: Segment) -> None:
    content = charlie_client.get("/segments/").content.decode()
    for text in ("Readers", "newsletter is yes", "Not started", "never"):
        assert text in content
    assert "New segment" not in content


def test_it_says_how_many_exports_use_it(
    bob_client: Client, readers: Segment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hooks.segment_users, "usage_counts", lambda ids: dict.fromkeys(ids, 2))
    assert "2 exports" in bob_client.get("/segments/").content.decode()


def test_it_searches_and_sorts(bob_client: Client, readers: Segment) -> None:
    Segment.objects.create(name="Everyone", member_count=9)
    rows = bob_client.get("/segments/?sort=-members").context["rows"]
    assert [row.segment.name for row in rows] == ["Everyone", "Readers"]
    rows = bob_client.get("/segments/?q=read").context["rows"]
    assert [row.segment.name for row in rows] == ["Readers"]


def test_it_asks_the_same_number_of_queries_for_many(
    bob_client: Client, readers: Segment, django_assert_max_num_queries: Any
) -> None:
    for number in range(40):
        segment = Segment.objects.create(name=f"Segment {number}")
        SegmentRefresh.objects.create(segment=segment)
    with django_assert_max_num_queries(8):
        assert bob_client.get("/segments/").content.decode().count("Queued") >= 40


def test_it_refreshes_those_selected(
    bob_client: Client,
    readers: Segment,
    enqueued: list[tuple[object, ...]],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        response = bob_client.post("/segments/refresh/", {"selected": [readers.pk, 999]})
    assert response.headers["Location"] == "/segments/"
    job = SegmentRefresh.objects.get()
    assert (job.segment, job.status, enqueued) == (
        readers,
        JobStatus.QUEUED,
        [("segments.tasks.refresh_segment", job.pk)],
    )


def test_it_follows_a_refresh(bob_client: Client, readers: Segment) -> None:
    job = SegmentRefresh.objects.create(segment=readers, status=JobStatus.PROCESSING)
    content = bob_client.get("/segments/").content.decode()
    assert f"/segments/statuses/?ids={readers.pk}" in content
    SegmentRefresh.objects.update(status=JobStatus.SUCCESSFUL, finished_at=job.created_at)
    Segment.objects.update(member_count=1234, refreshed_at=job.created_at)
    content = bob_client.get(f"/segments/statuses/?ids={readers.pk},x").content.decode()
    assert "1,234" in content
    assert "every 2s" not in content


def test_it_refuses_a_viewer(charlie_client: Client, readers: Segment) -> None:
    assert charlie_client.post("/segments/refresh/", {"selected": readers.pk}).status_code == 403
    assert charlie_client.get("/segments/add/").status_code == 403
    assert charlie_client.post("/segments/add/", {"name": "x"}).status_code == 403
    assert charlie_client.get(f"/segments/{readers.pk}/edit/").status_code == 403
    assert charlie_client.post(f"/segments/{readers.pk}/edit/", {"name": "x"}).status_code == 403
    assert charlie_client.post(f"/segments/{readers.pk}/remove/").status_code == 403
    assert Segment.objects.filter(name="Readers").exists()


def test_it_sends_a_stranger_to_the_door(stranger_client: Client, readers: Segment) -> None:
    for url in ("/segments/refresh/", "/segments/add/", f"/segments/{readers.pk}/edit/"):
        assert "/accounts/sign-in/" in stranger_client.post(url).headers["Location"]


def test_an_empty_list_says_what_to_do(bob_client: Client, db: None) -> None:
    assert "No segments yet" in bob_client.get("/segments/").content.decode()
