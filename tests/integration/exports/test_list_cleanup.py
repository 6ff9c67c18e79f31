"""An export moves to another list: what becomes of the contacts that it added to the former one."""

from dataclasses import replace

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from pytest_django import Settings

from config.platform.accounts.models import User
from config.platform.audit.models import AuditEntry
from config.platform.jobs.models import JobStatus
from connections import actions
from connections.hooks import OnRemoval
from connections.models import Connection
from exports.actions import list_cleanup, runs
from exports.forms.removal_fields import CleanupForm
from exports.models import Export, Removal, Run, SyncedContact
from exports.removal.list_cleanup import AbandonedList, CleanupSettings
from exports.reporting import person as reporting_person
from exports.reporting.person import ContactStatus
from exports.run import pipeline
from exports.state.status import Reason
from tests.integration.exports.conftest import run_to_its_end
from tests.integration.exports.test_export_pane import edit_url
from tests.support import exports
from tests.support.former_lists import CROWD, crowd, moved, new_list, old_list, shop, start, to_its_end, typed
from tests.support.members import join, leave, states
from tests.support.profiles import create_profiles
from tests.support.sandbox import RunningSandbox

__all__ = ["crowd", "new_list", "old_list", "shop"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("quick")]

# -- another list ----------------------------------------------------------------------------------------------


def test_the_pane_asks_what_becomes_of_people_on_the_list_that_is_left(
    bob_client: Client, account: RunningSandbox, shop: Export, new_list: str
) -> None:
    address = f"/data/exports/parts/?changed=list_pick&export={shop.pk}"
    asked = bob_client.post(address, typed(account, shop, "", list_pick=new_list)).content.decode()
    assert "What should happen to 8 contacts that this export added to “Old”?" in asked
    assert 'value="leave" checked' in asked
    assert "This cannot be undone here: only the subscriber can subscribe again." in asked
    stays = bob_client.post(address, typed(account, shop, "", list_pick=shop.list_id)).content.decode()
    assert "only this export added" not in stays


def test_they_stay_unless_a_user_chooses_otherwise(
    bob_client: Client, account: RunningSandbox, shop: Export, new_list: str, old_list: str, bob: User
) -> None:
    assert moved(account, shop, new_list, bob_client) is None
    assert run_to_its_end(shop).delivered == len(CROWD)
    assert set(states(account, old_list).values()) == {"Active"}
    found = reporting_person.look_up(CROWD[0], by=bob)
    assert [(each.status, each.elsewhere) for each in found.exports] == [(ContactStatus.DELIVERED, ["Old"])]
    moved(account, shop, old_list, bob_client)
    assert run_to_its_end(shop).reason == Reason.NOTHING_CHANGED  # what it knew of the old list holds again


def test_only_contacts_that_the_export_alone_has_added_are_removed(
    bob_client: Client, account: RunningSandbox, shop: Export, new_list: str, old_list: str, shared: Connection
) -> None:
    fans = exports.segment_of_everyone("Fans")
    leave(fans, *CROWD[1:])
    exports.export_to(account, shared, fans, list_id=old_list, name="Other")
    account.set_state(CROWD[1:2], "Active", old_list, joined="2020-01-01 00:00:00")
    SyncedContact.objects.filter(email=CROWD[1]).update(origin=0)
    account.set_state(CROWD[2:3], "Unsubscribed", old_list)
    cleanup = moved(account, shop, new_list, bob_client, behind="delete", behind_people="7")
    assert cleanup is not None
    ended = to_its_end(cleanup)
    assert (ended.status, ended.to_remove, ended.removed, ended.kept) == (JobStatus.SUCCESSFUL, 7, 5, 2)
    after = states(account, old_list)
    assert [after[email] for email in CROWD[:3]] == ["Active", "Active", "Unsubscribed"]
    assert {after[email] for email in CROWD[3:]} == {"Deleted"}
    assert run_to_its_end(shop).delivered == len(CROWD)  # the new list is a matter of its own
    assert AuditEntry.objects.get(action="cleared").changes["removal"][1]["how"] == "delete"
    used = bob_client.get(f"/data/runs/{ended.pk}/settings/").content.decode()
    assert "When contacts leave the previous list" in used
    people = bob_client.get(f"/data/runs/{ended.pk}/contacts/").content.decode()
    assert CROWD[7] in people
    assert "Members of the segments" not in people
    page = bob_client.get(f"/data/runs/{ended.pk}/").content.decode()
    assert "List cleanup" in page
    assert "Contacts to remove" in page
    assert "List cleanup: “Old”" in bob_client.get(f"/data/exports/{shop.pk}/runs/").content.decode()


def test_they_are_marked_in_a_field_of_the_list_that_is_left(
    bob_client: Client, account: RunningSandbox, shop: Export, new_list: str, old_list: str
) -> None:
    wrong = typed(account, shop, new_list, behind="mark", behind_field="[Nope]", behind_people="8")
    refused = bob_client.post(edit_url(shop), wrong)
    assert refused.status_code == 422
    assert "no text field [Nope]" in refused.content.decode()
    mark = {"behind": "mark", "behind_field": "[Left]", "behind_value": "moved", "behind_people": "8"}
    cleanup = moved(account, shop, new_list, bob_client, **mark)
    assert cleanup is not None
    assert to_its_end(cleanup).removed == len(CROWD)
    fields = [person["CustomFields"] for person in account.people(old_list)]
    assert fields == [[{"Key": "Left", "Value": "moved"}]] * len(CROWD)


def test_only_an_administrator_unsubscribes_them_from_all_lists_of_the_client(
    bob_client: Client, alice_client: Client, account: RunningSandbox, shop: Export, new_list: str, old_list: str
) -> None:
    with_field = account.create_list("All", scope="AllClientLists")
    moved(account, shop, with_field, bob_client)
    run_to_its_end(shop)
    chosen = {"behind": "unsubscribe", "behind_people": "8"}
    refused = bob_client.post(edit_url(shop), typed(account, shop, new_list, **chosen))
    assert refused.status_code == 422
    assert "This choice is not available" in refused.content.decode()
    cleanup = moved(account, shop, new_list, alice_client, **chosen)
    assert cleanup is not None
    assert to_its_end(cleanup).removed == len(CROWD)
    assert set(states(account, with_field).values()) == {"Unsubscribed"}


def test_the_limits_of_the_connection_hold_for_the_list_that_is_left(
    bob_client: Client, account: RunningSandbox, shop: Export, new_list: str, bob: User
) -> None:
    connection = shop.connection
    assert connection is not None
    cleanup = start(shop, new_list, bob)
    connection.limits = replace(connection.limited, may_remove=False).keep()
    connection.save()
    ended = to_its_end(cleanup)
    assert (ended.status, ended.reason) == (JobStatus.CANCELED, Reason.CLEANUP_NOT_NEEDED)
    connection.limits = replace(connection.limited, lists=(new_list,)).keep()
    connection.save()
    asked = CleanupForm(bob, shop, AbandonedList(cleanup.cleanup.delivered_set, connection), {})
    assert [removal for removal, _help in asked.removals] == [Removal.LEAVE]


def test_a_stale_save_removes_no_contact(
    bob_client: Client, account: RunningSandbox, shop: Export, new_list: str, old_list: str, charlie: User
) -> None:
    chosen = typed(account, shop, new_list, behind="delete", behind_people="8")
    Export.objects.filter(pk=shop.pk).update(version=shop.version + 1)
    shown = bob_client.post(edit_url(shop), chosen)
    assert shown.status_code == 409
    assert 'value="delete" checked' in shown.content.decode()  # what was chosen is not lost
    with pytest.raises(PermissionDenied):
        list_cleanup.remove(shop, CleanupSettings("delete", people=8), by=charlie)
    assert not shop.runs.filter(kind="list_cleanup").exists()


def test_no_user_chooses_without_having_seen_the_number(
    bob_client: Client, account: RunningSandbox, shop: Export, new_list: str
) -> None:
    refused = bob_client.post(edit_url(shop), typed(account, shop, new_list, behind="delete"))
    assert "Check the number of contacts first" in refused.content.decode()


def test_who_was_taken_off_comes_back_when_the_export_goes_there_again(
    bob_client: Client, account: RunningSandbox, shop: Export, new_list: str, old_list: str
) -> None:
    cleanup = moved(account, shop, new_list, bob_client, behind="delete", behind_people="8")
    assert cleanup is not None
    to_its_end(cleanup)
    moved(account, shop, old_list, bob_client)
    assert run_to_its_end(shop).delivered == len(CROWD)
    assert set(states(account, old_list).values()) == {"Active"}


def test_going_back_stops_the_cleanup(
    bob_client: Client, account: RunningSandbox, shop: Export, new_list: str, old_list: str
) -> None:
    cleanup = moved(account, shop, new_list, bob_client, behind="delete", behind_people="8")
    assert cleanup is not None
    moved(account, shop, old_list, bob_client)
    assert to_its_end(cleanup).status == JobStatus.CANCELED
    assert set(states(account, old_list).values()) == {"Active"}
    assert run_to_its_end(shop).reason == Reason.NOTHING_CHANGED


def test_many_more_than_were_seen_are_held_until_a_user_confirms(
    bob_client: Client, account: RunningSandbox, shop: Export, new_list: str, old_list: str
) -> None:
    more = [f"more{n:02}@example.com" for n in range(12)]
    create_profiles([{"email": email, "first_name": "More"} for email in more])
    join(shop.segments.get(), *more)
    run_to_its_end(shop)
    cleanup = moved(account, shop, new_list, bob_client, behind="delete", behind_people="8")
    assert cleanup is not None
    held = to_its_end(cleanup)
    assert (held.status, held.removals_held, held.removal_guard) == (JobStatus.WARNINGS, 20, "grown")
    assert set(states(account, old_list).values()) == {"Active"}
    asked = bob_client.get(f"/data/runs/{held.pk}/confirm-removals/").content.decode()
    assert "Remove 20 contacts?" in asked
    url = f"/data/runs/{held.pk}/confirm-removals/"
    assert bob_client.post(url, {"people": "20", "how": "unsubscribe"}).status_code == 409
    bob_client.post(url, {"people": "20", "how": "delete"})
    again = shop.runs.filter(kind="list_cleanup").latest("pk")
    assert to_its_end(again).removed == 20
    assert bob_client.get(f"/data/runs/{held.pk}/confirm-removals/").status_code == 409


# -- a list that was left earlier ------------------------------------------------------------------------------


# -- the cleanup itself ---------------------------------------------------------------------------------------


def test_it_works_beside_a_run_to_the_new_list_and_after_one_to_the_old(
    account: RunningSandbox, shop: Export, new_list: str, bob: User
) -> None:
    working = runs.start_run(shop, by=bob)
    Run.objects.filter(pk=working.pk).update(status="processing", account=shop.connection.account)  # type: ignore[union-attr]
    Run.objects.filter(pk=working.pk).update(list_id=shop.list_id)
    cleanup = start(shop, new_list, bob)
    pipeline.run_slice(cleanup.pk)
    cleanup.refresh_from_db()
    assert (cleanup.status, cleanup.reason) == (JobStatus.QUEUED, Reason.LIST_BUSY)
    Run.objects.filter(pk=working.pk).update(status="canceled", finished_at=working.created_at)
    newer = runs.start_run(shop, by=bob)
    Run.objects.filter(pk=newer.pk).update(status="processing", account="x", list_id=new_list)
    Run.objects.filter(pk=cleanup.pk).update(resume_at=None)
    assert to_its_end(cleanup).removed == len(CROWD)


def test_a_lost_answer_and_a_dead_worker_change_nothing(
    account: RunningSandbox, shop: Export, new_list: str, old_list: str, bob: User
) -> None:
    cleanup = start(shop, new_list, bob)
    account.faults({"rules": [{"kind": "cut_short", "method": "DELETE", "times": 1, "skip": 2}]})
    ended = to_its_end(cleanup)
    assert (ended.removed, ended.kept) == (len(CROWD), 0)
    assert set(states(account, old_list).values()) == {"Deleted"}


def test_what_may_pass_is_tried_again_by_itself(
    account: RunningSandbox, shop: Export, new_list: str, bob: User, settings: Settings
) -> None:
    from exports.actions import retries

    settings.RUN_RETRY_SECONDS = 0
    cleanup = start(shop, new_list, bob)
    Run.objects.filter(pk=cleanup.pk).update(errors=9)
    account.faults({"rules": [{"kind": "error", "status": 500, "times": 1}]})
    assert to_its_end(cleanup).status == JobStatus.FAILURE
    retries.start_due()
    again = shop.runs.filter(kind="list_cleanup").latest("pk")
    assert (again.retry_of, again.options) == (cleanup, cleanup.options)
    assert to_its_end(again).removed == len(CROWD)


def test_removing_the_connection_stops_what_goes_over_it(
    account: RunningSandbox, shop: Export, new_list: str, bob: User, alice: User, old_list: str
) -> None:
    elsewhere = exports.sandbox_connection(account, by=alice, name="Elsewhere")
    old = shop.connection
    assert old is not None
    cleanup = start(shop, new_list, bob, connection=elsewhere)
    assert cleanup.cleanup.connection == old
    choices = {f"run-{cleanup.pk}": OnRemoval.DETACH}
    assert not actions.remove(by=alice, connection=old, choices=choices)
    assert to_its_end(cleanup).status == JobStatus.CANCELED
    assert actions.finish_removal(old.pk)
    assert not Connection.objects.filter(pk=old.pk).exists()
    cleanup.refresh_from_db()
    assert set(states(account, old_list).values()) == {"Active"}
