"""Two exports to one list: what one sends, wants and removes is seen by the other."""

from typing import Any
from unittest import mock

import pytest

from config.platform.accounts.models import User
from config.platform.jobs import clock
from config.platform.jobs.leases import claim
from exports.actions import list_cleanup, manage, runs
from exports.models import (
    Batch,
    Export,
    ListState,
    Removal,
    Run,
    StatusSource,
    SubscriberStatus,
    SyncedContact,
)
from exports.removal.list_cleanup import CleanupSettings
from exports.reporting import person
from exports.reporting.person import ContactStatus
from exports.results import record, unknown_results
from exports.run import check, pipeline
from exports.selection import diff
from exports.selection.plan_counts import PlanCounts
from exports.state.status import Reason
from segments.models import Segment
from tests.scenarios.failing_workers import Killed
from tests.support import exports
from tests.support.members import CROWD, adds_up, join, leave, states
from tests.support.profiles import change_profile, get_profile
from tests.support.removals import export_of, marks, run
from tests.support.sandbox import RunningSandbox

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("quick")]


def other_to(
    account: RunningSandbox, export: Export, segment: Segment, removal: Removal = Removal.DELETE
) -> Export:
    """Another export to the list of ``export``."""
    return export_of(account, segment, removal, list_id=export.list_id, connection=export.connection, name="Other")


def maps(export: Export, *fields: str) -> None:
    export.mapping = [{"attribute": "first_name", "field": field} for field in fields]
    export.save()


def rename(email: str, first_name: str) -> None:
    change_profile(get_profile(email=email), first_name=first_name)


def name_of(account: RunningSandbox, export: Export, email: str) -> str:
    return str(next(each["Name"] for each in account.people(export.list_id) if each["EmailAddress"] == email))


def test_an_export_that_is_added_during_a_plan_leaves_no_contact_unwanted(
    account: RunningSandbox, crowd: Segment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plan of the only export to a list has no rows of unchanged contacts."""
    monkeypatch.setattr(diff, "_FEW", -1)
    one = export_of(account, crowd, Removal.DELETE)
    run(one)
    compute = diff.compute_diff

    def add_export_meanwhile(*args: Any, **options: Any) -> PlanCounts:
        counts = compute(*args, **options)
        other_to(account, one, crowd)
        return counts

    monkeypatch.setattr(diff, "compute_diff", add_export_meanwhile)
    assert run(one).unchanged == len(CROWD)
    assert Export.objects.count() == 2
    unwanted = [contact.email for contact in SyncedContact.objects.all() if contact.unwanted_by]
    assert unwanted == []


def test_an_export_sends_nothing_that_another_has_just_sent(account: RunningSandbox, crowd: Segment) -> None:
    one = export_of(account, crowd, Removal.DELETE)
    other = other_to(account, one, crowd)
    run(one)
    assert (run(other).planned, run(other).unchanged) == (0, 20)


def test_exports_that_map_other_fields_do_not_send_in_turn(account: RunningSandbox, crowd: Segment) -> None:
    one = export_of(account, crowd, Removal.LEAVE)
    other = other_to(account, one, crowd)
    maps(other, "[Left]")
    assert [run(each).delivered for each in (one, other)] == [20, 20]
    assert [run(each).delivered for each in (one, other, one, other)] == [0, 0, 0, 0]
    rename(CROWD[0], "Changed")
    assert [run(each).delivered for each in (one, other, one, other)] == [1, 1, 0, 0]


def test_exports_that_share_a_field_with_the_same_values_do_not_send_in_turn(
    account: RunningSandbox, crowd: Segment
) -> None:
    one = export_of(account, crowd, Removal.LEAVE)
    other = other_to(account, one, crowd)
    maps(other, "name", "[Left]")
    assert [run(each).delivered for each in (one, other)] == [20, 20]
    assert [run(each).delivered for each in (one, other, one, other)] == [0, 0, 0, 0]
    rename(CROWD[0], "Changed")
    assert [run(each).delivered for each in (other, one, other, one)] == [1, 1, 0, 0]


def test_a_change_by_one_export_is_seen_by_the_plan_of_another(account: RunningSandbox, crowd: Segment) -> None:
    """They share a field, and the profile goes back to what the first has sent before."""
    one = export_of(account, crowd, Removal.LEAVE)
    other = other_to(account, one, crowd)
    maps(other, "name", "[Left]")
    run(one)
    before = name_of(account, one, CROWD[0])
    run(other)
    rename(CROWD[0], "Changed")
    assert run(other).delivered == 1
    rename(CROWD[0], before)
    assert run(one).delivered == 1
    assert name_of(account, one, CROWD[0]) == before


def test_an_export_sends_nothing_again_after_another_has_settled_a_late_call(
    account: RunningSandbox, crowd: Segment
) -> None:
    one = export_of(account, crowd, Removal.LEAVE)
    other = other_to(account, one, crowd)
    third = export_of(account, crowd, Removal.LEAVE, list_id=one.list_id, connection=one.connection, name="Third")
    maps(third, "name", "[Left]")
    sent = run(one)
    run(other)
    unknown_results.record_landed(sent, list(sent.batches.values_list("pk", flat=True)))
    Batch.objects.update(late_until=None)
    assert [run(each).delivered for each in (one, other, third)] == [20, 0, 20]
    assert [run(each).planned for each in (one, other, third)] == [0, 0, 0]


def test_contacts_of_an_export_whose_segment_is_empty_stay(account: RunningSandbox, crowd: Segment) -> None:
    others = exports.segment_of_everyone("Others")
    leave(others, *CROWD[2:])
    one = export_of(account, crowd, Removal.DELETE)
    other = other_to(account, one, others)
    run(one)
    run(other)
    leave(others, *CROWD)
    leave(crowd, *CROWD[:3])
    assert run(one).removed == 1  # and not the two that the other wanted last
    assert [states(account, one.list_id)[email] for email in CROWD[:3]] == ["Active", "Active", "Deleted"]


def test_contacts_of_an_export_that_cannot_run_stay(account: RunningSandbox, crowd: Segment) -> None:
    one = export_of(account, crowd, Removal.DELETE)
    other = other_to(account, one, exports.segment_of_everyone("Others"))
    run(one)
    manage.detach(other, by=None)
    leave(crowd, CROWD[0])
    assert run(one).to_remove == 0
    other.segments.clear()
    assert run(one).to_remove == 1  # it never wanted a contact in a run


@pytest.mark.parametrize("by", ["the other export", "the export itself"])
def test_contacts_that_are_wanted_again_after_the_plan_stay(
    account: RunningSandbox, crowd: Segment, by: str
) -> None:
    others = exports.segment_of_everyone("Others")
    leave(others, CROWD[0])
    one = export_of(account, crowd, Removal.DELETE)
    other_to(account, one, others)
    run(one)
    leave(others, CROWD[1])
    leave(crowd, *CROWD[:2])
    started = runs.start_run(one, by=None)
    with pytest.raises(Killed), mock.patch.object(record, "mark_sending", side_effect=Killed):
        pipeline.run_slice(started.pk)  # dies before the first removal is sent
    Run.objects.filter(pk=started.pk).update(lease_until=None)
    wanting = others if by == "the other export" else crowd
    join(wanting, CROWD[0])
    Segment.objects.filter(pk=wanting.pk).update(refreshed_at=clock.now())
    pipeline.run_slice(started.pk)
    started.refresh_from_db()
    assert (started.to_remove, started.removed, adds_up(started)) == (1, 1, True)
    assert [states(account, one.list_id)[email] for email in CROWD[:2]] == ["Active", "Deleted"]


def test_a_policy_of_leaving_neither_removes_nor_protects(account: RunningSandbox, crowd: Segment) -> None:
    others = exports.segment_of_everyone("Others")
    deleting = export_of(account, crowd, Removal.DELETE)
    leaving = other_to(account, deleting, others, Removal.LEAVE)
    run(leaving)  # it has added all contacts
    run(deleting)
    leave(others, CROWD[0])
    leave(crowd, CROWD[0])
    assert run(leaving).to_remove == 0
    assert run(deleting).removed == 1


def test_the_run_that_comes_last_removes_by_its_own_policy(account: RunningSandbox, crowd: Segment) -> None:
    others = exports.segment_of_everyone("Others")
    deleting = export_of(account, crowd, Removal.DELETE)
    marking = other_to(account, deleting, others, Removal.MARK)
    run(deleting)
    run(marking)
    leave(crowd, CROWD[0])
    leave(others, CROWD[0])
    assert run(marking).removed == 1
    assert marks(account, deleting.list_id) == {CROWD[0]}
    assert run(deleting).removed == 1  # it had wanted the contact too, which is still there
    assert states(account, deleting.list_id)[CROWD[0]] == "Deleted"


def test_what_a_list_tells_of_a_subscriber_is_known_to_all_exports_to_it(
    account: RunningSandbox, crowd: Segment, alice: User
) -> None:
    one = export_of(account, crowd, Removal.LEAVE)
    other = other_to(account, one, crowd)
    run(one)
    run(other)
    account.set_state([CROWD[0]], "Unsubscribed", one.list_id)
    rename(CROWD[0], "Changed")
    assert run(one).left == 1
    status = SubscriberStatus.objects.get(list_state__list_id=one.list_id)
    assert (status.email, status.code, status.source) == (CROWD[0], "206", StatusSource.SENDING)
    standings = {each.export: each.status for each in person.look_up(CROWD[0], by=alice).exports}
    assert standings == {one: ContactStatus.SUPPRESSED, other: ContactStatus.SUPPRESSED}
    account.set_state([CROWD[0]], "Active", one.list_id)
    rename(CROWD[0], "Changed again")
    assert run(other).delivered == 1
    assert not SubscriberStatus.objects.exists()


def test_a_removal_tells_that_a_subscriber_is_not_active(account: RunningSandbox, crowd: Segment) -> None:
    export = export_of(account, crowd, Removal.DELETE)
    run(export)
    account.set_state([CROWD[0]], "Bounced", export.list_id)
    leave(crowd, CROWD[0])
    assert run(export).kept == 1
    status = SubscriberStatus.objects.get()
    assert (status.email, status.code, status.source) == (CROWD[0], "not_active", StatusSource.REMOVING)


def test_an_export_removes_no_contact_that_it_never_wanted(account: RunningSandbox, crowd: Segment) -> None:
    others = exports.segment_of_everyone("Others")
    leave(crowd, CROWD[0])
    one = export_of(account, crowd, Removal.DELETE)
    other = other_to(account, one, others, Removal.LEAVE)
    run(other)
    run(one)
    leave(others, CROWD[0])
    run(other)
    assert run(one).to_remove == 0


def test_a_contact_that_a_removed_export_deleted_is_added_by_one_that_had_not_run(
    account: RunningSandbox, crowd: Segment
) -> None:
    others = exports.segment_of_everyone("Others")
    leave(others, *CROWD)
    one = export_of(account, crowd, Removal.DELETE)
    other = other_to(account, one, others)
    run(one)
    cleanup = list_cleanup.remove(one, CleanupSettings(Removal.DELETE, people=20), by=None)
    assert cleanup is not None
    while cleanup.is_open:
        pipeline.run_slice(cleanup.pk)
        cleanup.refresh_from_db()
    list_cleanup.finish_removals()
    join(others, CROWD[0])
    assert run(other).delivered == 1
    assert states(account, other.list_id)[CROWD[0]] == "Active"


def test_what_is_known_of_a_list_stays_until_its_last_export_is_removed(
    account: RunningSandbox, crowd: Segment
) -> None:
    one = export_of(account, crowd, Removal.DELETE)
    other = other_to(account, one, crowd)
    run(one)
    run(other)
    manage.remove(one, by=None)
    leave(crowd, CROWD[0])
    assert run(other).removed == 1  # added by one of our exports
    manage.remove(other, by=None)
    assert not ListState.objects.exists()
    assert not SyncedContact.objects.exists()


def test_two_connections_to_one_list_share_its_state_and_its_turn(account: RunningSandbox, crowd: Segment) -> None:
    first = export_of(account, crowd, Removal.DELETE)
    connection = exports.sandbox_connection(account, name="Second")
    second = export_of(account, crowd, Removal.DELETE, list_id=first.list_id, connection=connection, name="Second")
    assert first.connection != second.connection
    assert run(first).delivered == len(CROWD)
    assert run(second).planned == 0
    assert ListState.objects.filter(list_id=first.list_id).count() == 1
    working = runs.start_run(first, by=None)
    claimed = claim(working)
    assert claimed is not None
    assert check.check(claimed)
    waiting = runs.start_run(second, by=None)
    pipeline.run_slice(waiting.pk)
    waiting.refresh_from_db()
    assert (waiting.status, waiting.reason) == ("queued", Reason.LIST_BUSY)
