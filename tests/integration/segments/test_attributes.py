"""Attributes: where they come from, what uses them, how many customers have a value; those in use stay."""

from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from django.core.exceptions import PermissionDenied
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from config.platform.accounts.models import User
from config.platform.audit.models import AuditEntry
from config.platform.jobs import clock
from config.platform.jobs.models import JobStatus
from connections.destinations.values import FieldMapping
from connections.models import Limits
from exports.models import Run
from exports.models.snapshot import RunSnapshot
from segments import attribute_usage, catalog, maintenance, profiles
from segments.attribute_usage import AttributeInUse, SourceColumn
from segments.models import DataSource, DeletedAttribute, ImportMode, ProfileAttribute, Segment
from segments.sources import actions, held_imports, import_job
from segments.sources.column_plan import ColumnPlan, ColumnType
from segments.store import lake, schema
from tests.support.exports import export_to, sandbox_connection, segment_of_everyone
from tests.support.profiles import all_profiles, create_profile

HTMX = {"HX-Request": "true", "HX-Target": "dialog"}
PAGE = "/data/attributes/"


def attribute(name: str) -> ProfileAttribute:
    return ProfileAttribute.objects.get(name=name)


def delete_address(name: str) -> str:
    return f"/data/attributes/{attribute(name).pk}/delete/"


def imported(path: Path, text: str, source: str = "Shop") -> DataSource:
    path.write_text(text)
    job = import_job.run_import(
        actions.start_import(path=path, key_column="id", source_name=source, by=None, wake_worker=False).pk
    )
    assert job is not None
    job.source.refresh_from_db()
    return job.source


def test_the_page_shows_type_fill_and_samples(alice_client: Client, shop: DataSource) -> None:
    create_profile(shop, "C4", {"city": "Turku"})
    html = alice_client.get(PAGE).content.decode()
    row = html[html.index(">points<") :]
    assert "Number" in row[:600]
    assert "75 %" in row
    assert "3,000" in row
    assert "Turku" in html
    assert "Łódź" in html


def test_masked_users_see_no_samples_that_may_name_a_person(charlie_client: Client, shop: DataSource) -> None:
    html = charlie_client.get(PAGE).content.decode()
    assert "Zofia" not in html
    assert "c1@example.com" not in html
    assert "1990-01-02" in html


def test_the_columns_of_sources_are_named(tmp_path: Path, db: None) -> None:
    imported(tmp_path / "a.csv", "id,City,points\n1,Turku,5\n")
    columns = attribute_usage.source_columns()
    assert columns["city"] == [SourceColumn("Shop", "City")]
    assert columns["points"] == [SourceColumn("Shop", "points")]


def test_segments_exports_and_limits_use_attributes(shop: DataSource, alice: User) -> None:
    Segment.objects.create(
        name="In Turku",
        rules={"join": "and", "rules": [{"attribute": "City", "operator": "is", "value": "Turku"}]},
    )
    connection = sandbox_connection()
    connection.limits = Limits(withheld=("born",)).keep()
    connection.save()
    export_to(None, connection, segment_of_everyone(), list_id="x")
    used = {name: [usage.name for usage in usages] for name, usages in attribute_usage.usages().items()}
    assert used["city"] == ["In Turku"]
    assert used["born"] == [connection.name]
    assert "newsletter" not in used
    assert len(used["email"]) == 1


def test_the_page_takes_the_same_number_of_queries_for_more_rows(
    alice_client: Client, shop: DataSource, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(5):
        Segment.objects.create(
            name=f"S{number}",
            rules={"join": "and", "rules": [{"attribute": "city", "operator": "is", "value": "x"}]},
        )
    with django_assert_max_num_queries(30):
        alice_client.get(PAGE)


def test_an_attribute_in_use_is_not_deleted(bob_client: Client, shop: DataSource) -> None:
    Segment.objects.create(
        name="In Turku",
        rules={"join": "and", "rules": [{"attribute": "city", "operator": "is", "value": "Turku"}]},
    )
    question = bob_client.get(delete_address("city"), headers=HTMX).content.decode()
    assert "In Turku" in question
    answer = bob_client.post(delete_address("city"), headers=HTMX)
    assert answer.status_code == 409
    assert "is in use" in answer.content.decode()
    assert attribute("city")


def test_an_open_run_uses_what_was_mapped_when_it_started(shop: DataSource, bob: User) -> None:
    export = export_to(None, sandbox_connection(), segment_of_everyone(), list_id="x")
    snapshot = RunSnapshot(email_attribute="email", mapping=(FieldMapping("city", "City"),))
    Run.objects.create(export=export, number=1, status=JobStatus.PROCESSING, snapshot=snapshot)
    with pytest.raises(AttributeInUse):
        attribute_usage.delete_attribute(attribute("city").pk, by=bob)


def test_a_deleted_attribute_has_no_values_and_is_not_imported_again(
    bob_client: Client, tmp_path: Path, db: None
) -> None:
    path = tmp_path / "a.csv"
    source = imported(path, "id,city,points\n1,Turku,5\n")
    deleted = attribute("points").pk
    answer = bob_client.post(delete_address("points"), headers=HTMX)
    assert answer["HX-Redirect"] == PAGE
    assert all_profiles()[0].attributes == {"city": "Turku", "id": "1"}
    source = imported(path, "id,city,points\n1,Turku,6\n")
    assert not ProfileAttribute.objects.filter(name="points").exists()
    assert source.columns == ["city", "id"]
    entry = AuditEntry.objects.get(target_kind="profileattribute")
    assert (entry.action, entry.target_name) == ("removed", "points")
    assert DeletedAttribute.objects.get().pk == deleted


def test_the_columns_are_dropped_when_no_job_can_name_them(bob: User, tmp_path: Path, db: None) -> None:
    imported(tmp_path / "a.csv", "id,city,points\n1,Turku,5\n")
    pk = attribute("points").pk
    attribute_usage.delete_attribute(pk, by=bob)
    maintenance.drop_deleted_columns()
    assert f"a{pk}" in stored_columns()
    with time_machine.travel(clock.now() + timedelta(days=1, minutes=1), tick=True):
        maintenance.drop_deleted_columns()
    assert f"a{pk}" not in stored_columns()
    assert not DeletedAttribute.objects.exists()
    assert all_profiles()[0].attributes == {"city": "Turku", "id": "1"}


def stored_columns() -> set[str]:
    with lake.reading() as reader:
        return schema.column_names(reader)


def test_nothing_is_deleted_during_an_import(bob: User, shop: DataSource, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,city\n1,Turku\n")
    actions.start_import(path=path, key_column="id", source_name="Shop", by=None, wake_worker=False)
    with pytest.raises(actions.ImportInProgress):
        attribute_usage.delete_attribute(attribute("born").pk, by=bob)


def test_a_held_import_does_not_bring_a_deleted_attribute_back(bob: User, tmp_path: Path, db: None) -> None:
    path = tmp_path / "a.csv"
    imported(path, "id,city,points\n" + "".join(f"{key},Turku,5\n" for key in range(30)))
    path.write_text("id,city,points\n1,Turku,6\n")
    job = actions.start_import(
        path=path,
        key_column="id",
        source_name="Shop",
        by=None,
        mode=ImportMode.SNAPSHOT,
        plans=[ColumnPlan("points", attribute="points", type=ColumnType.INTEGER)],
        wake_worker=False,
    )
    held = import_job.run_import(job.pk)
    assert held is not None
    attribute_usage.delete_attribute(attribute("points").pk, by=bob)
    assert held_imports.confirm_removals(held, count=29, by=bob, wake_worker=False)
    ended = import_job.run_import(job.pk)
    assert ended is not None
    assert (ended.status, ended.profiles_removed) == (JobStatus.SUCCESSFUL, 29)
    assert not ProfileAttribute.objects.filter(name="points").exists()


def test_viewers_delete_nothing(charlie: User, shop: DataSource) -> None:
    with pytest.raises(PermissionDenied):
        attribute_usage.delete_attribute(attribute("born").pk, by=charlie)


def test_a_second_delete_changes_nothing(bob: User, shop: DataSource) -> None:
    pk = attribute("born").pk
    assert attribute_usage.delete_attribute(pk, by=bob) == "born"
    assert attribute_usage.delete_attribute(pk, by=bob) == ""


def found(words: str) -> list[str]:
    page = profiles.find_profiles(words, catalog.attributes(), profiles.PageStart(), 50, key_only=False)
    return [profile.key for profile in page.profiles]


def test_the_search_skips_attributes_that_are_excluded(bob_client: Client, shop: DataSource) -> None:
    assert found("turku") == ["C1", "C2"]
    chosen = {"selected": [attribute("city").pk, attribute("points").pk]}
    answer = bob_client.post(f"{PAGE}exclude-from-search/", chosen, headers=HTMX)
    assert answer["HX-Redirect"] == PAGE
    assert found("turku") == []
    assert found("aino") == ["C1"]
    assert attribute("points").is_searchable  # a number is never read
    bob_client.post(f"{PAGE}make-searchable/", chosen, headers=HTMX)
    assert found("turku") == ["C1", "C2"]
    assert [entry.action for entry in AuditEntry.objects.filter(target_kind="profileattribute")] == ["edited"] * 2


def test_the_plan_of_a_column_says_whether_a_new_attribute_is_searchable(tmp_path: Path, db: None) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,city,note\n1,Turku,Turku\n")
    plans = [ColumnPlan("note", is_searchable=False)]
    job = actions.start_import(
        path=path, key_column="id", source_name="Shop", by=None, wake_worker=False, plans=plans
    )
    import_job.run_import(job.pk)
    assert (attribute("city").is_searchable, attribute("note").is_searchable) == (True, False)
