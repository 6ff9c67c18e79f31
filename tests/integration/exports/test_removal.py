"""Contacts who have left the segments: only those that the export added are removed, and they may come back."""

from datetime import datetime, timedelta

import pytest

from config.platform.jobs import leases
from config.platform.jobs.models import JobStatus
from exports.actions import runs
from exports.models import Export, Removal, RemovedContact, SyncedContact
from exports.run import check, pipeline
from exports.state import claim
from exports.state.status import Reason
from segments.models import Segment
from tests.support import exports
from tests.support.members import CROWD, join, leave, states
from tests.support.profiles import change_profile, create_profiles, get_profile
from tests.support.removals import export_of, marks, run
from tests.support.sandbox import RunningSandbox

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("quick")]


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
    assert RemovedContact.objects.count() == 3
    join(crowd, CROWD[0])
    run(export)
    assert marks(account, export.list_id) == set(CROWD[1:3])
    leave(crowd, CROWD[0])
    assert run(export).removed == 1  # it still counts as added by this export
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


def test_a_deleted_contact_who_has_unsubscribed_since_does_not_come_back(
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
    account.set_state([CROWD[0]], "Deleted", export.list_id)  # by another party: not ours to undo
    change_profile(get_profile(email=CROWD[0]), first_name="Changed")
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
def test_a_contact_that_was_there_before_is_not_removed(
    account: RunningSandbox, crowd: Segment, removal: Removal
) -> None:
    export = export_of(account, crowd, removal)
    account.set_state(CROWD[:2], "Active", export.list_id, joined="2020-01-01 00:00:00")
    run(export)
    leave(crowd, *CROWD[:4])
    ended = run(export)
    assert (ended.to_remove, ended.removed, ended.kept) == (4, 2, 2)
    untouched = {email for email, state in states(account, export.list_id).items() if state == "Active"}
    assert set(CROWD[:2]) <= untouched - marks(account, export.list_id)
    assert run(export).to_remove == 0  # found there is known from now on


def test_a_contact_that_joined_by_another_clock_is_not_removed(account: RunningSandbox, crowd: Segment) -> None:
    """The list is hours ahead of the account's clock: they were there before, with a date that lies after."""
    export = export_of(account, crowd, Removal.DELETE)
    account.set_state(CROWD[:2], "Active", export.list_id, joined="2999-01-01 00:00:00")
    run(export)
    leave(crowd, *CROWD[:4])
    assert (run(export).removed, states(account, export.list_id)[CROWD[0]]) == (2, "Active")


def test_contacts_that_are_not_active_stay_as_they_are(account: RunningSandbox, crowd: Segment) -> None:
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


def test_a_contact_that_another_export_to_the_list_sends_is_not_removed(
    account: RunningSandbox, crowd: Segment
) -> None:
    export = export_of(account, crowd, Removal.DELETE)
    others = exports.segment_of_everyone("Others")
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
    assert run(export).to_remove == 0  # the other leaves its contacts on the list


def test_a_guard_holds_many_removals_and_never_the_additions(account: RunningSandbox, crowd: Segment) -> None:
    export = export_of(account, crowd, Removal.DELETE)
    leave(crowd, CROWD[19])
    run(export)
    create_profiles([{"email": f"more{n}@example.com", "first_name": "M"} for n in range(12)])
    join(crowd, *[f"more{n}@example.com" for n in range(12)])
    leave(crowd, *CROWD[:11])
    ended = run(export)
    assert (ended.status, ended.reason) == (JobStatus.WARNINGS, Reason.REMOVALS_HELD)
    assert (ended.delivered, ended.removals_held, ended.to_remove, ended.removal_guard) == (12, 11, 0, "many")
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
        assert (held.removals_held, held.removal_guard) == (2, "halved")
    leave(crowd, *CROWD)
    held = run(export)
    assert (held.removals_held, held.removal_guard) == (4, "empty")
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
    checked = claim.claim(runs.start_run(export, by=None).pk)
    assert checked is not None
    assert check.check(checked)
    leases.release(checked)
    leave(crowd, *CROWD)
    pipeline.run_slice(checked.pk)
    checked.refresh_from_db()
    assert (checked.removals_held, checked.removal_guard, checked.removed) == (8, "empty", 0)


def test_the_next_run_sends_contacts_again_that_the_destination_could_not_take_at_the_moment(
    account: RunningSandbox, crowd: Segment
) -> None:
    export = export_of(account, crowd, Removal.LEAVE)
    busy = {"kind": "refuse_emails", "emails": [CROWD[0]], "code": 500, "times": 1}
    bad = {"kind": "refuse_emails", "emails": [CROWD[1]], "code": 1, "times": 1}
    account.faults({"rules": [busy]})
    assert run(export).rejected == 1
    assert run(export).delivered == 1
    SyncedContact.objects.filter(email=CROWD[1]).delete()
    account.faults({"rules": [bad]})
    assert run(export).rejected == 1
    assert run(export).still_refused == 1  # only when their data change


def test_marking_looks_up_only_contacts_who_became_active_later(account: RunningSandbox, crowd: Segment) -> None:
    export = export_of(account, crowd, Removal.MARK)
    run(export)
    again = {"list_id": export.list_id, "emails": [CROWD[0]], "since": "2999-01-01 00:00:00"}
    account.set_state([CROWD[0]], "Unsubscribed", export.list_id)
    account.door("POST", "states", json=again | {"state": "Active"})
    leave(crowd, *CROWD[:4])
    account.clear_requests()
    ended = run(export)
    assert (ended.removed, ended.kept) == (3, 1)
    asked = [call["path"] for call in account.requests()["requests"]]
    assert sum("/active" in path for path in asked) == 1
    looked_up = sum(path.startswith("/api/v3.3/subscribers/") and "import" not in path for path in asked)
    assert 1 <= looked_up <= 1 + 3  # and contacts whose fields are looked at before


def test_a_contact_that_signed_up_again_is_not_marked_where_the_time_zone_of_the_list_is_unknown(
    account: RunningSandbox, crowd: Segment
) -> None:
    basics = {"CompanyName": "Shop", "Country": "Venezuela", "TimeZone": "(GMT-04:30) Caracas"}  # a law ago
    account.api("PUT", f"/clients/{account.client_id}/setbasics.json", json=basics).raise_for_status()
    export = export_of(account, crowd, Removal.MARK)
    first = run(export)
    sent_there = datetime.fromisoformat(first.snapshot.clock_there) - timedelta(hours=4)
    account.set_state([CROWD[0]], "Unsubscribed", export.list_id)
    account.set_state([CROWD[0]], "Active", export.list_id, since=str(sent_there + timedelta(minutes=10)))
    leave(crowd, *CROWD[:4])
    ended = run(export)
    assert (ended.removed, ended.kept) == (3, 1)
    assert CROWD[0] not in marks(account, export.list_id)
