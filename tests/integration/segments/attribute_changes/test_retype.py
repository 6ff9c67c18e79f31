"""Change the type of an attribute: values are converted from their original texts, and what uses it follows."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client

from config.platform.accounts.models import User
from config.platform.audit.models import AuditEntry
from config.platform.jobs.models import JobStatus
from segments import actions as segment_actions
from segments import attribute_usage, catalog, drafts, refresh_job
from segments.attribute_changes import job as change_job
from segments.attribute_changes import retype as retyping
from segments.attribute_changes.conversion import ConversionCounts
from segments.attribute_changes.frame import ChangeRefused
from segments.models import (
    AttributeType,
    DeletedAttribute,
    Erasure,
    ImportJob,
    NormalForm,
    Segment,
    SegmentRefresh,
    Unification,
    ValuePreference,
)
from segments.privacy import erase
from segments.sources.column_plan import ColumnFormat, ColumnPlan, ColumnType
from segments.store import lake
from segments.store.columns import PROFILES
from segments.unification import run_unification
from tests.support.attribute_changes import (
    attribute,
    import_file,
    originals,
    request_retype,
    retype,
    source_of,
    text_plan,
    values,
)
from tests.support.identity import set_rules, unified_differs
from tests.support.profiles import all_profiles, members_of

pytestmark = pytest.mark.django_db(transaction=True)

TEXTS = "id,age\n1,42\n2,007\n3,\n4,unknown\n5,+5\n"


def segment(name: str, rule: dict[str, Any]) -> Segment:
    made = segment_actions.create_segment(
        name=name, rules_tree={"join": "and", "rules": [rule]}, by=None, wake_worker=False
    )
    refresh_job.run_refresh(segment_actions.request_refresh(made, by=None, wake_worker=False).pk)
    made.refresh_from_db()
    return made


@pytest.fixture
def ages(tmp_path: Path) -> ImportJob:
    return import_file(tmp_path / "a.csv", TEXTS, plans=text_plan("age"))


def test_texts_become_whole_numbers_and_keep_what_these_do_not_give_back(ages: ImportJob, bob: User) -> None:
    done = retype("age", ColumnType.INTEGER, by=bob, accepted=1)
    assert (done.status, done.misfits, done.message) == (JobStatus.WARNINGS, 1, "")
    assert values("age") == [42, 7, None, None, 5]
    assert originals("age") == [None, "007", None, "unknown", "+5"]
    assert catalog.types_by_name()["age"] == AttributeType.INTEGER


def test_the_original_texts_return_with_the_type_text(ages: ImportJob, bob: User) -> None:
    retype("age", ColumnType.INTEGER, by=bob, accepted=1)
    retype("age", ColumnType.TEXT, by=bob)
    assert values("age") == ["42", "007", None, "unknown", "+5"]
    assert originals("age") == [None] * 5


def test_decimals_and_dates_follow_the_chosen_format(tmp_path: Path, bob: User) -> None:
    import_file(
        tmp_path / "a.csv",
        'id,paid,born\n1,"1.234,50",29.02.2024\n2,"0,5",1.3.2024\n',
        plans=text_plan("paid", "born"),
    )
    retype("paid", ColumnType.NUMBER, by=bob, spelling=ColumnFormat(decimal=",", thousands="."))
    retype("born", ColumnType.DATE, by=bob, spelling=ColumnFormat(date_format="%d.%m.%Y"))
    assert values("paid") == [1234.5, 0.5]
    assert originals("paid") == ["1.234,50", None]
    assert values("born") == ["2024-02-29", "2024-03-01"]
    assert originals("born") == [None, "1.3.2024"]


@pytest.mark.parametrize(
    ("text", "kind", "spelling", "value"),
    [
        ("ja", ColumnType.BOOLEAN, ColumnFormat(true_word="ja", false_word="nein"), True),
        ("a;b", ColumnType.LIST, ColumnFormat(separator=";"), ["a", "b"]),
        (
            "2024-02-29 10:00",
            ColumnType.DATETIME,
            ColumnFormat(time_zone="Europe/Helsinki"),
            "2024-02-29T08:00:00+00:00",
        ),
    ],
)
def test_texts_become_other_types(
    tmp_path: Path, bob: User, text: str, kind: ColumnType, spelling: ColumnFormat, value: object
) -> None:
    import_file(tmp_path / "a.csv", f"id,x\n1,{text}\n", plans=text_plan("x"))
    retype("x", kind, by=bob, spelling=spelling)
    assert values("x") == [value]
    retype("x", ColumnType.TEXT, by=bob)
    assert values("x") == [text]


def test_a_wrong_order_of_day_and_month_can_be_corrected(tmp_path: Path, bob: User) -> None:
    plan = ColumnPlan("born", type=ColumnType.DATE, format=ColumnFormat(date_format="%m/%d/%Y"))
    import_file(tmp_path / "a.csv", "id,born\n1,02/03/2024\n", plans=[plan])
    assert values("born") == ["2024-02-03"]
    retype("born", ColumnType.DATE, by=bob, spelling=ColumnFormat(date_format="%d/%m/%Y"))
    assert values("born") == ["2024-03-02"]


def test_each_data_source_has_a_format_of_its_own(tmp_path: Path, bob: User) -> None:
    plan = ColumnPlan("born", type=ColumnType.DATE, format=ColumnFormat(date_format="%d.%m.%Y"))
    german = import_file(tmp_path / "a.csv", "id,born\n1,29.02.2024\n", source="German", plans=[plan])
    import_file(tmp_path / "b.csv", "id,born\n2,2024-02-28\n", source="ISO")
    retype("born", ColumnType.TEXT, by=bob)
    assert values("born") == ["29.02.2024", "2024-02-28"]
    back = request_retype("born", ColumnType.DATE, by=bob, plans={str(german.source_id): plan})
    assert change_job.run_change(back.pk) is not None
    assert values("born") == ["2024-02-29", "2024-02-28"]
    assert originals("born") == [None, None]


def test_more_misfits_than_the_user_has_seen_are_refused(ages: ImportJob, bob: User) -> None:
    done = retype("age", ColumnType.INTEGER, by=bob)
    assert (done.status, done.message) == (
        JobStatus.FAILED,
        "1 value does not fit the type now, more than in the preview. Nothing was changed.",
    )
    assert values("age") == ["42", "007", None, "unknown", "+5"]


def test_a_preview_counts_and_shows_values(ages: ImportJob) -> None:
    plans = {"": ColumnPlan("age", type=ColumnType.INTEGER)}
    seen = retyping.preview(retyping.conversion_to(attribute("age"), plans))
    assert (seen.counts.values, seen.counts.fitting, seen.counts.misfits) == (4, 3, 1)
    assert [(each.text, each.value) for each in seen.samples] == [("42", 42), ("007", 7), ("+5", 5)]
    assert seen.misfits == ["unknown"]


def test_words_for_no_value_are_empty_and_no_misfits(ages: ImportJob, bob: User) -> None:
    plan = ColumnPlan("age", type=ColumnType.INTEGER, null_words=("unknown",))
    seen = retyping.preview(retyping.conversion_to(attribute("age"), {"": plan}))
    assert (seen.counts.fitting, seen.counts.misfits, seen.counts.null_words) == (3, 0, 1)
    queued = request_retype("age", ColumnType.INTEGER, by=bob, plans={"": plan})
    done = change_job.run_change(queued.pk)
    assert done is not None
    assert done.status == JobStatus.SUCCESSFUL


def test_the_next_import_changes_nothing(tmp_path: Path, ages: ImportJob, bob: User) -> None:
    retype("age", ColumnType.INTEGER, by=bob, accepted=1)
    (plan,) = [each for each in source_of(ages).column_plans if each["column"] == "age"]
    assert plan["type"] == "integer"
    again = import_file(tmp_path / "a.csv", TEXTS)
    assert (again.rows_updated, again.rows_unchanged, again.misfits) == (0, 5, {"age": 1})


def test_a_source_without_stored_plans_gets_one(tmp_path: Path, ages: ImportJob, bob: User) -> None:
    source = source_of(ages)
    source.column_plans = []
    source.save()
    retype("age", ColumnType.INTEGER, by=bob, accepted=1)
    (plan,) = source_of(ages).column_plans
    assert plan == {"column": "age", "type": "integer"}


def test_a_segment_is_refreshed_by_values_of_the_new_type(ages: ImportJob, bob: User) -> None:
    known = segment("Known", {"attribute": "age", "operator": "has_value"})
    assert members_of(known) == ["1", "2", "4", "5"]
    retype("age", ColumnType.INTEGER, by=bob, accepted=1)
    queued = SegmentRefresh.objects.get(segment=known, status=JobStatus.QUEUED)
    refresh_job.run_refresh(queued.pk)
    known.refresh_from_db()
    assert members_of(known) == ["1", "2", "5"]


def test_a_rule_whose_operator_the_type_lacks_refuses_the_change(ages: ImportJob, bob: User) -> None:
    segment("Starts with 4", {"attribute": "age", "operator": "starts_with", "value": "4"})
    with pytest.raises(
        ChangeRefused, match="“Starts with 4” cannot use “age” with the type Whole number"
    ) as refused:
        request_retype("age", ColumnType.INTEGER, by=bob, accepted=1)
    assert [usage.name for usage in refused.value.usages] == ["Starts with 4"]


def test_a_rule_that_was_saved_since_the_request_refuses_the_change(ages: ImportJob, bob: User) -> None:
    queued = request_retype("age", ColumnType.INTEGER, by=bob, accepted=1)
    segment("Starts with 4", {"attribute": "age", "operator": "starts_with", "value": "4"})
    done = change_job.run_change(queued.pk)
    assert done is not None
    assert done.status == JobStatus.FAILED
    assert "“Starts with 4” cannot use “age”" in done.message
    assert values("age") == ["42", "007", None, "unknown", "+5"]
    assert source_of(ages).column_plans[1].get("type", "text") == "text"


def test_an_identifying_attribute_stays_a_text(ages: ImportJob, bob: User) -> None:
    set_rules({"age": NormalForm.TEXT})
    with pytest.raises(ChangeRefused, match="“Identity” cannot use “age”"):
        request_retype("age", ColumnType.INTEGER, by=bob, accepted=1)


def test_an_attribute_of_addresses_stays_a_text(tmp_path: Path, bob: User) -> None:
    import_file(tmp_path / "a.csv", "id,email\n1,aino@example.com\n")
    with pytest.raises(ChangeRefused, match="find customers by their addresses"):
        request_retype("email", ColumnType.INTEGER, by=bob, accepted=1)


def test_addresses_that_were_misfits_are_found_again_as_texts(tmp_path: Path, bob: User) -> None:
    plan = ColumnPlan("contact", type=ColumnType.INTEGER)
    import_file(tmp_path / "a.csv", "id,contact\n1,Aino@Example.com\n", plans=[plan])
    retype("contact", ColumnType.TEXT, by=bob)
    assert catalog.find(["contact"])["contact"].has_emails
    again = import_file(tmp_path / "a.csv", "id,contact\n1,Aino@Example.com\n")
    assert again.rows_unchanged == 1


@pytest.mark.parametrize("preference", ValuePreference)
def test_unified_profiles_have_the_new_values(tmp_path: Path, bob: User, preference: ValuePreference) -> None:
    crm = import_file(tmp_path / "a.csv", "id,email,age\n1,a@example.com,old\n2,b@example.com,7\n", source="CRM")
    import_file(tmp_path / "b.csv", "id,email,age\n3,a@example.com,x\n", source="Shop")
    import_file(tmp_path / "b.csv", "id,email,age\n3,a@example.com,42\n", source="Shop")
    set_rules({"email": NormalForm.EMAIL}, order=[source_of(crm)], preference=preference, exceptions=["age"])
    retype("age", ColumnType.INTEGER, by=bob, accepted=1)
    assert values("age") == [42, 7]
    assert unified_differs() == {}


def test_a_retyped_attribute_can_be_deleted(ages: ImportJob, bob: User) -> None:
    retype("age", ColumnType.INTEGER, by=bob, accepted=1)
    number = catalog.find(["age"])["age"].number
    attribute_usage.delete_attribute(attribute("age").pk, by=bob)
    assert DeletedAttribute.objects.filter(pk=number).exists()


def test_an_attribute_is_not_deleted_while_it_is_changed(ages: ImportJob, bob: User) -> None:
    request_retype("age", ColumnType.INTEGER, by=bob, accepted=1)
    with pytest.raises(attribute_usage.AttributeInUse):
        attribute_usage.delete_attribute(attribute("age").pk, by=bob)


def test_an_attribute_without_values_gets_the_type(tmp_path: Path, bob: User) -> None:
    import_file(tmp_path / "a.csv", "id,x\n1,\n", plans=text_plan("x"))
    plans = {"": ColumnPlan("x", type=ColumnType.DATE)}
    assert retyping.preview(retyping.conversion_to(attribute("x"), plans)).counts == ConversionCounts()
    assert retype("x", ColumnType.DATE, by=bob).status == JobStatus.SUCCESSFUL
    assert catalog.types_by_name()["x"] == AttributeType.DATE


def test_a_draft_with_an_operator_that_the_type_lacks_opens_and_says_so(
    ages: ImportJob, bob: User, bob_client: Client
) -> None:
    key = uuid4()
    tree = {"join": "and", "rules": [{"attribute": "age", "operator": "starts_with", "value": "4"}]}
    drafts.save(bob, None, key, tree)
    retype("age", ColumnType.INTEGER, by=bob, accepted=1)
    page = bob_client.get("/segments/add/", {"draft": str(key)})
    assert page.status_code == 200
    saved = bob_client.post(
        "/segments/add/",
        {
            "name": "New",
            "draft": str(key),
            "join-root": "and",
            "row": "0",
            "attribute-0": "age",
            "operator-0": "starts_with",
        },
    )
    assert saved.status_code == 422
    assert not Segment.objects.filter(name="New").exists()


def test_a_person_who_is_being_erased_gets_no_new_value(ages: ImportJob, bob: User) -> None:
    (erased,) = [each.id for each in all_profiles() if each.key == "4"]
    erasure = Erasure.objects.create(short_id="x", erased_by=bob, erased_by_name="Bob", pending_ids=[erased])
    assert retype("age", ColumnType.INTEGER, by=bob).misfits == 0
    number = catalog.find(["age"])["age"].column
    with lake.reading() as reader:
        assert reader.rows(f"SELECT count(*), count({number}) FROM {PROFILES}") == [(5, 3)]
    erase.finish_erasure(erasure)
    assert values("age") == [42, 7, None, 5]


def test_it_is_audited(ages: ImportJob, bob: User) -> None:
    retype("age", ColumnType.INTEGER, by=bob, accepted=1)
    entry = AuditEntry.objects.get(action="retyped")
    assert (entry.target_name, entry.actor_name) == ("age", str(bob))
    assert entry.changes == {"data_type": ["Text", "Whole number"], "misfits": [None, 1]}


def test_viewers_change_no_type(ages: ImportJob, charlie: User) -> None:
    with pytest.raises(PermissionDenied):
        request_retype("age", ColumnType.INTEGER, by=charlie)


def test_customers_are_recognized_again_by_texts_that_were_numbers(tmp_path: Path, bob: User) -> None:
    plan = ColumnPlan("number", type=ColumnType.INTEGER)
    import_file(tmp_path / "a.csv", "id,number\n1,007\n", source="CRM", plans=[plan])
    import_file(tmp_path / "b.csv", "id,number\n2,7\n", source="Shop")
    set_rules({"number": NormalForm.TEXT})
    assert len(all_profiles()) == 1
    assert retype("number", ColumnType.TEXT, by=bob).status == JobStatus.SUCCESSFUL
    assert run_unification(Unification.objects.get().pk) is not None
    assert values("number") == ["007", "7"]
    assert unified_differs() == {}
