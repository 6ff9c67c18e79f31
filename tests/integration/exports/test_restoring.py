"""Restoring the subscribers that a run removed, as the button on its page does."""

import pytest
from django.test import Client
from django.urls import reverse

from config.accounts.models import User
from config.audit.models import AuditEntry
from exports import restoring, running
from exports.models import Export, Origin, Removal, RemovedContact, Run, SyncedContact
from segments.models import Segment
from tests.leaving import CROWD, leave, states
from tests.removals import export_of, marks, run
from tests.sandbox import RunningSandbox

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("quick")]


def removed_three(account: RunningSandbox, crowd: Segment, removal: Removal) -> tuple[Export, Run]:
    """An export whose last run removed three subscribers."""
    export = export_of(account, crowd, removal)
    run(export)
    leave(crowd, *CROWD[:3])
    ended = run(export)
    assert ended.removed == 3
    return export, ended


def restore(client: Client, removing: Run) -> Run:
    """Click the button, and let the worker end the run."""
    assert client.post(reverse("exports:restore_removed", args=[removing.pk])).status_code in (200, 302)
    started = Run.objects.latest("pk")
    while started.is_open:
        running.carry_on(started.pk)
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
    assert SyncedContact.objects.get(email=CROWD[0]).origin == Origin.FOUND_THERE
    assert AuditEntry.objects.filter(action="run", changes__has_key="restores").exists()
    people = reverse("exports:people", args=[restored.pk])
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
    assert run(export).held_because == "empty"


def test_marks_are_cleared(account: RunningSandbox, crowd: Segment, alice_client: Client) -> None:
    export, removing = removed_three(account, crowd, Removal.MARK)
    assert restore(alice_client, removing).delivered == 3
    assert marks(account, export.list_id) == set()
    assert run(export).to_remove == 0


def test_subscribers_that_the_run_unsubscribed_are_not_restored(
    account: RunningSandbox, crowd: Segment, alice_client: Client
) -> None:
    _export, removing = removed_three(account, crowd, Removal.UNSUBSCRIBE)
    assert restoring.count(removing).unsubscribed == 3
    answer = alice_client.post(reverse("exports:restore_removed", args=[removing.pk]))
    assert answer.status_code == 409
    assert "None of them can be restored any more." in answer.content.decode()


def test_a_second_click_starts_no_second_run(
    account: RunningSandbox, crowd: Segment, alice_client: Client
) -> None:
    _export, removing = removed_three(account, crowd, Removal.DELETE)
    url = reverse("exports:restore_removed", args=[removing.pk])
    alice_client.post(url)
    assert alice_client.post(url).status_code == 409
    started = Run.objects.latest("pk")
    while started.is_open:
        running.carry_on(started.pk)
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
