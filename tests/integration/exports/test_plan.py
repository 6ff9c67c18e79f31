"""What a run will send: a verdict for every member, and the difference cut into batches."""

import threading
from typing import Any, cast
from uuid import UUID

import orjson
import pytest

from config.platform.jobs import clock
from config.platform.jobs.leases import HeldLease
from config.platform.jobs.models import JobStatus
from connections import destinations
from connections.destinations.values import TargetField
from exports.batches.encode import convert
from exports.models import DeliveredSet, Export, Refused, Run, Stage, SyncedContact, Trigger
from exports.models.snapshot import RunSnapshot
from exports.run import plan
from exports.state import run_settings
from exports.state.status import Reason, StopRun
from tests.support import exports
from tests.support.profiles import change_all_profiles, change_profile, create_profiles, get_profile

pytestmark = pytest.mark.django_db

LIST = "a" * 32
ACCOUNT = "campaign_monitor:sandbox"


class UncontestedLease:
    """A lease that no other worker contests."""

    def __init__(self) -> None:
        self.cancel_requested = threading.Event()

    def check(self) -> None: ...

    def report(self, **progress: int) -> None: ...


def lease() -> HeldLease:
    return cast(HeldLease, UncontestedLease())


def make_run(people: list[dict[str, Any]], **changed: Any) -> Run:
    create_profiles(people)
    segment = exports.segment_of_everyone()
    export = Export.objects.create(name="Newsletter", list_id=LIST, email_attribute="email")
    return run_of(export, segment.pk, **changed)


def run_of(export: Export, segment_id: int, **changed: Any) -> Run:
    settings = {
        "segments": [{"id": segment_id, "name": "Everyone"}],
        "email_attribute": "email",
        "mapping": [{"attribute": "first_name", "field": "name"}],
        "answers": {"consent_to_track": "unchanged"},
        "fields": [TargetField("name", "Name", "text").__dict__],
        "confirmed_opt_in": False,
        "opt_in_mail_accepted": False,
    }
    return Run.objects.create(
        export=export,
        number=export.runs.count() + 1,
        trigger=Trigger.MANUAL,
        status=JobStatus.PROCESSING,
        stage=Stage.PLAN,
        account=ACCOUNT,
        list_id=LIST,
        snapshot=RunSnapshot.from_json(settings | changed),
    )


def planned(run: Run) -> list[str]:
    plan.plan(run, lease())
    return [email for batch in run.batches.all() for email in batch.emails]


def sent(run: Run) -> list[str]:
    """Encode the contacts of a plan as they would be sent."""
    prepare = destinations.get("campaign_monitor").preparer(run_settings.send_settings(run.list_id, run.snapshot))
    return [payload for batch in run.batches.all() for payload in convert(batch, lambda: prepare, 2**20).payloads]


def outcomes(run: Run) -> set[tuple[str, str, str]]:
    return set(run.outcomes.values_list("kind", "email", "code"))


def test_it_trims_and_lowers_addresses() -> None:
    assert planned(make_run([{"email": "  Ann@Example.COM \n"}])) == ["ann@example.com"]


def test_it_sets_aside_who_has_no_address_or_a_bad_one() -> None:
    run = make_run(
        [{"first_name": "Ann"}, {"email": "   "}, {"email": "ann(at)example.com"}, {"email": "a@b.example"}]
    )
    assert planned(run) == ["a@b.example"]
    assert outcomes(run) == {
        ("invalid", "", "no_email"),
        ("invalid", "ann(at)example.com", "bad_email"),
    }
    assert (run.members, run.invalid, run.planned) == (4, 3, 1)


def test_it_sends_an_address_once_and_the_latest_profile_wins() -> None:
    run = make_run(
        [{"email": "ann@example.com", "first_name": "Old"}, {"email": "ANN@example.com", "first_name": "New"}]
    )
    assert planned(run) == ["ann@example.com"]
    assert '"New"' in run.batches.get().payloads[0]
    assert outcomes(run) == {("duplicate", "ann@example.com", "duplicate")}


def test_it_counts_add_up() -> None:
    run = make_run([{"email": f"p{n % 40}@example.com"} for n in range(60)] + [{"email": "bad"}] * 5)
    plan.plan(run, lease())
    assert run.members == 65
    assert run.members == run.invalid + run.duplicates + run.unchanged + run.still_refused + run.planned
    assert run.planned == 40


def deliver_everyone(run: Run) -> None:
    """Write the list state as if the list had taken all contacts of the plan."""
    known = DeliveredSet.objects.get(export=run.export)
    for batch in run.batches.all():
        rows = zip(batch.emails, batch.hashes, strict=True)
        SyncedContact.objects.bulk_create(
            SyncedContact(
                list_state=known.list_state,
                email=email,
                data_hash=data_hash,
                sent_by=known.export_id,
                last_run_id=run.pk,
            )
            for email, data_hash in rows
        )
    run.status = JobStatus.SUCCESSFUL
    run.finished_at = run.created_at
    run.save()


def test_it_sends_nothing_again_that_has_not_changed() -> None:
    run = make_run([{"email": "ann@example.com"}, {"email": "bo@example.com"}])
    assert len(planned(run)) == 2
    deliver_everyone(run)
    again = run_of(run.export, run.snapshot.segments[0].id)
    assert planned(again) == []
    assert again.unchanged == 2


def test_it_sends_who_has_changed_in_a_mapped_attribute_alone() -> None:
    run = make_run([{"email": "ann@example.com", "city": "Turku"}, {"email": "bo@example.com", "city": "Turku"}])
    planned(run)
    deliver_everyone(run)
    change_all_profiles(city="Oulu")
    change_profile(get_profile(email="bo@example.com"), first_name="Bo")
    again = run_of(run.export, run.snapshot.segments[0].id)
    assert planned(again) == ["bo@example.com"]
    assert (again.to_add, again.to_update, again.unchanged) == (0, 1, 1)


def test_it_sends_everyone_again_when_an_option_changes_what_the_list_gets() -> None:
    run = make_run([{"email": "ann@example.com"}])
    planned(run)
    deliver_everyone(run)
    again = run_of(run.export, run.snapshot.segments[0].id, answers={"consent_to_track": "no"})
    assert planned(again) == ["ann@example.com"]


def test_it_does_not_ask_again_for_who_was_refused_with_the_same_data() -> None:
    run = make_run([{"email": "ann@example.com"}])
    planned(run)
    known = DeliveredSet.objects.get(export=run.export)
    data_hash: UUID = run.batches.get().hashes[0]
    Refused.objects.create(delivered_set=known, email="ann@example.com", data_hash=data_hash, last_run_id=run.pk)
    deliver_everyone(run)
    again = run_of(run.export, run.snapshot.segments[0].id)
    assert planned(again) == []
    assert again.still_refused == 1


def test_it_knows_nothing_of_what_another_list_was_sent() -> None:
    run = make_run([{"email": "ann@example.com"}])
    planned(run)
    deliver_everyone(run)
    elsewhere = run_of(run.export, run.snapshot.segments[0].id)
    elsewhere.list_id = "b" * 32
    elsewhere.save()
    assert planned(elsewhere) == ["ann@example.com"]


def test_it_cuts_batches_of_at_most_a_thousand() -> None:
    run = make_run([{"email": f"p{n}@example.com"} for n in range(2001)])
    plan.plan(run, lease())
    assert list(run.batches.values_list("number", "size")) == [(1, 1000), (2, 1000), (3, 1)]


def test_it_puts_who_is_new_first() -> None:
    run = make_run([{"email": "bo@example.com"}, {"email": "cleo@example.com"}])
    assert len(planned(run)) == 2
    deliver_everyone(run)
    create_profiles([{"email": "ann@example.com"}, {"email": "zoe@example.com"}], source="Others")
    segment = exports.segment_of_everyone()
    again = run_of(run.export, segment.pk, mapping=[{"attribute": "email", "field": "name"}])
    assert planned(again) == ["ann@example.com", "zoe@example.com", "bo@example.com", "cleo@example.com"]
    assert (again.to_add, again.to_update) == (2, 2)


def test_it_refuses_more_people_than_an_export_may_send(settings: Any) -> None:
    settings.MAX_PROFILES_PER_EXPORT = 2
    run = make_run([{"email": f"p{n}@example.com"} for n in range(3)])
    with pytest.raises(StopRun) as ended:
        plan.plan(run, lease())
    assert (ended.value.status, ended.value.reason) == (JobStatus.FAILED, Reason.TOO_MANY_PROFILES)
    assert not run.batches.exists()


def test_it_asks_before_new_people_are_emailed() -> None:
    run = make_run([{"email": "ann@example.com"}], confirmed_opt_in=True)
    with pytest.raises(StopRun) as ended:
        plan.plan(run, lease())
    assert ended.value.status == JobStatus.NEEDS_CONFIRMATION
    assert "1 new" in ended.value.message


def test_it_stops_planning_when_a_person_cancels() -> None:
    run = make_run([{"email": "ann@example.com"}])
    Run.objects.filter(pk=run.pk).update(cancel_requested_at=clock.now())
    with pytest.raises(StopRun) as ended:
        plan.plan(run, lease())
    assert ended.value.status == JobStatus.CANCELED


# -- answers of attributes -------------------------------------------------------------------------------------

BY_ATTRIBUTE = {"consent_to_track": "attribute:tracking"}


def consents(run: Run) -> dict[str, str]:
    """What is sent of each person's consent."""
    plan.plan(run, lease())
    people = [orjson.loads(payload) for payload in sent(run)]
    return {person["EmailAddress"]: person["ConsentToTrack"] for person in people}


def test_an_attribute_answers_for_each_person_and_what_is_no_clear_yes_is_a_no() -> None:
    values: list[Any] = [True, False, "Yes", " y ", "ON", "1", "no", "maybe", "", None]
    people: list[dict[str, Any]] = [
        {"email": f"p{n}@example.com", "tracking": value} for n, value in enumerate(values)
    ]
    said = consents(make_run(people, answers=BY_ATTRIBUTE))
    assert [said[f"p{n}@example.com"] for n in range(10)] == ["Yes", "No", *["Yes"] * 4, *["No"] * 4]


def test_the_strictest_answer_wins_among_profiles_with_one_address() -> None:
    people: list[dict[str, Any]] = [
        {"email": "ann@example.com", "tracking": False},
        {"email": "ANN@example.com", "tracking": True},
        {"email": "bo@example.com", "tracking": True},
        {"email": "bo@example.com"},
        {"email": "cy@example.com", "tracking": True},
        {"email": " cy@example.com ", "tracking": True},
    ]
    assert consents(make_run(people, answers=BY_ATTRIBUTE)) == {
        "ann@example.com": "No",
        "bo@example.com": "No",
        "cy@example.com": "Yes",
    }


def test_a_changed_answer_sends_that_contact_alone_again() -> None:
    people = [{"email": "ann@example.com", "tracking": True}, {"email": "bo@example.com", "tracking": True}]
    run = make_run(people, answers=BY_ATTRIBUTE)
    planned(run)
    deliver_everyone(run)
    create_profiles([{"email": "bo@example.com", "tracking": False}], source="Shop")
    exports.segment_of_everyone()
    again = run_of(run.export, run.snapshot.segments[0].id, answers=BY_ATTRIBUTE)
    assert planned(again) == ["bo@example.com"]


def test_where_an_answer_comes_from_is_no_reason_to_send_it_again() -> None:
    run = make_run(
        [{"email": "ann@example.com", "tracking": True}, {"email": "bo@example.com", "tracking": False}],
        answers={"consent_to_track": "yes"},
    )
    planned(run)
    deliver_everyone(run)
    again = run_of(run.export, run.snapshot.segments[0].id, answers=BY_ATTRIBUTE)
    assert planned(again) == ["bo@example.com"]


def test_two_attributes_answer_two_questions() -> None:
    people = [{"email": "ann@example.com", "tracking": True, "texts": "no", "mobile": "+447700900123"}]
    run = make_run(
        people,
        answers=BY_ATTRIBUTE | {"consent_to_send_sms": "attribute:texts"},
        mapping=[{"attribute": "mobile", "field": "mobile_number"}],
    )
    planned(run)
    person = orjson.loads(sent(run)[0])
    assert (person["ConsentToTrack"], person["ConsentToSendSms"]) == ("Yes", "No")


def test_clearing_blanks_sends_only_those_with_a_blank_again() -> None:
    people: list[dict[str, Any]] = [
        {"email": "ann@example.com", "first_name": "Ann, null"},
        {"email": "bo@example.com"},
        {"email": "cy@example.com", "first_name": " "},
    ]
    run = make_run(people)
    planned(run)
    deliver_everyone(run)
    again = run_of(
        run.export,
        run.snapshot.segments[0].id,
        answers={"consent_to_track": "unchanged", "blanks": "clear"},
        concerns={"blanks": "blanks"},
    )
    assert planned(again) == ["bo@example.com", "cy@example.com"]
    assert '"Name":""' in sent(again)[0]
