"""Restoring the subscribers that a run removed, as the button on its page does."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from config.platform.accounts.models import User
from config.platform.audit.models import AuditEntry
from exports.models import Export, Origin, Removal, RemovedContact, Run, SyncedContact
from exports.removal import restore as removal_restore
from exports.run import pipeline
from segments.models import Segment
from tests.support.members import CROWD, join, leave, states
from tests.support.removals import export_of, marks, run
from tests.support.sandbox import RunningSandbox

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("quick")]


def removed_three(account: RunningSandbox, crowd: Segment, removal: Removal) -> tuple[Export, Run]:
    """An export whose last run removed three subscribers."""
    export = export_of(account, crowd, removal)
    run(export)
    leave(crowd, *CROWD[:3])
    ended = run(export)
    assert ended.removed == 3
    return export, ended


def at_list(removing: Run, *, minutes: int) -> str:
    """So many minutes before or after a run, as its list writes it."""
    clock_there = datetime.fromisoformat(removing.snapshot.clock_there)
    return str(clock_there + timedelta(minutes=minutes))


def restore(client: Client, removing: Run) -> Run:
    """Click the button, and let the worker end the run."""
    assert client.post(reverse("exports:restore_removed", args=[removing.pk])).status_code in (200, 302)
    started = Run.objects.latest("pk")
    while started.is_open:
        pipeline.run_slice(started.pk)
        started.refresh_from_db()
    return started


def test_deleted_subscribers_are_added_again_except_who_unsubscribed_or_signed_up_since(
    account: RunningSandbox, crowd: Segment, alice_client: Client
) -> None:
    export, removing = removed_three(account, crowd, Removal.DELETE)
    account.set_state([CROWD[1]], "Unsubscribed", export.list_id)
    account.set_state([CROWD[2]], "Active", export.list_id)
    dialog = alice_client.get(reverse("exports:restore_removed", args=[removing.pk])).content.decode()
    assert "3 subscribers will be restored." in dialog
    restored = restore(alice_client, removing)
    assert (restored.status, restored.delivered, restored.left) == ("successful", 1, 2)
    now = states(account, export.list_id)
    assert (now[CROWD[0]], now[CROWD[1]], now[CROWD[2]]) == ("Active", "Unsubscribed", "Active")
    assert SyncedContact.objects.get(email=CROWD[0]).origin == Origin.PRE_EXISTING
    assert AuditEntry.objects.filter(action="run", changes__has_key="restores").exists()
    page = alice_client.get(reverse("exports:run", args=[restored.pk])).content.decode()
    assert "Subscribers to restore" in page
    assert "Members of the segments" not in page
    people = reverse("exports:contacts", args=[restored.pk])
    assert CROWD[0] in alice_client.get(f"{people}?kind=delivered").content.decode()


def test_later_runs_do_not_remove_restored_subscribers_again(
    account: RunningSandbox, crowd: Segment, alice_client: Client
) -> None:
    export, removing = removed_three(account, crowd, Removal.DELETE)
    assert restore(alice_client, removing).delivered == 3
    assert run(export).to_remove == 0
    assert states(account, export.list_id)[CROWD[0]] == "Active"


def test_a_restore_whose_answer_was_lost_is_settled_by_the_next_attempt(
    account: RunningSandbox, crowd: Segment, alice_client: Client
) -> None:
    export, removing = removed_three(account, crowd, Removal.DELETE)
    account.faults({"rules": [{"kind": "cut_short", "path": "import", "times": 2}]})
    restored = restore(alice_client, removing)
    assert (restored.status, restored.delivered, restored.left) == ("successful", 3, 0)
    assert not RemovedContact.objects.exists()
    assert run(export).to_remove == 0


def test_a_restore_changes_nothing_that_guards_compare_with(
    account: RunningSandbox, crowd: Segment, alice_client: Client
) -> None:
    export, removing = removed_three(account, crowd, Removal.DELETE)
    leave(crowd, *CROWD[3:])
    assert restore(alice_client, removing).delivered == 3
    assert run(export).removal_guard == "empty"


def test_marks_are_cleared(account: RunningSandbox, crowd: Segment, alice_client: Client) -> None:
    export, removing = removed_three(account, crowd, Removal.MARK)
    assert restore(alice_client, removing).delivered == 3
    assert marks(account, export.list_id) == set()
    assert run(export).to_remove == 0


def test_unsubscribed_subscribers_are_restored_except_who_unsubscribed_at_another_time(
    account: RunningSandbox, crowd: Segment, alice_client: Client
) -> None:
    export, removing = removed_three(account, crowd, Removal.UNSUBSCRIBE)
    account.set_state(CROWD[1:3], "Active", export.list_id)  # a date changes with the state only
    account.set_state([CROWD[1]], "Unsubscribed", export.list_id, since=at_list(removing, minutes=3))
    account.set_state([CROWD[2]], "Unsubscribed", export.list_id, since=at_list(removing, minutes=-1))
    dialog = alice_client.get(reverse("exports:restore_removed", args=[removing.pk])).content.decode()
    assert "3 unsubscribed subscribers are subscribed again" in dialog
    restored = restore(alice_client, removing)
    assert (restored.status, restored.delivered, restored.left) == ("successful", 1, 2)
    now = states(account, export.list_id)
    assert (now[CROWD[0]], now[CROWD[1]], now[CROWD[2]]) == ("Active", "Unsubscribed", "Unsubscribed")
    assert restored.outcomes.filter(kind="left", code="own_unsubscribe").count() == 2
    people = reverse("exports:contacts", args=[restored.pk])
    assert "at another time than this run" in alice_client.get(f"{people}?kind=suppressed").content.decode()
    assert removal_restore.count(removing) == removal_restore.Restorable(gone=3)
    assert run(export).to_remove == 0


def test_unsubscribed_subscribers_who_are_members_again_and_were_refused_are_restored(
    account: RunningSandbox, crowd: Segment, alice_client: Client
) -> None:
    export, removing = removed_three(account, crowd, Removal.UNSUBSCRIBE)
    join(crowd, *CROWD[:3])
    assert run(export).left == 3
    assert restore(alice_client, removing).delivered == 3
    assert states(account, export.list_id)[CROWD[0]] == "Active"


def test_unsubscribed_subscribers_stay_while_the_time_of_the_run_at_the_list_is_unknown(
    account: RunningSandbox, crowd: Segment, alice_client: Client
) -> None:
    _export, removing = removed_three(account, crowd, Removal.UNSUBSCRIBE)
    Run.objects.filter(pk=removing.pk).update(snapshot=replace(removing.snapshot, clock_zone_known=False))
    assert removal_restore.count(removing) == removal_restore.Restorable(undated=3)
    Run.objects.filter(pk=removing.pk).update(snapshot=replace(removing.snapshot, clock_there=""))
    assert removal_restore.count(removing) == removal_restore.Restorable(undated=3)
    answer = alice_client.post(reverse("exports:restore_removed", args=[removing.pk]))
    assert answer.status_code == 409
    assert "None of these subscribers can be restored anymore." in answer.content.decode()


def test_a_lost_answer_to_restoring_unsubscribed_subscribers_is_settled_by_the_next_attempt(
    account: RunningSandbox, crowd: Segment, alice_client: Client
) -> None:
    export, removing = removed_three(account, crowd, Removal.UNSUBSCRIBE)
    account.faults({"rules": [{"kind": "cut_short", "path": "import", "times": 1}]})
    restored = restore(alice_client, removing)
    assert (restored.status, restored.delivered, restored.left) == ("successful", 3, 0)
    assert states(account, export.list_id)[CROWD[0]] == "Active"


def test_a_confirmed_opt_in_list_asks_restored_subscribers_to_confirm_again(
    account: RunningSandbox, crowd: Segment, alice_client: Client
) -> None:
    list_id = account.create_list("Confirmed", confirmed=True, scope="OnlyThisList", fields=[("Left", "Text")])
    export = export_of(account, crowd, Removal.UNSUBSCRIBE, list_id=list_id)
    Export.objects.filter(pk=export.pk).update(opt_in_mail_accepted=True)
    export.refresh_from_db()
    run(export)
    account.set_state(CROWD, "Active", list_id)
    leave(crowd, *CROWD[:3])
    removing = run(export)
    assert removing.removed == 3
    dialog = alice_client.get(reverse("exports:restore_removed", args=[removing.pk])).content.decode()
    assert "get an email to confirm" in dialog
    assert restore(alice_client, removing).delivered == 3
    assert {states(account, list_id)[email] for email in CROWD[:3]} == {"Unconfirmed"}


def test_marks_that_were_changed_since_and_who_unsubscribed_since_are_left(
    account: RunningSandbox, crowd: Segment, alice_client: Client
) -> None:
    export, removing = removed_three(account, crowd, Removal.MARK)
    account.set_state([CROWD[0]], "Unsubscribed", export.list_id)
    changed = {"EmailAddress": CROWD[1], "CustomFields": [{"Key": "Left", "Value": "Moved"}]}
    account.import_people([changed | {"ConsentToTrack": "Unchanged"}], export.list_id)
    restored = restore(alice_client, removing)
    assert (restored.status, restored.delivered, restored.left) == ("successful", 1, 2)
    person = next(each for each in account.people(export.list_id) if each["EmailAddress"] == CROWD[1])
    assert {"Key": "Left", "Value": "Moved"} in person["CustomFields"]
    assert states(account, export.list_id)[CROWD[0]] == "Unsubscribed"
    assert list(RemovedContact.objects.values_list("email", flat=True)) == [CROWD[0]]  # still carries the mark
    codes = dict(restored.outcomes.filter(kind="left").values_list("email", "code"))
    assert codes == {CROWD[0]: "not_active", CROWD[1]: "mark_changed"}


def test_a_second_click_starts_no_second_run(
    account: RunningSandbox, crowd: Segment, alice_client: Client
) -> None:
    _export, removing = removed_three(account, crowd, Removal.DELETE)
    url = reverse("exports:restore_removed", args=[removing.pk])
    alice_client.post(url)
    assert alice_client.post(url).status_code == 409
    started = Run.objects.latest("pk")
    while started.is_open:
        pipeline.run_slice(started.pk)
        started.refresh_from_db()
    assert not RemovedContact.objects.filter(run_id=removing.pk).exists()
    assert alice_client.post(url).status_code == 409
    assert Run.objects.filter(options__has_key="restores").count() == 1


def test_only_who_may_run_the_export_restores(
    account: RunningSandbox, crowd: Segment, charlie_client: Client, alice: User
) -> None:
    _export, removing = removed_three(account, crowd, Removal.DELETE)
    url = reverse("exports:restore_removed", args=[removing.pk])
    assert charlie_client.post(url).status_code == 403
    assert "restore-removed" not in charlie_client.get(reverse("exports:run", args=[removing.pk])).content.decode()
