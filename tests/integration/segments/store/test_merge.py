"""Imported rows are merged into the profiles of a data source, all or nothing."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from segments import catalog
from segments.catalog import Attribute
from segments.models import AttributeType, DataSource
from segments.store import lake, profiles, schema
from segments.store.merge import Merge, StaleComparison
from tests.support.staged_rows import staged_rows

pytestmark = pytest.mark.django_db(transaction=True)

MOMENT = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def source() -> DataSource:
    return DataSource.objects.create(name="Customers", key_column="id")


@pytest.fixture
def city() -> Attribute:
    (city,) = schema.ensure_attributes([Attribute("city", AttributeType.TEXT)])
    return city


def merge(
    source: DataSource,
    attribute: Attribute,
    rows: Mapping[str, str | None],
    *,
    moment: datetime = MOMENT,
    job: str = "import:1",
    check: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    kinds = {"line": "BIGINT", "key": "VARCHAR", attribute.column: "VARCHAR"}
    staged = [{"line": n, "key": key, attribute.column: rows[key]} for n, key in enumerate(rows)]
    kept = catalog.others_than([attribute])
    with staged_rows(kinds, staged):
        return Merge(source.pk, [attribute], kept, job, moment, check, lambda: None, {"file": "a"}).run()


def stored() -> dict[str, object]:
    return {each.key: each.attributes.get("city") for each in profiles.select_profiles(profiles.EVERY_PROFILE)}


def test_new_changed_and_equal_rows_are_counted(source: DataSource, city: Attribute) -> None:
    merge(source, city, {"a": "Turku", "b": "Oulu", "c": None})
    note = merge(source, city, {"a": "Turku", "b": "Espoo", "d": "Lahti"}, job="import:2")
    assert (note["created"], note["updated"], note["unchanged"]) == (1, 1, 1)
    assert stored() == {"a": "Turku", "b": "Espoo", "c": None, "d": "Lahti"}


def test_a_changed_profile_keeps_its_id_and_the_time_it_was_created(source: DataSource, city: Attribute) -> None:
    merge(source, city, {"a": "Turku", "b": "Oulu"})
    before = {each.key: each for each in profiles.select_profiles(profiles.EVERY_PROFILE)}
    merge(source, city, {"a": "Turku", "b": "Espoo"}, moment=LATER)
    after = {each.key: each for each in profiles.select_profiles(profiles.EVERY_PROFILE)}
    assert {key: each.id for key, each in after.items()} == {key: each.id for key, each in before.items()}
    assert (after["b"].created_at, after["b"].updated_at) == (MOMENT, LATER)
    assert after["a"].updated_at == MOMENT


def test_attributes_without_a_column_in_the_file_keep_their_values(source: DataSource, city: Attribute) -> None:
    merge(source, city, {"a": "Turku"})
    (tier,) = schema.ensure_attributes([Attribute("tier", AttributeType.TEXT)])
    merge(source, tier, {"a": "gold"})
    (profile,) = profiles.select_profiles(profiles.EVERY_PROFILE)
    assert profile.attributes == {"city": "Turku", "tier": "gold"}


def test_sources_may_have_the_same_keys(source: DataSource, city: Attribute) -> None:
    other = DataSource.objects.create(name="Shop", key_column="id")
    merge(source, city, {"a": "Turku"})
    merge(other, city, {"a": "Oulu"}, job="import:2")
    found = profiles.select_profiles(profiles.EVERY_PROFILE)
    assert [(each.source_name, each.attributes["city"]) for each in found] == [
        ("Customers", "Turku"),
        ("Shop", "Oulu"),
    ]


def test_ids_are_never_used_again(source: DataSource, city: Attribute) -> None:
    merge(source, city, {"a": "Turku", "b": "Oulu"})
    used = {each.id for each in profiles.select_profiles(profiles.EVERY_PROFILE)}
    with lake.writing("delete") as writer:
        profiles.delete_by_id(writer, used)
    merge(source, city, {"a": "Turku", "b": "Oulu"})
    assert used.isdisjoint(each.id for each in profiles.select_profiles(profiles.EVERY_PROFILE))


def test_the_commit_says_what_its_job_did(source: DataSource, city: Attribute) -> None:
    merge(source, city, {"a": "Turku"}, job="import:seven")
    assert lake.find_commit("import:seven") == {
        "job": "import:seven",
        "file": "a",
        "created": 1,
        "updated": 0,
        "unchanged": 0,
        "removed": 0,
    }
    assert lake.find_commit("import:seventy") is None


def test_a_merge_without_changes_makes_no_commit(source: DataSource, city: Attribute) -> None:
    merge(source, city, {"a": "Turku"})
    note = merge(source, city, {"a": "Turku"}, job="import:nothing")
    assert (note["created"], note["updated"], note["unchanged"]) == (0, 0, 1)
    assert lake.find_commit("import:nothing") is None


def test_a_merge_that_is_given_up_changes_nothing(source: DataSource, city: Attribute) -> None:
    def give_up() -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        merge(source, city, {"a": "Turku"}, job="import:given-up", check=give_up)
    assert stored() == {}
    assert lake.find_commit("import:given-up") is None


def test_profiles_deleted_since_the_comparison_do_not_come_back(source: DataSource, city: Attribute) -> None:
    merge(source, city, {"a": "Turku"})
    (profile,) = profiles.select_profiles(profiles.EVERY_PROFILE)
    calls: list[int] = []

    def delete_once() -> None:
        if not calls:
            calls.append(1)
            raise StaleComparison

    # Deleted between the first comparison and its commit.
    with lake.writing("delete") as writer:
        profiles.delete_by_id(writer, [profile.id])
    note = merge(source, city, {"a": "Oulu"}, job="import:2", check=delete_once)
    assert (note["created"], note["updated"]) == (1, 0)
    assert stored() == {"a": "Oulu"}
