"""The Schedule pane of segments."""

import pytest
from django.test import Client

from config.platform.accounts.models import User
from segments import actions
from segments import refresh as refresh_schedule
from segments.models import Segment, SegmentSchedule

PANE = "/segments/schedule/"
TYPED = {"is_on": "on", "recurrence": "weekly", "weekdays": ["monday"], "time_1": "05:00", "zone": "Asia/Jakarta"}


@pytest.fixture
def readers(db: None) -> Segment:
    return Segment.objects.create(name="Readers", rules={})


def test_it_saves_a_schedule_and_shows_it_in_the_list(bob_client: Client, readers: Segment) -> None:
    assert "System refresh (off)" in bob_client.get("/segments/").content.decode()
    assert "Schedule “Readers”" in bob_client.get(PANE, {"selected": readers.pk}).content.decode()
    response = bob_client.post(PANE, TYPED | {"selected": readers.pk, "version": "0"}, follow=True)
    assert "Weekly on Monday at 05:00 (Asia/Jakarta)" in response.content.decode()
    assert SegmentSchedule.objects.get().segment == readers


def test_from_the_page_of_a_segment_it_leads_back_there(bob_client: Client, readers: Segment) -> None:
    page = f"/segments/{readers.pk}/"
    assert f"{PANE}?selected={readers.pk}&amp;from=page" in bob_client.get(page).content.decode()
    query = f"?selected={readers.pk}&from=page"
    response = bob_client.post(PANE + query, TYPED | {"selected": readers.pk, "version": "0"}, follow=True)
    assert response.redirect_chain == [(page, 302)]
    assert "Weekly on Monday at 05:00 (Asia/Jakarta)" in response.content.decode()


def test_several_are_switched_off_together(bob_client: Client, readers: Segment) -> None:
    other = Segment.objects.create(name="Others", rules={})
    posted = {"selected": [readers.pk, other.pk], "versions": [f"{readers.pk}:0", f"{other.pk}:0"], "keep": "keep"}
    assert bob_client.post(PANE, posted).status_code == 302
    assert bob_client.get("/segments/").content.decode().count("Off (System refresh)") == 2


def test_it_refuses_a_viewer_and_what_is_not_there(
    bob_client: Client, charlie_client: Client, readers: Segment
) -> None:
    assert charlie_client.get(PANE, {"selected": readers.pk}).status_code == 403
    assert charlie_client.post(PANE, TYPED | {"selected": readers.pk, "version": "0"}).status_code == 403
    assert bob_client.get(PANE, {"selected": [readers.pk, 999]}).status_code == 404
    assert bob_client.get(PANE).status_code == 404


def test_a_duplicate_starts_switched_off_with_the_same_schedule(readers: Segment, bob: User) -> None:
    rule = {"recurrence": "daily", "zone": "UTC", "times": ["02:00"]}
    refresh_schedule.set_schedule(readers, is_on=True, rule=rule, version=0, by=bob)
    schedule = SegmentSchedule.objects.get(segment=actions.duplicate_segment(readers, by=bob))
    assert (schedule.is_on, schedule.rule, schedule.due_at) == (False, rule, None)
