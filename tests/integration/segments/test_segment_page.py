"""The page of a segment."""

import pytest
from django.test import Client

from config.platform.accounts.models import User
from segments import actions, hooks, refresh_job
from segments.models import DataSource, Segment
from tests.support.profiles import change_profile, create_profiles, delete_profile, member_ids


@pytest.fixture
def readers(shop: DataSource) -> Segment:
    tree = {"join": "and", "rules": [{"attribute": "newsletter", "operator": "is_yes"}]}
    return actions.create_segment(name="Readers", rules_tree=tree, by=None, wake_worker=False)


def refreshed(segment: Segment) -> Segment:
    refresh_job.run_refresh(actions.request_refresh(segment, by=None, wake_worker=False).pk)
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


@pytest.fixture
def changed(bob: User) -> Segment:
    create_profiles(
        [{"id": f"P{number}", "city": "Turku", "points": number, "newsletter": number < 3} for number in range(6)]
    )
    tree = {"join": "and", "rules": [{"attribute": "newsletter", "operator": "is_yes"}]}
    segment = refreshed(actions.create_segment(name="Readers", rules_tree=tree, by=bob, wake_worker=False))
    change_profile("P0", newsletter=False)
    change_profile("P5", newsletter=True, city=None)
    return refreshed(segment)


def test_it_lists_the_profiles_that_joined_and_left(bob_client: Client, changed: Segment) -> None:
    def keys(which: str) -> list[str]:
        response = bob_client.get(f"/segments/{changed.pk}/?members={which}")
        return [row.key for row in response.context["members"]]

    assert (keys("joined"), keys("left"), keys("")) == (["P5"], ["P0"], ["P1", "P2", "P5"])
    assert "Left at the last change" in bob_client.get(f"/segments/{changed.pk}/?members=left").content.decode()


def test_a_profile_that_left_and_was_deleted_is_not_listed(bob_client: Client, changed: Segment) -> None:
    delete_profile("P0")
    response = bob_client.get(f"/segments/{changed.pk}/?members=left")
    assert response.context["members"] == []
    assert "Customers that were deleted since are not listed." in response.content.decode()


def test_before_the_members_changed_there_is_nothing_that_joined_or_left(
    bob_client: Client, readers: Segment
) -> None:
    page = bob_client.get(f"/segments/{refreshed(readers).pk}/?members=joined").content.decode()
    assert "Joined" not in page
    assert "Zofia" in page


def test_it_breaks_the_members_down_by_an_attribute(bob_client: Client, changed: Segment) -> None:
    def bars(by: str) -> list[tuple[str, int]]:
        chart = bob_client.get(f"/segments/{changed.pk}/?by={by}").context["breakdown"]
        return [(bar.label, bar.members) for bar in chart.bars]

    assert bars("city") == [("Turku", 2), ("No value", 1)]
    assert bars("newsletter") == [("Yes", 3)]
    assert bars("") == bars("newsletter")  # the attribute of the rules
    assert bars("points") == [("1 – 1.5", 1), ("2 – 2.5", 1), ("4.5 – 5", 1)]


def test_a_viewer_gets_no_breakdown_by_texts(charlie_client: Client, changed: Segment) -> None:
    chart = charlie_client.get(f"/segments/{changed.pk}/?by=city").context["breakdown"]
    assert "city" not in chart.names
    assert chart.chosen == "newsletter"
