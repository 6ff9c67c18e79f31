"""The overlap of rules and of segments with other segments."""

from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from segments import actions, refresh_job
from segments.models import DataSource, NormalForm, Segment
from segments.store import overlap
from segments.store.overlap import MAX_SHOWN, overlap_of_rules, overlap_of_segment
from tests.support.identity import set_rules
from tests.support.profiles import create_profiles

YES: dict[str, Any] = {"join": "and", "rules": [{"attribute": "newsletter", "operator": "is_yes"}]}
OF_TURKU: dict[str, Any] = {"join": "and", "rules": [{"attribute": "city", "operator": "is", "value": "Turku"}]}
EVERYONE: dict[str, Any] = {"join": "and", "rules": []}
SUMMARY = {"HX-Request": "true", "HX-Target": "rules-sentence"}


def refreshed(name: str, tree: dict[str, Any]) -> Segment:
    segment = actions.create_segment(name=name, rules_tree=tree, by=None, wake_worker=False)
    refresh_job.run_refresh(actions.request_refresh(segment, by=None, wake_worker=False).pk)
    segment.refresh_from_db()
    return segment


def test_it_counts_the_members_of_other_segments_that_match_the_rules(shop: DataSource) -> None:
    everyone, turku = refreshed("Everyone", EVERYONE), refreshed("Turku", OF_TURKU)
    actions.create_segment(name="Never refreshed", rules_tree=EVERYONE, by=None, wake_worker=False)
    found = overlap_of_rules(YES)
    assert [(each.name, each.shared, each.members, each.percent) for each in found] == [
        ("Everyone", 2, 3, 67),
        ("Turku", 1, 2, 50),
    ]
    assert [each.segment_id for each in overlap_of_rules(YES, everyone.pk)] == [turku.pk]


def test_a_segment_without_a_shared_member_is_not_listed(shop: DataSource) -> None:
    refreshed("Turku", OF_TURKU)
    lodz = {"join": "and", "rules": [{"attribute": "city", "operator": "is", "value": "Łódź"}]}
    assert overlap_of_rules(lodz) == []


def test_only_the_largest_overlaps_are_listed(shop: DataSource) -> None:
    refreshed("Turku", OF_TURKU)
    for number in range(MAX_SHOWN):
        refreshed(f"Everyone {number}", EVERYONE)
    assert [each.name for each in overlap_of_rules(YES)] == [f"Everyone {number}" for number in range(MAX_SHOWN)]


def test_so_many_members_are_read_and_those_of_the_largest_segments_first(
    shop: DataSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    refreshed("Turku", OF_TURKU)
    refreshed("Everyone", EVERYONE)
    monkeypatch.setattr(overlap, "MAX_MEMBERS", 4)
    assert [each.name for each in overlap_of_rules(YES)] == ["Everyone"]
    monkeypatch.setattr(overlap, "MAX_MEMBERS", 5)
    assert [each.name for each in overlap_of_rules(YES)] == ["Everyone", "Turku"]


def test_the_builder_shows_the_overlap_of_the_rules_that_are_not_saved(
    bob_client: Client, shop: DataSource
) -> None:
    refreshed("People of Turku", OF_TURKU)
    posted = {"row": "0", "attribute-0": "newsletter", "operator-0": "is_yes", "join-root": "and"}
    summary = bob_client.post("/segments/add/", posted | {"describe": "typed"}, headers=SUMMARY).content.decode()
    assert '{"describe": "overlap"}' in summary
    answer = bob_client.post("/segments/add/", posted | {"describe": "overlap"}, headers=SUMMARY)
    assert [(each.name, each.shared) for each in answer.context["overlaps"]] == [("People of Turku", 1)]
    assert "People of Turku" in answer.content.decode()
    counted = bob_client.post("/segments/add/", posted | {"act": "count"}).content.decode()
    assert "People of Turku" in counted


def test_the_page_of_a_segment_shows_the_segments_that_share_its_members(
    charlie_client: Client, shop: DataSource
) -> None:
    yes, turku = refreshed("Readers", YES), refreshed("Turku", OF_TURKU)
    page = charlie_client.get(f"/segments/{yes.pk}/").content.decode()
    assert f'hx-get="/segments/{yes.pk}/overlap/"' in page
    part = charlie_client.get(f"/segments/{yes.pk}/overlap/").content.decode()
    assert f'href="/segments/{turku.pk}/"' in part
    assert [each.shared for each in overlap_of_segment(yes)] == [1]


@pytest.mark.parametrize("others", [1, 6])
def test_it_asks_a_bounded_number_of_queries_for_any_number_of_segments(
    shop: DataSource, others: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(others):
        refreshed(f"Everyone {number}", EVERYONE)
    with django_assert_max_num_queries(8):
        overlap_of_rules(YES)


def test_unified_profiles_are_counted_once(db: None) -> None:
    for source in ("CRM", "Shop"):
        create_profiles([{"email": "aino@example.com"}, {"email": f"{source}@example.com"}], source=source)
    everyone = refreshed("Everyone", EVERYONE)
    other = refreshed("Other", EVERYONE)
    set_rules({"email": NormalForm.EMAIL})
    named = {"join": "and", "rules": [{"attribute": "email", "operator": "has_value"}]}
    assert {each.name: each.shared for each in overlap_of_rules(named)} == {"Everyone": 3, "Other": 3}
    assert [(each.segment_id, each.shared) for each in overlap_of_segment(everyone)] == [(other.pk, 3)]
