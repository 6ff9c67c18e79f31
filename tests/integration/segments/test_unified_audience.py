"""Exports read customers, and none drops out of a plan because profiles were unified or separated."""

import pytest

from config.platform.accounts.models import User
from config.platform.jobs import clock
from segments import audience, refresh_job
from segments.audience import MemberSelection
from segments.models import DataSource, IdentityRules, NormalForm, Segment, SegmentRefresh, Unification
from segments.sources import actions
from segments.store.profiles import Condition, select_source_profiles
from tests.support.identity import set_rules
from tests.support.profiles import create_profiles

pytestmark = pytest.mark.django_db(transaction=True)

BY_NUMBER = {"number": NormalForm.TEXT}


@pytest.fixture
def crm() -> DataSource:
    return create_profiles(
        [
            {"id": "C1", "number": "7", "email": "aino@example.com"},
            {"id": "C2", "number": "8", "email": "bo@example.com"},
        ],
        source="CRM",
    )


@pytest.fixture
def shop(crm: DataSource) -> DataSource:
    return create_profiles(
        [
            {"id": "S1", "number": "7", "email": "aino@work.example"},
            {"id": "S3", "number": "9", "email": "cid@example.com"},
        ],
        source="Shop",
    )


def segment_of(*rules: dict[str, object], name: str = "Segment") -> Segment:
    return refreshed(Segment.objects.create(name=name, rules={"join": "and", "rules": list(rules)}))


def refreshed(segment: Segment) -> Segment:
    refresh_job.run_refresh(SegmentRefresh.objects.create(segment=segment).pk)
    segment.refresh_from_db()
    return segment


def sent(segment: Segment) -> list[str]:
    """Return the addresses that an export would send, in order."""
    with audience.reading_members([segment.pk], MemberSelection("email")) as members:
        found = members.reader.rows(
            f"SELECT email FROM ({members.sql}) WHERE valid AND NOT excluded ORDER BY email"
        )
    return [email for (email,) in found]


def profile_id(key: str) -> int:
    (found,) = select_source_profiles(Condition("key = ?", [key]))
    return found.id


def test_a_customer_is_sent_once_with_the_values_of_the_first_source(crm: DataSource, shop: DataSource) -> None:
    everyone = segment_of()
    assert len(sent(everyone)) == 4
    set_rules(BY_NUMBER, order=[shop, crm])
    assert sent(everyone) == ["aino@work.example", "bo@example.com", "cid@example.com"]
    assert sent(refreshed(everyone)) == ["aino@work.example", "bo@example.com", "cid@example.com"]


def test_no_customer_drops_out_when_the_rules_are_undone(crm: DataSource, shop: DataSource) -> None:
    set_rules(BY_NUMBER, order=[shop, crm])
    segment = segment_of({"attribute": "email", "operator": "contains", "value": "work"})
    assert sent(segment) == ["aino@work.example"]
    set_rules({})
    assert sent(segment) == ["aino@example.com", "aino@work.example"]
    assert sent(refreshed(segment)) == ["aino@work.example"]


def test_no_customer_drops_out_with_a_data_source_that_is_not_the_only_one(
    crm: DataSource, shop: DataSource, alice: User
) -> None:
    set_rules(BY_NUMBER, order=[crm, shop])
    everyone = segment_of()
    assert sent(everyone) == ["aino@example.com", "bo@example.com", "cid@example.com"]
    actions.remove_data_source(crm, by=alice)
    assert sent(everyone) == ["aino@work.example", "cid@example.com"]
    assert sent(refreshed(everyone)) == ["aino@work.example", "cid@example.com"]


def test_the_addresses_of_all_profiles_of_an_excluded_customer_are_excluded(
    crm: DataSource, shop: DataSource
) -> None:
    create_profiles([{"id": "W1", "email": "aino@work.example"}], source="Web")
    set_rules(BY_NUMBER, order=[crm, shop])
    everyone = segment_of()
    excluded = segment_of({"attribute": "id", "operator": "is", "value": "C1"}, name="Excluded")
    Segment.objects.filter(pk=excluded.pk).update(is_exclusion=True)
    assert sent(everyone) == ["bo@example.com", "cid@example.com"]
    assert audience.members_with_email([everyone.pk], "email", ["aino@work.example", "bo@example.com"]) == {
        "bo@example.com"
    }


def test_results_find_the_customer_by_the_ids_that_its_profiles_had(crm: DataSource, shop: DataSource) -> None:
    ids = [profile_id(key) for key in ("C1", "S1", "C2")]
    set_rules(BY_NUMBER, order=[shop, crm])
    assert audience.existing_profiles([*ids, 0]) == set(ids)
    found = audience.find_profile(profile_id("S1"))
    assert found is not None
    assert found.id == profile_id("C1")
    with audience.reading_profiles([ids], MemberSelection("email")) as profiles:
        emails = dict(profiles.reader.rows(f"SELECT profile_id, email FROM ({profiles.sql})"))
    assert emails == dict(zip(ids, ["aino@work.example", "aino@work.example", "bo@example.com"], strict=True))


def test_runs_wait_for_a_unification_that_was_requested_before(crm: DataSource) -> None:
    everyone = segment_of()
    IdentityRules.objects.create()
    job = Unification.objects.create()
    assert audience.open_refreshes([everyone.pk], asked_until=clock.now()) == ["Identity"]
    assert audience.open_refreshes([everyone.pk], asked_until=job.created_at.replace(year=2000)) == []
