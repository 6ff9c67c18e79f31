"""The page of a segment."""

import pytest
from django.test import Client

from segments import actions, hooks, refresh
from segments.models import DataSource, Segment
from tests.support.profiles import member_ids


@pytest.fixture
def readers(shop: DataSource) -> Segment:
    tree = {"join": "and", "rules": [{"attribute": "newsletter", "operator": "is_yes"}]}
    return actions.create_segment(name="Readers", rules_tree=tree, by=None, wake_worker=False)


def refreshed(segment: Segment) -> Segment:
    refresh.run_refresh(actions.request_refresh(segment, by=None, wake_worker=False).pk)
    segment.refresh_from_db()
    return segment


def test_it_shows_rule_members_and_uses(
    bob_client: Client, readers: Segment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hooks.segment_users, "usages", lambda _: [hooks.Usage("Export", "News", "/x/")])
    content = bob_client.get(f"/segments/{refreshed(readers).pk}/").content.decode()
    for text in ("newsletter is yes", "c1@example.com", "Zofia", "News", "Successful"):
        assert text in content
    assert "Väinö" not in content


def test_it_masks_members_for_a_viewer(charlie_client: Client, readers: Segment) -> None:
    content = charlie_client.get(f"/segments/{refreshed(readers).pk}/").content.decode()
    assert "c•••@e•••.com" in content
    assert "Zofia" not in content
    assert "Edit" not in content


def test_it_follows_a_refresh_and_stops(bob_client: Client, readers: Segment) -> None:
    content = bob_client.get(f"/segments/{readers.pk}/").content.decode()
    assert "every 1s" in content
    assert f'hx-get="/segments/{readers.pk}/live/"' in content
    refreshed(readers)
    content = bob_client.get(f"/segments/{readers.pk}/live/").content.decode()
    assert "every 1s" not in content
    assert "Zofia" in content


def test_it_is_removed_after_a_question(bob_client: Client, readers: Segment) -> None:
    refreshed(readers)
    assert "Remove “Readers”?" in bob_client.get(f"/segments/{readers.pk}/remove/").content.decode()
    assert bob_client.post(f"/segments/{readers.pk}/remove/").headers["Location"] == "/segments/"
    assert not Segment.objects.exists()
    assert bob_client.get(f"/segments/{readers.pk}/").status_code == 404


def test_it_stays_while_something_uses_it(
    bob_client: Client, readers: Segment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hooks.segment_users, "usages", lambda _: [hooks.Usage("Export", "News", "/x/")])
    response = bob_client.post(f"/segments/{readers.pk}/remove/")
    assert response.status_code == 409
    assert "cannot be removed" in response.content.decode()
    assert Segment.objects.exists()


def test_a_customer_names_their_segments(bob_client: Client, readers: Segment) -> None:
    member = member_ids(refreshed(readers))[0]
    assert "Readers" in bob_client.get(f"/customers/{member}/").content.decode()
