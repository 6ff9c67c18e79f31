"""Commands of segments: duplicate, activate, make static, refresh; tags, the trend, and the download of
members."""

import csv
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, cast

import pytest
from django.http import StreamingHttpResponse
from django.test import Client

from config.console.system_refresh.stages import Segments
from config.platform.accounts.models import User
from config.platform.audit.models import AuditEntry
from config.platform.jobs import clock
from config.platform.jobs.models import JobStatus
from segments import actions, refresh_job
from segments.models import DataSource, Segment, SegmentRefresh
from tests.support.profiles import delete_profile

RULES: dict[str, Any] = {"join": "and", "rules": [{"attribute": "newsletter", "operator": "is_yes"}]}
OTHER: dict[str, Any] = {"join": "and", "rules": [{"attribute": "newsletter", "operator": "is_no"}]}


@pytest.fixture
def readers(shop: DataSource, bob: User) -> Segment:
    """Return a refreshed segment of Aino and Zofia."""
    segment = actions.create_segment(name="Readers", rules_tree=RULES, by=bob, tags=["news"], wake_worker=False)
    return refreshed(segment)


def refreshed(segment: Segment) -> Segment:
    job = actions.request_refresh(segment, by=None, wake_worker=False)
    refresh_job.run_refresh(job.pk)
    segment.refresh_from_db()
    return segment


def last_status(segment: Segment) -> str:
    job = segment.refreshes.order_by("-id").first()
    return job.status if job else ""


# -- duplicate -------------------------------------------------------------------------------------------------


def test_a_duplicate_has_the_rules_and_a_name_of_its_own(bob_client: Client, readers: Segment) -> None:
    for name in ("Readers – copy", "Readers – copy 2"):
        bob_client.post(f"/segments/{readers.pk}/duplicate/")
        copy = Segment.objects.get(name=name)
        assert (copy.rules, copy.tags, copy.member_count) == (readers.rules, ["news"], 0)
        assert last_status(copy) == JobStatus.QUEUED
    assert AuditEntry.objects.filter(action__endswith="duplicated").count() == 2


# -- active and inactive ---------------------------------------------------------------------------------------


def test_an_inactive_segment_shows_skipped_and_is_not_refreshed(bob_client: Client, readers: Segment) -> None:
    bob_client.post("/segments/deactivate/", {"selected": [readers.pk]})
    assert last_status(readers) == JobStatus.SKIPPED
    before = Segment.objects.get().refreshed_at
    refreshed(readers)
    assert (last_status(readers), readers.refreshed_at) == (JobStatus.SKIPPED, before)
    assert "is inactive" in bob_client.get(f"/segments/{readers.pk}/").content.decode()


def test_activating_refreshes_at_once(bob_client: Client, readers: Segment) -> None:
    bob_client.post("/segments/deactivate/", {"selected": [readers.pk]})
    bob_client.post("/segments/activate/", {"selected": [readers.pk]})
    assert last_status(readers) == JobStatus.QUEUED
    actions = AuditEntry.objects.filter(target_id=readers.pk).order_by("pk").values_list("action", flat=True)
    assert [action.rpartition(".")[2] for action in actions][-2:] == ["deactivated", "activated"]


def test_what_is_so_already_is_not_done_again(bob_client: Client, readers: Segment) -> None:
    bob_client.post("/segments/activate/", {"selected": [readers.pk]})
    assert last_status(readers) == JobStatus.SUCCESSFUL


# -- static and dynamic ----------------------------------------------------------------------------------------


def test_a_static_segment_keeps_its_members(bob_client: Client, readers: Segment, shop: DataSource) -> None:
    bob_client.post("/segments/make-static/", {"selected": [readers.pk]})
    delete_profile("C1")
    refreshed(readers)
    assert readers.member_count == 2
    assert not list(Segments().targets())
    bob_client.post("/segments/make-dynamic/", {"selected": [readers.pk]})
    assert refreshed(readers).member_count == 1


def test_an_inactive_or_static_segment_takes_no_other_rules(bob: User, readers: Segment) -> None:
    actions.make_static(readers, by=bob)
    with pytest.raises(actions.RulesLocked):
        actions.edit_segment(readers, version=readers.version, name="Readers", rules_tree=OTHER, by=bob)
    actions.edit_segment(readers, version=readers.version, name="Old readers", rules_tree=RULES, by=bob)
    readers.refresh_from_db()
    assert (readers.name, readers.rules, readers.tags) == ("Old readers", RULES, ["news"])


@pytest.mark.parametrize("action", ["activate", "deactivate", "make-static", "make-dynamic"])
def test_it_refuses_a_viewer(charlie_client: Client, readers: Segment, action: str) -> None:
    assert charlie_client.post(f"/segments/{action}/", {"selected": [readers.pk]}).status_code == 403
    assert charlie_client.post(f"/segments/{readers.pk}/duplicate/").status_code == 403


def test_it_knows_only_segments_that_are_there(bob_client: Client, readers: Segment) -> None:
    assert bob_client.post("/segments/deactivate/", {"selected": [readers.pk, 999]}).status_code == 404
    assert Segment.objects.get().is_active


# -- refresh all, tags -----------------------------------------------------------------------------------------


def test_all_are_refreshed_at_once(bob_client: Client, readers: Segment) -> None:
    other = Segment.objects.create(name="Everyone")
    bob_client.post("/segments/refresh/?all=1")
    assert [last_status(segment) for segment in (readers, other)] == [JobStatus.QUEUED] * 2


def test_tags_are_kept_found_and_filtered_by(bob_client: Client, readers: Segment) -> None:
    posted = {"name": "Finns", "description": "", "tags": " Nordic,  nordic, two  words,,"}
    bob_client.post("/segments/add/", posted)
    assert Segment.objects.get(name="Finns").tags == ["Nordic", "two words"]
    rows = bob_client.get("/segments/?tag=Nordic").context["rows"]
    assert [row.segment.name for row in rows] == ["Finns"]
    rows = bob_client.get("/segments/?q=NEWS").context["rows"]
    assert [row.segment.name for row in rows] == ["Readers"]


def test_too_many_tags_are_refused_beside_the_field(bob_client: Client, shop: DataSource) -> None:
    answer = bob_client.post("/segments/add/", {"name": "Finns", "tags": ",".join(map(str, range(11)))})
    assert answer.status_code == 422
    assert "At most 10 tags" in answer.content.decode()


# -- members as a file -----------------------------------------------------------------------------------------


def test_the_members_come_as_a_file_and_that_is_recorded(bob_client: Client, bob: User, readers: Segment) -> None:
    answer = cast(StreamingHttpResponse, bob_client.get(f"/segments/{readers.pk}/members/"))
    text = b"".join(cast(Iterator[bytes], answer.streaming_content)).decode("utf-8-sig")
    rows = list(csv.DictReader(text.splitlines()))
    assert [(row["key"], row["email"], row["newsletter"]) for row in rows] == [
        ("C1", "c1@example.com", "yes"),
        ("C3", "c3@example.com", "yes"),
    ]
    assert AuditEntry.objects.get(action__endswith="downloaded").actor_id == bob.pk


def test_users_who_see_masked_data_download_no_members(charlie_client: Client, readers: Segment) -> None:
    assert charlie_client.get(f"/segments/{readers.pk}/members/").status_code == 403
    assert "Download members" not in charlie_client.get(f"/segments/{readers.pk}/").content.decode()


# -- trend -----------------------------------------------------------------------------------------------------


def past_refresh(segment: Segment, days_ago: int, members: int) -> None:
    moment = clock.now() - timedelta(days=days_ago)
    SegmentRefresh.objects.create(
        segment=segment, status=JobStatus.SUCCESSFUL, created_at=moment, finished_at=moment, progress_total=members
    )


def test_the_trend_shows_the_last_refresh_of_each_day(bob_client: Client, readers: Segment) -> None:
    past_refresh(readers, 60, 9)
    past_refresh(readers, 20, 5)
    past_refresh(readers, 20, 7)
    shown = bob_client.get(f"/segments/{readers.pk}/").context["trend"]
    assert [point.members for point in shown.points] == [7, 2]
    shown = bob_client.get(f"/segments/{readers.pk}/?range=90").context["trend"]
    assert [point.members for point in shown.points] == [9, 7, 2]


def test_one_day_is_no_trend(bob_client: Client, readers: Segment) -> None:
    answer = bob_client.get(f"/segments/{readers.pk}/?range=nonsense")
    assert answer.context["trend"] is None
    assert "two different days" in answer.content.decode()
