"""Rename an attribute: rules, drafts and data sources follow, and what reads it right now is named."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test import Client

from config.platform.accounts.models import User
from config.platform.audit.models import AuditEntry
from config.platform.jobs import clock
from config.platform.jobs.models import JobStatus
from segments import actions, catalog, drafts, refresh_job
from segments.attribute_changes.frame import ChangeRefused
from segments.attribute_changes.rename import rename_attribute
from segments.models import DataSource, ImportJob, ProfileAttribute, Segment, SegmentDraft, SegmentRefresh
from segments.sources import actions as source_actions
from segments.sources import import_job
from segments.sources.column_plan import ColumnPlan
from tests.support.profiles import all_profiles, create_attributes, create_profile

HTMX = {"HX-Request": "true", "HX-Target": "dialog"}
OF_TURKU: dict[str, Any] = {
    "join": "and",
    "rules": [{"join": "or", "rules": [{"attribute": "city", "operator": "is", "value": "Turku"}]}],
}


def attribute(name: str) -> ProfileAttribute:
    return ProfileAttribute.objects.get(name=name)


def rename(name: str, after: str, by: User) -> str:
    return rename_attribute(attribute(name).pk, after, by=by)


def address(name: str) -> str:
    return f"/data/attributes/{attribute(name).pk}/rename/"


def refreshed(segment: Segment) -> Segment:
    refresh_job.run_refresh(actions.request_refresh(segment, by=None, wake_worker=False).pk)
    segment.refresh_from_db()
    return segment


def imported(path: Path, text: str) -> DataSource:
    path.write_text(text)
    job = source_actions.start_import(path=path, key_column="id", source_name="File", by=None, wake_worker=False)
    done = import_job.run_import(job.pk)
    assert done is not None
    assert done.status == JobStatus.SUCCESSFUL, done.message
    done.source.refresh_from_db()
    return done.source


@pytest.fixture
def of_turku(shop: DataSource) -> Segment:
    segment = actions.create_segment(name="Of Turku", rules_tree=OF_TURKU, by=None, wake_worker=False)
    return refreshed(segment)


def test_a_segment_has_the_new_name_in_its_rules_and_the_same_members(of_turku: Segment, bob: User) -> None:
    members, version, refreshes = of_turku.member_set_id, of_turku.version, SegmentRefresh.objects.count()
    assert rename("city", "Home town", bob) == "Home town"
    of_turku.refresh_from_db()
    assert of_turku.rules["rules"][0]["rules"][0]["attribute"] == "Home town"
    assert (of_turku.version, of_turku.member_set_id) == (version + 1, members)
    assert SegmentRefresh.objects.count() == refreshes
    again = refreshed(of_turku)
    assert (again.member_count, again.member_set_id) == (2, members)


def test_the_other_side_of_a_comparison_is_renamed_in_any_case(shop: DataSource, bob: User) -> None:
    create_attributes({"town": catalog.types_by_name()["city"]})
    rule = {"attribute": "town", "operator": "is", "other_attribute": "CITY"}
    segment = Segment.objects.create(name="Stayed", rules={"join": "and", "rules": [rule]})
    rename("city", "Home town", bob)
    segment.refresh_from_db()
    assert segment.rules["rules"] == [{"attribute": "town", "operator": "is", "other_attribute": "Home town"}]


def test_drafts_follow_and_can_still_be_saved(of_turku: Segment, bob: User) -> None:
    tree = {"join": "and", "rules": [{"attribute": "city", "operator": "is", "value": "Łódź"}]}
    of_segment, new = uuid4(), uuid4()
    drafts.save(bob, of_turku, of_segment, tree, base_version=of_turku.version)
    drafts.save(bob, None, new, tree)
    rename("city", "Home town", bob)
    assert {each.rules["rules"][0]["attribute"] for each in SegmentDraft.objects.all()} == {"Home town"}
    of_turku.refresh_from_db()
    draft = drafts.find(bob, of_turku, of_segment)
    assert draft is not None
    assert draft.base_version == of_turku.version


def test_the_next_import_puts_the_column_into_the_renamed_attribute(tmp_path: Path, bob: User) -> None:
    imported(tmp_path / "a.csv", "id,city\n1,Turku\n")
    rename("city", "Home town", bob)
    source = imported(tmp_path / "a.csv", "id,city\n1,Oulu\n")
    assert [each.attributes for each in all_profiles()] == [{"id": "1", "Home town": "Oulu"}]
    assert not ProfileAttribute.objects.filter(name="city").exists()
    assert source.columns == ["Home town", "id"]


def test_a_source_without_stored_plans_gets_one_for_the_column(tmp_path: Path, bob: User) -> None:
    source = imported(tmp_path / "a.csv", "id,city\n1,Turku\n")
    DataSource.objects.filter(pk=source.pk).update(column_plans=[])
    rename("city", "Home town", bob)
    source.refresh_from_db()
    assert source.column_plans == [ColumnPlan("city", attribute="Home town").to_dict()]
    imported(tmp_path / "a.csv", "id,city\n1,Oulu\n")
    assert [each.attributes for each in all_profiles()] == [{"id": "1", "Home town": "Oulu"}]


def test_a_held_import_follows(shop: DataSource, bob: User) -> None:
    plans = [ColumnPlan("Ort", attribute="city").to_dict()]
    held = ImportJob.objects.create(
        source=shop,
        file_name="a.csv",
        path="/a.csv",
        status=JobStatus.NEEDS_CONFIRMATION,
        finished_at=clock.now(),
        column_plans=plans,
    )
    rename("city", "Home town", bob)
    held.refresh_from_db()
    assert held.column_plans == [ColumnPlan("Ort", attribute="Home town").to_dict()]


def test_the_values_stay(shop: DataSource, bob: User) -> None:
    create_profile(shop, "C9", {"city": "Oulu"})
    rename("city", "Home town", bob)
    assert [each.attributes.get("Home town") for each in all_profiles()] == ["Turku", "Turku", "Łódź", "Oulu"]


def test_only_the_case_can_change(of_turku: Segment, bob: User) -> None:
    rename("city", "City", bob)
    of_turku.refresh_from_db()
    assert of_turku.rules["rules"][0]["rules"][0]["attribute"] == "City"


def test_it_is_audited_with_the_name_before_and_after(of_turku: Segment, bob: User) -> None:
    rename("city", "Home town", bob)
    entry = AuditEntry.objects.get(action="renamed")
    assert (entry.target_kind, entry.target_name, entry.actor_name) == ("profileattribute", "Home town", str(bob))
    assert entry.changes == {"name": ["city", "Home town"]}
    before, after = AuditEntry.objects.get(action="edited", target_kind="segment").changes["rule"]
    assert ("city is" in before, "Home town is" in after) == (True, True)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("POINTS", "There is an attribute “points” already"),
        ("   ", "Enter a name"),
        ("x" * 121, "Enter a name"),
        ("a\0b", "Enter a name"),
    ],
)
def test_some_names_are_refused(of_turku: Segment, bob: User, name: str, message: str) -> None:
    with pytest.raises(ChangeRefused, match=message):
        rename("city", name, bob)
    of_turku.refresh_from_db()
    assert of_turku.rules == OF_TURKU


def test_a_name_that_a_planned_column_has_is_refused(shop: DataSource, bob: User) -> None:
    shop.column_plans = [ColumnPlan("city").to_dict(), ColumnPlan("Ort", attribute="Home town").to_dict()]
    shop.save()
    with pytest.raises(ChangeRefused, match="“Shop” imports the columns “city” and “Ort”"):
        rename("city", "home town", bob)


def test_the_attribute_of_addresses_stays_one_by_its_name(shop: DataSource, bob: User) -> None:
    with pytest.raises(ChangeRefused, match="Erasures and requests"):
        rename("email", "contact", bob)
    assert rename("email", "Work  email", bob) == "Work email"


def test_an_open_refresh_of_a_segment_that_uses_it_is_named(of_turku: Segment, bob: User) -> None:
    actions.request_refresh(of_turku, by=None, wake_worker=False)
    rename("points", "Score", bob)
    with pytest.raises(ChangeRefused, match="In progress: “Of Turku”"):
        rename("city", "Home town", bob)


def test_an_open_import_is_named(shop: DataSource, bob: User) -> None:
    ImportJob.objects.create(source=shop, file_name="new.csv", path="/new.csv")
    with pytest.raises(ChangeRefused, match=r"In progress: “new\.csv”"):
        rename("city", "Home town", bob)


def test_viewers_rename_nothing(shop: DataSource, charlie: User, charlie_client: Client) -> None:
    with pytest.raises(PermissionDenied):
        rename("city", "Home town", charlie)
    assert charlie_client.get(address("city")).status_code == 403


def test_an_attribute_that_is_gone_is_not_renamed(shop: DataSource, bob: User) -> None:
    assert rename_attribute(0, "Home town", by=bob) == ""


def test_the_dialog_names_what_uses_the_attribute_and_renames_it(of_turku: Segment, bob_client: Client) -> None:
    question = bob_client.get(address("city"), headers=HTMX).content.decode()
    assert 'value="city"' in question
    assert "Of Turku" in question
    answer = bob_client.post(address("city"), {"name": "Home town"}, headers=HTMX)
    assert answer["HX-Redirect"] == "/data/attributes/"
    assert attribute("Home town")


def test_the_dialog_says_what_has_to_end_first(of_turku: Segment, bob_client: Client) -> None:
    actions.request_refresh(of_turku, by=None, wake_worker=False)
    answer = bob_client.post(address("city"), {"name": "Home town"}, headers=HTMX)
    assert answer.status_code == 409
    assert f'href="/segments/{of_turku.pk}/"' in answer.content.decode()
    assert 'value="Home town"' in answer.content.decode()


def test_rules_are_not_saved_while_names_change(shop: DataSource) -> None:
    with connection.cursor() as cursor:
        actions.create_segment(name="Of Turku", rules_tree=OF_TURKU, by=None, wake_worker=False)
        cursor.execute("SELECT mode FROM pg_locks WHERE locktype = 'advisory' AND objid = %s", [7_301_002])
        assert cursor.fetchall() == [("ShareLock",)]
