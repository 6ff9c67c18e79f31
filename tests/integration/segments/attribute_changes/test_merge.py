"""Merge an attribute into another one: values, what names it, and what cannot be merged."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from config.platform.accounts.models import User
from config.platform.audit.models import AuditEntry
from config.platform.jobs.models import JobStatus
from segments import actions as segment_actions
from segments import catalog, drafts, refresh_job
from segments.attribute_changes import merge as merging
from segments.attribute_changes.frame import ChangeRefused
from segments.models import (
    DeletedAttribute,
    IdentityRules,
    ImportJob,
    NormalForm,
    ProfileAttribute,
    Segment,
    SegmentDraft,
    SegmentRefresh,
    Unification,
)
from segments.sources.column_plan import ColumnFormat, ColumnPlan, ColumnType
from segments.unification import run_unification
from tests.support.attribute_changes import attribute, import_file, merge, originals, source_of, text_plan, values
from tests.support.identity import set_rules, unified_differs
from tests.support.profiles import members_of

pytestmark = pytest.mark.django_db(transaction=True)


def rules(*conditions: dict[str, Any]) -> dict[str, Any]:
    return {"join": "and", "rules": list(conditions)}


def is_turku(name: str) -> dict[str, Any]:
    return {"attribute": name, "operator": "is", "value": "Turku"}


@pytest.fixture
def shop(tmp_path: Path, db: None) -> ImportJob:
    return import_file(tmp_path / "shop.csv", "id,town\n1,Turku\n2,Oulu\n", source="Shop")


@pytest.fixture
def crm(tmp_path: Path, shop: ImportJob) -> ImportJob:
    return import_file(tmp_path / "crm.csv", "id,city\n3,Turku\n4,\n", source="CRM")


@pytest.fixture
def of_turku(shop: ImportJob, crm: ImportJob) -> Segment:
    made = segment_actions.create_segment(
        name="Of Turku", rules_tree=rules(is_turku("town")), by=None, wake_worker=False
    )
    refresh_job.run_refresh(segment_actions.request_refresh(made, by=None, wake_worker=False).pk)
    made.refresh_from_db()
    return made


def test_the_other_attribute_gets_the_values_where_it_has_none(crm: ImportJob, bob: User) -> None:
    former = catalog.find(["town"])["town"].number
    done = merge("town", "city", by=bob)
    assert (done.status, done.message) == (JobStatus.SUCCESSFUL, "")
    assert values("city") == ["Turku", "Oulu", "Turku", None]
    assert not ProfileAttribute.objects.filter(name="town").exists()
    assert DeletedAttribute.objects.filter(pk=former).exists()


def test_a_value_of_its_own_stays(tmp_path: Path, crm: ImportJob, bob: User) -> None:
    import_file(tmp_path / "more.csv", "id,city,other\n3,Turku,Oulu\n4,,Tampere\n", source="CRM")
    plans = source_of(crm).column_plans
    plans[-1]["is_ignored"] = True
    type(crm.source).objects.filter(pk=crm.source_id).update(column_plans=plans, columns=["id", "city"])
    seen = merging.preview(attribute("other"), attribute("city"), {"": ColumnPlan("other")})
    assert (seen.counts.gained, seen.counts.different, seen.counts.misfits) == (1, 1, 0)
    assert [(each.text, each.value) for each in seen.gained] == [("Tampere", "Tampere")]
    assert [(each.text, each.value) for each in seen.different] == [("Oulu", "Turku")]
    merge("other", "city", by=bob)
    assert values("city") == [None, None, "Turku", "Tampere"]


def test_texts_are_converted_to_the_type_of_the_other_attribute(
    tmp_path: Path, shop: ImportJob, bob: User
) -> None:
    import_file(tmp_path / "a.csv", "id,born\n7,29.02.2024\n8,soon\n", source="Till", plans=text_plan("born"))
    import_file(tmp_path / "b.csv", "id,birthday\n9,2000-01-01\n", source="CRM")
    spelling = ColumnFormat(date_format="%d.%m.%Y")
    refused = merge("born", "birthday", by=bob, spelling=spelling)
    assert (refused.status, "1 value does not fit the type now" in refused.message) == (JobStatus.FAILED, True)
    done = merge("born", "birthday", by=bob, spelling=spelling, accepted=1)
    assert (done.status, done.misfits) == (JobStatus.WARNINGS, 1)
    assert values("birthday")[2:] == ["2024-02-29", None, "2000-01-01"]
    assert originals("birthday")[2:] == [None, "soon", None]
    again = import_file(tmp_path / "a.csv", "id,born\n7,29.02.2024\n8,soon\n", source="Till")
    assert (again.rows_updated, again.rows_unchanged) == (0, 2)
    assert values("birthday")[2:] == ["2024-02-29", None, "2000-01-01"]


def test_rules_and_drafts_name_the_other_attribute(of_turku: Segment, bob: User) -> None:
    drafts.save(bob, None, uuid4(), rules(is_turku("town")))
    merge("town", "city", by=bob)
    of_turku.refresh_from_db()
    assert of_turku.rules == rules(is_turku("city"))
    assert SegmentDraft.objects.get().rules == rules(is_turku("city"))
    refresh_job.run_refresh(SegmentRefresh.objects.get(segment=of_turku, status=JobStatus.QUEUED).pk)
    assert members_of(Segment.objects.get(pk=of_turku.pk)) == ["1", "3"]


def test_a_segment_of_the_other_attribute_is_refreshed_too(shop: ImportJob, crm: ImportJob, bob: User) -> None:
    made = segment_actions.create_segment(
        name="Of Turku", rules_tree=rules(is_turku("city")), by=None, wake_worker=False
    )
    SegmentRefresh.objects.all().delete()
    merge("town", "city", by=bob)
    assert SegmentRefresh.objects.filter(segment=made, status=JobStatus.QUEUED).exists()


def test_the_next_import_writes_into_the_other_attribute(tmp_path: Path, crm: ImportJob, bob: User) -> None:
    merge("town", "city", by=bob)
    again = import_file(tmp_path / "shop.csv", "id,town\n1,Turku\n2,Tampere\n", source="Shop")
    assert (again.rows_updated, again.rows_unchanged) == (1, 1)
    assert values("city") == ["Turku", "Tampere", "Turku", None]
    assert not ProfileAttribute.objects.filter(name="town").exists()


def test_a_source_with_a_column_for_each_refuses_the_merge(tmp_path: Path, shop: ImportJob, bob: User) -> None:
    import_file(tmp_path / "b.csv", "id,town,city\n1,Turku,Oulu\n", source="Till")
    with pytest.raises(ChangeRefused, match="“Till” imports the columns “town” and “city”"):
        merge("town", "city", by=bob)


def test_rules_that_compare_both_refuse_the_merge(crm: ImportJob, bob: User) -> None:
    compared = {"attribute": "town", "operator": "is", "other_attribute": "city"}
    segment_actions.create_segment(name="Stayed", rules_tree=rules(compared), by=None, wake_worker=False)
    SegmentRefresh.objects.all().delete()
    with pytest.raises(ChangeRefused, match="“Stayed” compare “town” with “city”"):
        merge("town", "city", by=bob)


def test_an_attribute_is_not_merged_into_itself(shop: ImportJob, bob: User) -> None:
    with pytest.raises(ChangeRefused, match="Choose another attribute"):
        merge("town", "town", by=bob)


def test_an_attribute_of_addresses_is_merged_only_into_another_one(
    tmp_path: Path, shop: ImportJob, bob: User
) -> None:
    import_file(tmp_path / "b.csv", "id,email\n9,a@example.com\n", source="CRM")
    with pytest.raises(ChangeRefused, match="Erasures and requests"):
        merge("email", "town", by=bob)


def test_addresses_keep_their_normal_form(tmp_path: Path, shop: ImportJob, bob: User) -> None:
    import_file(tmp_path / "a.csv", "id,Work email\n8,A@Example.com\n", source="Till")
    import_file(tmp_path / "b.csv", "id,email\n9,b@example.com\n", source="CRM")
    merge("Work email", "email", by=bob)
    set_rules({"email": NormalForm.EMAIL})
    import_file(tmp_path / "b.csv", "id,email\n9,a@EXAMPLE.com\n", source="CRM")
    assert values("email") == [None, None, "a@EXAMPLE.com"]


def test_unified_profiles_and_the_identity_rules_follow(tmp_path: Path, bob: User) -> None:
    import_file(tmp_path / "a.csv", "id,phone\n1,+358 40 1234567\n", source="Shop", plans=text_plan("phone"))
    import_file(tmp_path / "b.csv", "id,mobile\n2,+358401234567\n", source="CRM", plans=text_plan("mobile"))
    set_rules({"phone": NormalForm.PHONE}, exceptions=["phone"])
    assert len(values("phone")) == 2
    merge("phone", "mobile", by=bob)
    stored = IdentityRules.objects.get()
    assert [each["attribute"] for each in stored.identifiers] == [attribute("mobile").pk]
    assert stored.exceptions == []
    run_unification(Unification.objects.get().pk)
    assert len(values("mobile")) == 1
    assert unified_differs() == {}


def test_two_identifying_attributes_are_not_merged(crm: ImportJob, bob: User) -> None:
    set_rules({"town": NormalForm.TEXT, "city": NormalForm.TEXT})
    with pytest.raises(ChangeRefused, match="The identity rules use “town” and “city”"):
        merge("town", "city", by=bob)


def test_an_attribute_without_values_can_be_merged(tmp_path: Path, shop: ImportJob, bob: User) -> None:
    import_file(tmp_path / "b.csv", "id,city,size\n3,,\n", source="CRM", plans=text_plan("city", "size"))
    import_file(tmp_path / "a.csv", "id,city\n3,\n", source="Other", plans=text_plan("city"))
    seen = merging.preview(attribute("size"), attribute("town"), {"": ColumnPlan("size")})
    assert seen.counts == merging.MergeCounts()
    assert merge("size", "town", by=bob).status == JobStatus.SUCCESSFUL
    assert values("town") == ["Turku", "Oulu", None, None]


def test_it_is_audited(crm: ImportJob, bob: User) -> None:
    merge("town", "city", by=bob)
    entry = AuditEntry.objects.get(action="merged")
    assert (entry.target_name, entry.actor_name) == ("city", str(bob))
    assert entry.changes == {"attribute": ["town", "city"]}


def test_numbers_are_merged_into_texts_as_they_were_written(tmp_path: Path, shop: ImportJob, bob: User) -> None:
    plan = ColumnPlan("size", type=ColumnType.NUMBER, format=ColumnFormat(decimals=2))
    import_file(tmp_path / "a.csv", "id,size\n8,1.50\n", source="Till", plans=[plan])
    merge("size", "town", by=bob)
    assert values("town") == ["Turku", "Oulu", "1.50"]
