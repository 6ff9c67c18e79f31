"""People who have left the segments: only whom the export brought is taken off, and they may come back."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db.models import F
from pytest_django import Settings

from config.jobs import leases
from config.jobs.models import JobStatus
from connections import credentials
from connections.models import Connection
from exports import actions, checking, claiming, running
from exports.models import Delivered, Export, Removal, Removed, Run
from exports.run_states import Reason
from segments.models import Segment
from tests import exporting
from tests.integration.exports.conftest import run_to_its_end
from tests.leaving import adds_up, crowd_of, join, leave, states
from tests.sandbox import RunningSandbox
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

CROWD = [f"p{n:02}@example.com" for n in range(20)]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("config.jobs.backoff.FIRST_SECONDS", 0.02)


@pytest.fixture
def crowd(account: RunningSandbox, db: None) -> Segment:
    return crowd_of(CROWD)


def export_of(account: RunningSandbox, segment: Segment, removal: Removal, **settings: Any) -> Export:
    """An export to a list of its own with a field to mark in."""
    list_id = settings.pop("list_id", None) or account.create_list(
        "Shop", scope=settings.pop("scope", "OnlyThisList"), fields=[("Left", "Text")]
    )
    connection = settings.pop("connection", None) or exporting.sandbox_connection(account)
    mapping = [{"attribute": "first_name", "field": "name"}]
    export = exporting.export_to(account, connection, segment, list_id=list_id, mapping=mapping, **settings)
    export.removal, export.mark_field, export.mark_value = removal, "[Left]", "Removed"
    export.save()
    return export


def run(export: Export) -> Run:
    ended = run_to_its_end(export)
    assert adds_up(ended)
    return ended


def marks(account: RunningSandbox, list_id: str) -> set[str]:
    return {
        person["EmailAddress"]
        for person in account.people(list_id)
        if {"Key": "Left", "Value": "Removed"} in person["CustomFields"]
    }


def test_it_leaves_people_on_the_list_unless_told_otherwise(account: RunningSandbox, crowd: Segment) -> None:
    export = export_of(account, crowd, Removal.LEAVE)
    run(export)
    leave(crowd, CROWD[0])
    ended = run(export)
    assert (ended.to_remove, ended.status) == (0, JobStatus.SUCCESSFUL)
    assert set(states(account, export.list_id).values()) == {"Active"}


def test_it_marks_who_has_left_and_takes_the_mark_off_who_comes_back(
    account: RunningSandbox, crowd: Segment
) -> None:
    export = export_of(account, crowd, Removal.MARK)
    run(export)
    leave(crowd, *CROWD[:3])
    account.clear_requests()
    ended = run(export)
    assert (ended.to_remove, ended.removed, ended.status) == (3, 3, JobStatus.SUCCESSFUL)
    assert marks(account, export.list_id) == set(CROWD[:3])
    assert account.requests()["totals"]["imports"] == 1
    assert Removed.objects.count() == 3
    join(crowd, CROWD[0])
    run(export)
    assert marks(account, export.list_id) == set(CROWD[1:3])
    leave(crowd, CROWD[0])
    assert run(export).removed == 1  # it still counts as brought by this export
    assert marks(account, export.list_id) == set(CROWD[:3])


def test_who_was_marked_is_deleted_once_the_export_deletes(account: RunningSandbox, crowd: Segment) -> None:
    export = export_of(account, crowd, Removal.MARK)
    run(export)
    leave(crowd, *CROWD[:4])
    run(export)
    account.set_state([CROWD[3]], "Unsubscribed", export.list_id)
    Export.objects.filter(pk=export.pk).update(removal=Removal.DELETE)
    join(crowd, CROWD[0])
    ended = run(export)
    assert (ended.to_remove, ended.removed, ended.kept) == (3, 2, 1)
    assert [states(account, export.list_id)[email] for email in CROWD[:4]] == [
        "Active",
        "Deleted",
        "Deleted",
        "Unsubscribed",
    ]
    assert run(export).to_remove == 0
    join(crowd, *CROWD[:3])
    assert run(export).delivered == 2
    assert not marks(account, export.list_id)


def test_it_deletes_who_has_left_and_only_them_and_lets_them_come_back(
    account: RunningSandbox, crowd: Segment
) -> None:
    export = export_of(account, crowd, Removal.DELETE)
    run(export)
    leave(crowd, *CROWD[:2])
    assert run(export).removed == 2
    assert {email for email, state in states(account, export.list_id).items() if state == "Deleted"} == set(
        CROWD[:2]
    )
    assert run(export).reason == Reason.NOTHING_CHANGED
    join(crowd, CROWD[0])
    back = run(export)
    assert (back.to_add, back.delivered, back.left) == (1, 1, 0)
    assert states(account, export.list_id)[CROWD[0]] == "Active"
    leave(crowd, CROWD[0])
    assert run(export).removed == 1


def test_who_was_rejected_on_the_way_back_may_still_come_back(account: RunningSandbox, crowd: Segment) -> None:
    export = export_of(account, crowd, Removal.DELETE)
    run(export)
    leave(crowd, CROWD[0])
    run(export)
    join(crowd, CROWD[0])
    account.faults({"rules": [{"kind": "refuse_emails", "emails": [CROWD[0]], "code": 500, "times": 1}]})
    assert run(export).rejected == 1
    assert run(export).delivered == 1
    assert states(account, export.list_id)[CROWD[0]] == "Active"


def test_it_brings_nobody_back_who_has_unsubscribed_after_being_deleted(
    account: RunningSandbox, crowd: Segment
) -> None:
    export = export_of(account, crowd, Removal.DELETE)
    run(export)
    leave(crowd, *CROWD[:2])
    run(export)
    account.set_state([CROWD[0]], "Unsubscribed", export.list_id)
    join(crowd, *CROWD[:2])
    back = run(export)
    assert (back.delivered, back.left) == (1, 1)
    assert states(account, export.list_id)[CROWD[0]] == "Unsubscribed"
    account.set_state([CROWD[0]], "Deleted", export.list_id)  # by somebody else: not ours to undo
    crowd_profile = crowd.members.model.objects.filter(profile__attributes__email=CROWD[0]).get().profile
    crowd_profile.attributes["first_name"] = "Changed"
    crowd_profile.save()
    assert run(export).left == 1
    assert states(account, export.list_id)[CROWD[0]] == "Deleted"


def test_it_unsubscribes_who_has_left_and_never_subscribes_them_again(
    account: RunningSandbox, crowd: Segment
) -> None:
    export = export_of(account, crowd, Removal.UNSUBSCRIBE)
    run(export)
    leave(crowd, CROWD[0])
    assert run(export).removed == 1
    assert states(account, export.list_id)[CROWD[0]] == "Unsubscribed"
    join(crowd, CROWD[0])
    assert run(export).left == 1
    assert states(account, export.list_id)[CROWD[0]] == "Unsubscribed"


@pytest.mark.parametrize("removal", [Removal.MARK, Removal.DELETE, Removal.UNSUBSCRIBE])
def test_it_removes_nobody_who_was_there_before(account: RunningSandbox, crowd: Segment, removal: Removal) -> None:
    export = export_of(account, crowd, removal)
    account.set_state(CROWD[:2], "Active", export.list_id, joined="2020-01-01 00:00:00")
    run(export)
    leave(crowd, *CROWD[:4])
    ended = run(export)
    assert (ended.to_remove, ended.removed, ended.kept) == (4, 2, 2)
    untouched = {email for email, state in states(account, export.list_id).items() if state == "Active"}
    assert set(CROWD[:2]) <= untouched - marks(account, export.list_id)
    assert run(export).to_remove == 0  # found there is known from now on


def test_it_removes_nobody_who_joined_by_another_clock(account: RunningSandbox, crowd: Segment) -> None:
    """The list is hours ahead of the account's clock: they were there before, with a date that lies after."""
    export = export_of(account, crowd, Removal.DELETE)
    account.set_state(CROWD[:2], "Active", export.list_id, joined="2999-01-01 00:00:00")
    run(export)
    leave(crowd, *CROWD[:4])
    assert (run(export).removed, states(account, export.list_id)[CROWD[0]]) == (2, "Active")


def test_it_touches_nobody_who_is_not_active(account: RunningSandbox, crowd: Segment) -> None:
    export = export_of(account, crowd, Removal.DELETE)
    run(export)
    account.set_state(CROWD[:1], "Unsubscribed", export.list_id)
    account.set_state(CROWD[1:2], "Bounced", export.list_id)
    leave(crowd, *CROWD[:3])
    ended = run(export)
    assert (ended.removed, ended.kept) == (1, 2)
    after = states(account, export.list_id)
    assert [after[email] for email in CROWD[:3]] == ["Unsubscribed", "Bounced", "Deleted"]
    assert run(export).to_remove == 0


def test_it_removes_nobody_whom_another_export_to_the_list_sends(account: RunningSandbox, crowd: Segment) -> None:
    export = export_of(account, crowd, Removal.DELETE)
    others = exporting.segment_of_everyone("Others")
    leave(others, *CROWD[2:])
    other = export_of(
        account, others, Removal.LEAVE, list_id=export.list_id, connection=export.connection, name="Other"
    )
    run(export)
    leave(crowd, CROWD[0], CROWD[2])
    assert run(export).removed == 1  # the other has not even run yet
    assert states(account, export.list_id)[CROWD[0]] == "Active"
    leave(others, CROWD[0])
    assert run(export).removed == 1
    run(other)
    leave(crowd, CROWD[1])
    leave(others, CROWD[1])
    assert run(export).to_remove == 0  # the other leaves whom it has brought on the list


def test_a_guard_holds_many_removals_and_never_the_additions(account: RunningSandbox, crowd: Segment) -> None:
    export = export_of(account, crowd, Removal.DELETE)
    leave(crowd, CROWD[19])
    run(export)
    exporting.profiles([{"email": f"more{n}@example.com", "first_name": "M"} for n in range(12)])
    join(crowd, *[f"more{n}@example.com" for n in range(12)])
    leave(crowd, *CROWD[:11])
    ended = run(export)
    assert (ended.status, ended.reason) == (JobStatus.WARNINGS, Reason.REMOVALS_HELD)
    assert (ended.delivered, ended.removals_held, ended.to_remove, ended.held_because) == (12, 11, 0, "many")
    assert set(states(account, export.list_id).values()) == {"Active"}


def test_a_guard_holds_what_a_halved_or_empty_segment_would_remove_for_as_long_as_it_is_so(
    account: RunningSandbox, crowd: Segment
) -> None:
    export = export_of(account, crowd, Removal.DELETE)
    leave(crowd, *CROWD[4:])
    run(export)
    leave(crowd, *CROWD[:2])
    for _again in range(2):
        held = run(export)
        assert (held.removals_held, held.held_because) == (2, "halved")
    leave(crowd, *CROWD)
    held = run(export)
    assert (held.removals_held, held.held_because) == (4, "empty")
    join(crowd, *CROWD[:4])
    assert run(export).reason == Reason.NOTHING_CHANGED


def test_a_guard_looks_at_the_segment_that_is_planned_and_not_at_the_one_that_was_checked(
    account: RunningSandbox, crowd: Segment
) -> None:
    """Eight are too few for the guard of large numbers; the worker dies after the check, and meanwhile the segment
    is refreshed and empty."""
    export = export_of(account, crowd, Removal.DELETE)
    leave(crowd, *CROWD[8:])
    run(export)
    checked = claiming.claim(actions.start_run(export, by=None).pk)
    assert checked is not None
    assert checking.check(checked)
    leases.release(checked)
    leave(crowd, *CROWD)
    running.carry_on(checked.pk)
    checked.refresh_from_db()
    assert (checked.removals_held, checked.held_because, checked.removed) == (8, "empty", 0)


def test_it_finishes_what_a_dead_worker_left_half_done(
    account: RunningSandbox, crowd: Segment, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = export_of(account, crowd, Removal.DELETE)
    run(export)
    leave(crowd, *CROWD[:3])
    account.faults({"rules": [{"kind": "cut_short", "method": "DELETE", "times": 1, "skip": 1}]})
    ended = run(export)
    assert (ended.removed, ended.kept) == (3, 0)
    join(crowd, *CROWD[:3])
    assert run(export).delivered == 3
    assert set(states(account, export.list_id).values()) == {"Active"}


def test_it_asks_again_in_the_next_run_for_whom_the_destination_could_not_take_at_the_moment(
    account: RunningSandbox, crowd: Segment
) -> None:
    export = export_of(account, crowd, Removal.LEAVE)
    busy = {"kind": "refuse_emails", "emails": [CROWD[0]], "code": 500, "times": 1}
    bad = {"kind": "refuse_emails", "emails": [CROWD[1]], "code": 1, "times": 1}
    account.faults({"rules": [busy]})
    assert run(export).rejected == 1
    assert run(export).delivered == 1
    Delivered.objects.filter(email=CROWD[1]).delete()
    account.faults({"rules": [bad]})
    assert run(export).rejected == 1
    assert run(export).still_refused == 1  # only when their data change


def test_a_mark_puts_nobody_on_the_list_though_its_answer_was_lost(
    account: RunningSandbox, crowd: Segment
) -> None:
    export = export_of(account, crowd, Removal.MARK)
    run(export)
    joined = datetime.fromisoformat(clock_of(export))
    known = Delivered.objects.filter(email=CROWD[0])
    known.update(email="moved@example.com")  # whose address has been changed on the list
    late = timedelta(seconds=2)  # lists and clocks keep times in seconds
    wait_until(lambda: datetime.fromisoformat(clock_of(export)) > joined + late)
    leave(crowd, CROWD[0], CROWD[1])
    account.faults({"rules": [{"kind": "cut_short", "path": "import", "times": 1}]})
    ended = run(export)
    assert (ended.removed, ended.kept) == (1, 1)
    assert states(account, export.list_id)["moved@example.com"] == "Deleted"
    assert states(account, export.list_id)[CROWD[1]] == "Active"
    assert marks(account, export.list_id) == {CROWD[1]}


@pytest.mark.parametrize("hours", [0, 10], ids=["a list of the account's own time zone", "a list hours ahead"])
def test_a_mark_that_is_sent_again_takes_nobody_off_whom_the_export_has_just_brought(
    account: RunningSandbox, crowd: Segment, hours: int
) -> None:
    export = export_of(account, crowd, Removal.MARK)
    first = run(export)
    a_moment = timedelta(minutes=1)
    Run.objects.filter(pk=first.pk).update(finished_at=F("finished_at") + a_moment)  # it may as well still go on
    joined = datetime.fromisoformat(clock_of(export)) + a_moment / 2 + timedelta(hours=hours)
    account.set_state(CROWD, "Active", export.list_id, joined=str(joined))
    leave(crowd, *CROWD[:3])
    account.faults({"rules": [{"kind": "cut_short", "path": "import", "times": 1}]})
    assert run(export).removed == 3
    assert set(states(account, export.list_id).values()) == {"Active"}
    assert marks(account, export.list_id) == set(CROWD[:3])


def clock_of(export: Export) -> str:
    assert export.connection is not None
    return export.connection.destination.clock(credentials.access(export.connection))


def delete_without_hearing_of_it(account: RunningSandbox, export: Export) -> None:
    """One of the two who leave is deleted by a run that never learns so, and ends."""
    lost = {"kind": "drop", "method": "DELETE", "times": 1, "applied": True}
    revoked = {"kind": "refuse_credential", "method": "GET", "path": "/subscribers/", "skip": 1, "code": 100}
    account.faults({"rules": [lost, revoked]})
    assert run(export).status == JobStatus.FAILED
    account.clear_faults()
    assert list(states(account, export.list_id).values()).count("Deleted") == 1
    Connection.objects.update(reconnect_reason="")


def test_it_remembers_removals_whose_answer_never_came(account: RunningSandbox, crowd: Segment) -> None:
    export = export_of(account, crowd, Removal.DELETE)
    run(export)
    leave(crowd, *CROWD[:2])
    delete_without_hearing_of_it(account, export)
    join(crowd, *CROWD[:2])
    run(export)
    assert set(states(account, export.list_id).values()) == {"Active"}


@pytest.mark.parametrize("removal", [Removal.MARK, Removal.DELETE, Removal.UNSUBSCRIBE])
def test_it_brings_back_whom_it_deleted_without_hearing_of_it_though_it_removes_otherwise_by_then(
    account: RunningSandbox, crowd: Segment, removal: Removal
) -> None:
    export = export_of(account, crowd, Removal.DELETE)
    run(export)
    leave(crowd, *CROWD[:2])
    delete_without_hearing_of_it(account, export)
    join(crowd, CROWD[1])
    Export.objects.filter(pk=export.pk).update(removal=removal)
    run(export)
    assert states(account, export.list_id)[CROWD[0]] == "Deleted"
    join(crowd, CROWD[0])
    run(export)
    assert set(states(account, export.list_id).values()) == {"Active"}


def test_it_forgets_nobody_when_it_is_canceled_before_removing(
    account: RunningSandbox, crowd: Segment, settings: Settings
) -> None:
    export = export_of(account, crowd, Removal.DELETE)
    run(export)
    leave(crowd, CROWD[0])
    assert Delivered.objects.count() == 20
    account.faults(
        {"rules": [{"kind": "refuse_credential", "method": "GET", "path": "/subscribers/", "code": 100}]}
    )
    ended = run(export)
    assert (ended.status, ended.not_removed) == (JobStatus.FAILED, 1)
    assert Delivered.objects.count() == 20
