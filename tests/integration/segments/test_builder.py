"""The builder of segments."""

import json
from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from segments import actions
from segments.models import AttributeType, DataSource, Segment, SegmentRefresh
from segments.store.matching import count_rules
from tests.support.profiles import create_attributes, create_profiles

ADD = "/segments/add/"
HTMX = {"HX-Request": "true", "HX-Target": "rules"}


def posted(**changes: Any) -> dict[str, Any]:
    """Return the form for “newsletter is yes and (city is any of Turku, Łódź or points between 5 and 300)”."""
    return {
        "name": "Readers",
        "description": "Who agreed",
        "join-root": "and",
        "join-1": "or",
        "row": ["0", "1", "1.0", "1.1"],
        "group": ["1"],
        "attribute-0": "newsletter",
        "operator-0": "is_yes",
        "attribute-1.0": "city",
        "operator-1.0": "any_of",
        "value-1.0": ["Turku", "Łódź"],
        "ignore_case-1.0": "1",
        "attribute-1.1": "points",
        "operator-1.1": "between",
        "value-1.1": ["5", "300"],
        **changes,
    }


TREE: dict[str, Any] = {
    "join": "and",
    "rules": [
        {"attribute": "newsletter", "operator": "is_yes"},
        {
            "join": "or",
            "rules": [
                {"attribute": "city", "operator": "any_of", "value": ["Turku", "Łódź"], "ignore_case": True},
                {"attribute": "points", "operator": "between", "value": ["5", "300"]},
            ],
        },
    ],
}


def test_it_creates_a_segment_and_queues_a_refresh(bob_client: Client, shop: DataSource) -> None:
    response = bob_client.post(ADD, posted())
    segment = Segment.objects.get()
    assert response.headers["Location"] == f"/segments/{segment.pk}/"
    assert (segment.name, segment.description, segment.rules) == ("Readers", "Who agreed", TREE)
    assert SegmentRefresh.objects.get().segment == segment


def test_it_shows_again_what_was_saved(bob_client: Client, shop: DataSource) -> None:
    bob_client.post(ADD, posted())
    segment = Segment.objects.get()
    page = bob_client.get(f"/segments/{segment.pk}/edit/").content.decode()
    assert 'name="attribute-1.1"' in page
    assert "newsletter is yes and (city is any of “Turku”, “Łódź” (any case)" in page
    assert 'name="version" value="1"' in page


def test_a_whole_number_has_a_pair_of_controls(bob_client: Client, shop: DataSource) -> None:
    create_attributes({"visits": AttributeType.INTEGER})
    visits = {"attribute-1.1": "visits", "operator-1.1": "between", "value-1.1": ["5", "300"]}
    page = bob_client.post(ADD, posted(act="show", **visits), headers=HTMX).content.decode()
    assert 'id="value-1-1" name="value-1.1" value="5"' in page
    assert 'id="second-1-1" name="value-1.1" value="300"' in page


def test_without_conditions_everyone_is_in(bob_client: Client, shop: DataSource) -> None:
    bob_client.post(ADD, {"name": "Everyone", "join-root": "and"})
    assert Segment.objects.get().rules == {"join": "and", "rules": []}


def test_it_says_what_is_wrong_beside_each_condition(bob_client: Client, shop: DataSource) -> None:
    response = bob_client.post(ADD, posted(**{"value-1.1": ["9", "many"], "attribute-0": ""}))
    content = response.content.decode()
    assert response.status_code == 422
    assert "“many” is not a number" in content
    assert "Choose an attribute." in content
    assert 'value="many"' in content
    assert not Segment.objects.exists()


def test_names_are_unique_whatever_their_case(bob_client: Client, shop: DataSource) -> None:
    Segment.objects.create(name="READERS")
    response = bob_client.post(ADD, posted())
    assert response.status_code == 422
    assert "Another segment has this name" in response.content.decode()


def conditions(response: Any) -> list[str]:
    assert response.status_code == 200
    return [entry.path for entry in response.context["editor"].root.entries]


@pytest.mark.parametrize(
    ("action", "paths"),
    [
        ("add:root", ["0", "1", "2"]),
        ("group:root", ["0", "1", "2"]),
        ("remove:0", ["0"]),
        ("remove:1", ["0"]),
        ("remove:9", ["0", "1"]),
        ("add:9", ["0", "1"]),
        ("remove:x.y", ["0", "1"]),
        ("nonsense", ["0", "1"]),
    ],
)
def test_its_buttons_change_the_rules(bob_client: Client, shop: DataSource, action: str, paths: list[str]) -> None:
    response = bob_client.post(ADD, posted(act=action, describe="1"), headers=HTMX)
    assert conditions(response) == paths
    assert "<html" not in response.content.decode()
    assert not Segment.objects.exists()


def test_its_buttons_change_a_group(bob_client: Client, shop: DataSource) -> None:
    group = bob_client.post(ADD, posted(act="add:1"), headers=HTMX).context["editor"].root.entries[1]
    assert [row.path for row in group.entries] == ["1.0", "1.1", "1.2"]
    group = bob_client.post(ADD, posted(act="remove:1.0"), headers=HTMX).context["editor"].root.entries[1]
    assert [row.attribute for row in group.entries] == ["points"]


def test_a_rule_is_moved_and_the_page_says_where_to(bob_client: Client, shop: DataSource) -> None:
    response = bob_client.post(ADD, posted(act="move:0>1.1"), headers=HTMX)
    content = response.content.decode()
    (group,) = response.context["editor"].root.entries
    assert [row.attribute for row in group.entries] == ["city", "newsletter", "points"]
    assert 'data-moved-to="0-1" data-moved-words="Moved to position 2 of 3 in a nested group."' in content
    still = bob_client.post(ADD, posted(act="up:0"), headers=HTMX).content.decode()
    assert "data-moved-to" not in still


def test_buttons_that_would_move_nothing_are_not_shown(bob_client: Client, shop: DataSource) -> None:
    content = bob_client.post(ADD, posted(act="show"), headers=HTMX).content.decode()
    shown = [
        each for each in ("up-0", "down-0", "into-0", "up-1", "down-1", "into-1") if f'id="{each}"' in content
    ]
    assert shown == ["down-0", "into-0", "up-1"]
    assert 'id="up-1-0"' in content
    assert 'id="down-1-1"' in content


def test_its_buttons_work_without_scripts(bob_client: Client, shop: DataSource) -> None:
    response = bob_client.post(ADD, posted(act="add:root"))
    assert conditions(response) == ["0", "1", "2"]
    content = response.content.decode()
    assert "<html" in content
    assert 'value="Readers"' in content


def test_the_comparisons_follow_the_attribute(bob_client: Client, shop: DataSource) -> None:
    data = {"row": "0", "attribute-0": "born", "operator-0": "is", "act": "show"}
    row = bob_client.post(ADD, data, headers=HTMX).context["editor"].root.entries[0]
    assert row.operator.key == "before"
    assert not row.ignore_case
    data = {"row": "0", "attribute-0": "city", "act": "show"}
    row = bob_client.post(ADD, data, headers=HTMX).context["editor"].root.entries[0]
    assert row.ignore_case
    assert sorted(each.value for each in row.suggestions) == ["Turku", "Łódź"]


def test_it_describes_the_rules_while_the_user_types(bob_client: Client, shop: DataSource) -> None:
    response = bob_client.post(
        ADD, posted(describe="1"), headers={"HX-Request": "true", "HX-Target": "rules-sentence"}
    )
    content = response.content.decode()
    assert "points is between 5 and 300" in content
    assert content.lstrip().startswith("<div")


def test_it_counts_without_saving(bob_client: Client, shop: DataSource) -> None:
    data = posted(act="count", describe="1")
    assert "<strong>2</strong>" in bob_client.post(ADD, data, headers=HTMX).content.decode()
    broken = bob_client.post(ADD, posted(act="count", **{"value-1.1": ["1"]}), headers=HTMX)
    assert "Enter a number." in broken.content.decode()
    assert "<strong>2</strong>" in bob_client.post(ADD, data).content.decode()
    assert not Segment.objects.exists()


def test_a_stale_save_is_refused_and_can_overwrite(bob_client: Client, shop: DataSource) -> None:
    bob_client.post(ADD, posted())
    segment = Segment.objects.get()
    actions.edit_segment(segment, version=1, name="Letters", rules_tree=TREE, by=None, wake_worker=False)
    url = f"/segments/{segment.pk}/edit/"
    refused = bob_client.post(url, posted(version="1", name="My readers"))
    content = refused.content.decode()
    assert refused.status_code == 409
    assert "Letters" in content
    assert 'value="My readers"' in content
    bob_client.post(url, posted(version="1", overwrite_version="2", name="My readers"))
    segment.refresh_from_db()
    assert (segment.name, segment.version) == ("My readers", 3)


def test_groups_inside_groups_are_shown_and_saved(bob_client: Client, shop: DataSource) -> None:
    inner = {"join": "except", "rules": [TREE["rules"][0]]}
    deep = {"join": "union", "rules": [{"join": "or", "rules": [inner]}]}
    segment = actions.create_segment(name="Deep", rules_tree=deep, by=None, wake_worker=False)
    url = f"/segments/{segment.pk}/edit/"
    assert 'name="attribute-0.0.0"' in bob_client.get(url).content.decode()
    rows = {"row": ["0", "0.0", "0.0.0"], "group": ["0", "0.0"], "join-root": "union", "join-0": "or"}
    condition = {"join-0.0": "except", "attribute-0.0.0": "newsletter", "operator-0.0.0": "is_yes"}
    bob_client.post(url, {"name": "Deeper", "version": "1", **rows, **condition})
    segment.refresh_from_db()
    assert (segment.name, segment.rules) == ("Deeper", deep)


def test_it_counts_each_condition_and_group_while_the_user_types(bob_client: Client, shop: DataSource) -> None:
    response = bob_client.post(
        ADD, posted(describe="1"), headers={"HX-Request": "true", "HX-Target": "rules-sentence"}
    )
    counts = dict(response.context["part_counts"])
    everyone = count_rules({"join": "and", "rules": []}, first=0).total
    assert counts == {
        "0": str(count_rules({"join": "and", "rules": TREE["rules"][:1]}, first=0).total),
        "1": str(count_rules(TREE["rules"][1], first=0).total),
        "1-0": str(count_rules({"join": "and", "rules": TREE["rules"][1]["rules"][:1]}, first=0).total),
        "1-1": str(count_rules({"join": "and", "rules": TREE["rules"][1]["rules"][1:]}, first=0).total),
    }
    assert 0 < response.context["count"] < everyone
    content = response.content.decode()
    assert 'id="count-1-0" hx-swap-oob="true"' in content
    assert "First members" in content


def test_incomplete_conditions_are_left_out_of_the_counts(bob_client: Client, shop: DataSource) -> None:
    response = bob_client.post(
        ADD,
        posted(describe="1", **{"value-1.1": ["1"], "attribute-0": ""}),
        headers={"HX-Request": "true", "HX-Target": "rules-sentence"},
    )
    counts = dict(response.context["part_counts"])
    assert (counts["0"], counts["1-1"]) == ("", "")
    assert counts["1-0"] != ""
    content = response.content.decode()
    assert "Incomplete conditions are ignored." in content
    assert "Choose an attribute." not in content  # the user is still typing


def test_it_refers_to_other_segments(bob_client: Client, shop: DataSource) -> None:
    bob_client.post(ADD, posted())
    readers = Segment.objects.get()
    rows = {"row": "0", "segment-0": str(readers.pk), "operator-0": "not_member", "join-root": "and"}
    bob_client.post(ADD, {"name": "Others", **rows})
    others = Segment.objects.get(name="Others")
    assert others.rules["rules"] == [{"segment": readers.pk, "operator": "not_member"}]
    page = bob_client.get(f"/segments/{others.pk}/edit/").content.decode()
    assert f'<option value="{readers.pk}" selected>Readers</option>' in page
    assert "is not a member of “Readers”" in page
    refused = bob_client.post(
        f"/segments/{readers.pk}/edit/",
        {"name": "Readers", "version": "1", "row": "0", "segment-0": str(others.pk), "operator-0": "member"},
    )
    assert refused.status_code == 422
    assert "Readers → Others → Readers" in refused.content.decode()


def test_a_change_can_be_undone(bob_client: Client, shop: DataSource) -> None:
    before = json.dumps(TREE)
    data = posted(act="restore", rules_before=before, row=[])
    assert conditions(bob_client.post(ADD, data, headers=HTMX)) == ["0", "1"]
    data = posted(act="restore", rules_before="{", row=["0"])
    assert conditions(bob_client.post(ADD, data, headers=HTMX)) == ["0"]


def test_it_suggests_the_values_of_an_attribute_with_many(bob_client: Client, shop: DataSource) -> None:
    create_profiles([{"city": f"Town {number}"} for number in range(250)] + [{"city": "Town 7"}], source="Towns")
    url = "/segments/values/?row=0.1&attribute=city&value-0.1=town%207"
    content = bob_client.get(url).content.decode()
    assert content.index('value="Town 7">2 customers') < content.index('value="Town 70">1 customer')
    assert "Town 8" not in content
    assert "<option" not in bob_client.get("/segments/values/?row=0.1&attribute=no&value-0.1=x").content.decode()


def test_a_value_that_no_customer_has_can_be_added(bob_client: Client, shop: DataSource) -> None:
    data = posted(act="show", **{"value-1.0": ["Turku", " Oulu "]})
    content = bob_client.post(ADD, data, headers=HTMX).content.decode()
    assert content.count('name="value-1.0" value="Oulu" checked') == 1
    assert content.count('name="value-1.0" value="Turku" checked') == 1
    assert 'id="more-1-0" name="value-1.0"' in content
    assert "attribute=city" not in content  # all values are in the list already


def test_values_to_add_are_suggested_for_an_attribute_with_many(bob_client: Client, shop: DataSource) -> None:
    create_profiles([{"city": f"Town {number}"} for number in range(250)], source="Towns")
    data = posted(act="show", **{"value-1.0": ["Turku\nTown 7", "Oulu"]})
    content = bob_client.post(ADD, data, headers=HTMX).content.decode()
    assert "Turku\nTown 7\nOulu</textarea>" in content
    assert 'hx-get="/segments/values/?row=1.0&amp;attribute=city"' in content


def test_it_asks_a_bounded_number_of_queries(
    bob_client: Client, shop: DataSource, django_assert_max_num_queries: Any
) -> None:
    rows = {f"attribute-{n}": "city" for n in range(30)} | {f"value-{n}": "x" for n in range(30)}
    data = {"row": [str(n) for n in range(30)], "act": "show", "draft": str(UUID(int=1)), **rows}
    with django_assert_max_num_queries(20):
        bob_client.post(ADD, data, headers=HTMX)


def test_it_works_before_there_are_attributes(bob_client: Client, db: None) -> None:
    assert "Import customers first" in bob_client.get(ADD).content.decode()
