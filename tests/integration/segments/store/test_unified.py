"""Profiles that the identity rules unify are read as one customer, from every import, removal and erasure on."""

import random
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from config.platform.accounts.models import User
from segments import catalog, maintenance, refresh_job
from segments.models import (
    DataSource,
    Erasure,
    IdentityRules,
    NormalForm,
    RemovedSource,
    Segment,
    SegmentRefresh,
    ValuePreference,
)
from segments.privacy import erase
from segments.privacy.subjects import Scope
from segments.sources import actions
from segments.store import lake, members, profiles
from segments.store.columns import IDENTITY, UNIFIED
from segments.store.merge import Merge
from segments.store.profiles import EVERY_PROFILE, Condition, Profile, select_profiles, visible_profiles
from segments.store.unified import write
from tests.support.database_search import store_places_with
from tests.support.identity import set_rules, unified_differs, unified_ids
from tests.support.profiles import create_profiles, member_ids
from tests.support.staged_rows import staged_rows

pytestmark = pytest.mark.django_db(transaction=True)

MOMENT = datetime(2026, 3, 1, 12, tzinfo=UTC)
BY_EMAIL = {"email": NormalForm.EMAIL}


@pytest.fixture
def crm() -> DataSource:
    return create_profiles(
        [
            {"id": "C1", "email": "Aino@example.com", "name": "Aino", "city": "Turku", "phone": "+358 40 123456"},
            {"id": "C2", "email": "bo@example.com", "name": "Bo", "city": None, "phone": None},
        ],
        source="CRM",
    )


@pytest.fixture
def shop(crm: DataSource) -> DataSource:
    return create_profiles(
        [
            {"id": "S1", "email": "aino@EXAMPLE.com", "name": "A. Virtanen", "city": "Oulu", "phone": None},
            {"id": "S2", "email": "cid@example.com", "name": "Cid", "city": "Lahti", "phone": "0035840123456"},
        ],
        source="Shop",
    )


def customers() -> dict[str, Mapping[str, object]]:
    return {each.key: each.attributes for each in select_profiles(EVERY_PROFILE)}


def names() -> list[object]:
    return [each.attributes.get("name") for each in select_profiles(EVERY_PROFILE)]


def profile(key: str) -> Profile:
    (found,) = profiles.select_source_profiles(Condition("key = ?", [key]))
    return found


def everyone() -> Segment:
    segment = Segment.objects.create(name="Everyone", rules={"join": "and", "rules": []})
    return refreshed(segment)


def refreshed(segment: Segment) -> Segment:
    refresh_job.run_refresh(SegmentRefresh.objects.create(segment=segment).pk)
    segment.refresh_from_db()
    return segment


def merge(source: DataSource, rows: Mapping[str, Mapping[str, str | None]], job: str) -> None:
    """Merge rows by key, with values by attribute."""
    known = catalog.find({name for row in rows.values() for name in row})
    given = list(known.values())
    kinds = {"line": "BIGINT", "key": "VARCHAR"}
    staged = []
    for line, (key, row) in enumerate(rows.items()):
        values: dict[str, object] = {"line": line, "key": key}
        for name, attribute in known.items():
            values[attribute.column] = row.get(name)
            kinds[attribute.column] = "VARCHAR"
            if attribute.has_emails:
                values[attribute.email_column] = (row.get(name) or "").lower() or None
                kinds[attribute.email_column] = "VARCHAR"
        staged.append(values)
    kept = catalog.others_than(given)
    with staged_rows(kinds, staged):
        Merge(source.pk, given, kept, job, MOMENT, lambda: None, lambda: None, {}).run()


# -- reading -----------------------------------------------------------------------------------------------------


def test_without_rules_the_table_of_profiles_is_read_as_ever(shop: DataSource) -> None:
    assert UNIFIED not in visible_profiles()
    assert IDENTITY not in members.members_sql([1])
    assert len(customers()) == 4


def test_profiles_with_one_email_are_one_customer_with_the_first_id(crm: DataSource, shop: DataSource) -> None:
    first = profile("C1").id
    set_rules(BY_EMAIL, order=[crm, shop])
    found = customers()
    assert found.keys() == {"C1", "C2", "S2"}
    assert found["C1"] == {
        "id": "C1",
        "email": "Aino@example.com",
        "name": "Aino",
        "city": "Turku",
        "phone": "+358 40 123456",
    }
    assert {each.id for each in select_profiles(EVERY_PROFILE)} == {first, profile("C2").id, profile("S2").id}
    unified = profiles.get_profile(profile("S1").id)
    assert unified is not None
    assert (unified.id, unified.source_name) == (first, "CRM")


def test_values_are_those_of_the_first_data_source_that_has_one(crm: DataSource, shop: DataSource) -> None:
    set_rules({"email": NormalForm.EMAIL, "phone": NormalForm.PHONE}, order=[shop, crm])
    found = customers()  # by phone, Cid is Aino as well
    assert found.keys() == {"S1", "C2"}
    assert found["S1"] == {
        "id": "S1",
        "email": "aino@EXAMPLE.com",
        "name": "A. Virtanen",
        "city": "Oulu",
        "phone": "0035840123456",
    }


def test_an_attribute_may_prefer_the_most_recent_value(crm: DataSource, shop: DataSource) -> None:
    set_rules(BY_EMAIL, order=[crm, shop], exceptions=["city"])
    assert (customers()["C1"]["name"], customers()["C1"]["city"]) == ("Aino", "Oulu")
    set_rules(BY_EMAIL, order=[crm, shop], preference=ValuePreference.MOST_RECENT, exceptions=["city"])
    assert (customers()["C1"]["name"], customers()["C1"]["city"]) == ("A. Virtanen", "Turku")


def test_rules_without_attributes_separate_the_profiles_again(shop: DataSource) -> None:
    before = customers()
    set_rules(BY_EMAIL)
    set_rules({})
    assert customers() == before
    assert unified_ids() == {}


# -- imports -----------------------------------------------------------------------------------------------------


def test_an_import_joins_and_separates_in_its_own_commit(crm: DataSource, shop: DataSource) -> None:
    set_rules(BY_EMAIL, order=[crm, shop])
    merge(shop, {"S2": {"email": "bo@example.com"}, "S3": {"email": "aino@example.com"}}, "import:1")
    assert customers().keys() == {"C1", "C2"}
    assert unified_differs() == {}
    merge(shop, {"S1": {"email": "other@example.com"}}, "import:2")
    assert customers().keys() == {"C1", "C2", "S1"}
    assert unified_differs() == {}


def test_a_small_import_writes_only_the_customers_that_it_changes(crm: DataSource, shop: DataSource) -> None:
    merge(shop, {"S2": {"email": "bo@example.com"}}, "import:1")
    set_rules(BY_EMAIL, order=[shop, crm])
    with lake.reading() as reader:
        before = dict(reader.rows(f"SELECT id, rowid FROM {UNIFIED}"))
    merge(shop, {"S1": {"name": "Aino Virtanen"}}, "import:2")
    with lake.reading() as reader:
        after = dict(reader.rows(f"SELECT id, rowid FROM {UNIFIED}"))
    assert customers()["S1"]["name"] == "Aino Virtanen"
    assert before.keys() == after.keys()
    assert [pk for pk in before if before[pk] != after[pk]] == [profile("C1").id]


def test_customers_are_not_found_again_when_no_identifying_value_changes(
    crm: DataSource, shop: DataSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_rules({"email": NormalForm.EMAIL, "phone": NormalForm.PHONE}, order=[shop, crm])
    with monkeypatch.context() as patched:
        patched.setattr(write, "count_groups", lambda *_args: 1 / 0)
        merge(shop, {"S1": {"city": "Espoo", "phone": None}, "S2": {"city": "Oulu", "phone": "+35840123456"}}, "1")
        with pytest.raises(ZeroDivisionError):
            merge(shop, {"S2": {"phone": "+358409876543"}}, "2")
    assert customers()["S1"]["city"] == "Espoo"
    assert unified_differs() == {}


def test_any_order_of_changes_leaves_what_the_rules_say(crm: DataSource, shop: DataSource) -> None:
    dice = random.Random(7)
    web = create_profiles([{"id": "W1", "email": "bo@example.com", "name": "Bo W."}], source="Web")
    set_rules({"email": NormalForm.EMAIL, "name": NormalForm.TEXT}, order=[web, shop, crm], exceptions=["city"])
    for step in range(12):
        rows = {
            f"K{dice.randrange(9)}": {
                "email": dice.choice([None, *(f"p{n}@example.com" for n in range(5))]),
                "name": dice.choice([None, "Ann", "ann ", "Bo", "Cid", "Dee"]),
                "city": dice.choice([None, "Turku", "Oulu"]),
            }
            for _ in range(4)
        }
        merge(dice.choice([crm, shop, web]), rows, f"import:{step}")
        assert unified_differs() == {}


# -- removals ----------------------------------------------------------------------------------------------------


def test_a_removed_source_is_unseen_before_its_profiles_are_deleted(
    crm: DataSource, shop: DataSource, monkeypatch: pytest.MonkeyPatch, alice: User
) -> None:
    set_rules(BY_EMAIL, order=[crm, shop])
    segment = everyone()
    monkeypatch.setattr(actions, "delete_of_removed_sources", lambda: 1 / 0)
    actions.remove_data_source(crm, by=alice)
    assert names() == ["A. Virtanen", "Cid"]
    assert customers()["S1"]["city"] == "Oulu"
    assert "phone" not in customers()["S1"]
    assert len(member_ids(segment)) == 2
    profiles.delete_of_removed_sources()
    assert names() == ["A. Virtanen", "Cid"]
    assert unified_ids() == {}
    assert not RemovedSource.objects.exists()
    assert member_ids(segment) == [profile("S1").id, profile("S2").id]


def test_a_segment_loses_only_the_customers_of_the_removed_source_alone(
    crm: DataSource, shop: DataSource, alice: User
) -> None:
    set_rules(BY_EMAIL, order=[crm, shop])
    segment = everyone()
    assert segment.member_count == 3
    (loss,) = actions.losses(crm)
    assert (loss.lost, loss.remaining) == (1, 2)
    actions.remove_data_source(crm, by=alice)
    segment.refresh_from_db()
    assert segment.member_count == len(member_ids(segment)) == 2


# -- erasure -----------------------------------------------------------------------------------------------------


def test_an_erasure_includes_all_profiles_of_the_customer(
    crm: DataSource, shop: DataSource, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_rules({"phone": NormalForm.PHONE}, order=[crm, shop])
    assert customers().keys() == {"C1", "C2", "S1"}
    customer = profiles.get_profile(profile("S2").id)
    assert customer is not None
    monkeypatch.setattr(erase, "finish_erasure", lambda _erasure: 1 / 0)
    erase.erase(customer, scope=Scope.PROFILE, by=alice)
    assert customers().keys() == {"C2", "S1"}
    monkeypatch.undo()
    maintenance.purge_erased()
    assert customers().keys() == {"C2", "S1"}
    assert unified_ids() == {}
    for word in ("Turku", "cid@example", "+358 40 123456"):
        assert store_places_with(word) == []


def test_an_erasure_of_an_address_includes_the_customers_that_have_it(shop: DataSource, alice: User) -> None:
    set_rules({"phone": NormalForm.PHONE})
    customer = profiles.get_profile(profile("S1").id)  # with the address of C1, which is one with S2
    assert customer is not None
    erase.erase(customer, scope=Scope.ADDRESS, by=alice)
    assert customers().keys() == {"C2"}
    assert Erasure.objects.get().counts["profiles"] == 3


# -- members -----------------------------------------------------------------------------------------------------


def test_members_that_were_unified_since_stay_members(crm: DataSource, shop: DataSource) -> None:
    segment = everyone()
    assert segment.member_count == 4
    set_rules(BY_EMAIL)
    assert member_ids(segment) == sorted(profile(key).id for key in ("C1", "C2", "S2"))
    assert refreshed(segment).member_count == 3


def test_members_that_were_separated_since_stay_members_until_the_next_refresh(
    crm: DataSource, shop: DataSource
) -> None:
    set_rules(BY_EMAIL, order=[crm, shop])
    segment = everyone()
    static = Segment.objects.create(name="CRM", rules=_source_rule("C1"))
    assert refreshed(static).member_count == 1
    set_rules({})
    assert len(member_ids(segment)) == 4
    assert len(member_ids(static)) == 2
    assert refreshed(segment).member_count == 4
    assert refreshed(static).member_count == len(member_ids(static)) == 1


def test_former_members_are_forgotten_once_no_set_needs_them(shop: DataSource) -> None:
    set_rules(BY_EMAIL)
    segment = everyone()
    set_rules({})
    maintenance.forget_former_identity(segment.member_set_id)
    assert len(member_ids(segment)) == 4
    assert IdentityRules.objects.get().is_in_use
    refreshed(segment)
    maintenance.forget_former_identity(segment.member_set_id)
    assert not IdentityRules.objects.get().is_in_use
    assert len(member_ids(segment)) == 4
    maintenance.forget_former_identity(segment.member_set_id)
    with lake.reading() as reader:
        assert reader.row(f"SELECT count(*) FROM {UNIFIED}") == (0,)
    assert len(member_ids(segment)) == 4


def test_an_import_before_the_first_unification_leaves_all_customers_to_be_read(
    crm: DataSource, shop: DataSource
) -> None:
    set_rules(BY_EMAIL)
    IdentityRules.objects.update(is_applied=False)
    with lake.writing("test") as writer:
        writer.execute(f"DELETE FROM {UNIFIED}")
    assert len(customers()) == 4
    merge(shop, {"S3": {"email": "dee@example.com"}}, "import:1")
    assert len(customers()) == 5
    IdentityRules.objects.update(is_applied=True)
    assert len(customers()) == 4
    assert unified_differs() == {}


def test_a_refresh_starts_over_when_profiles_were_separated_meanwhile(
    crm: DataSource, shop: DataSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_rules(BY_EMAIL, order=[crm])
    segment = everyone()
    Segment.objects.filter(pk=segment.pk).update(rules=_source_rule("C1"))
    written = members.write_matching

    def separate_first(*args: object, **kwargs: object) -> None:
        monkeypatch.undo()
        set_rules({})
        written(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(members, "write_matching", separate_first)
    assert refreshed(segment).member_count == len(member_ids(segment)) == 1


def _source_rule(key: str) -> dict[str, object]:
    return {"join": "and", "rules": [{"attribute": "id", "operator": "is", "value": key}]}
