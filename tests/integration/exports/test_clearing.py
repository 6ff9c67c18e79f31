"""A list that an export leaves, for another one or for good: what becomes of those whom it has brought there."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from pytest_django import Settings

from config.accounts.models import User
from config.audit.models import AuditEntry
from config.jobs.models import JobStatus
from connections import removal
from connections.models import Connection
from connections.used_by import Verb
from exports import actions, parting, person_lookup, policies, removing, running
from exports.clearing import Clearing, LeftBehind
from exports.models import Delivered, Export, Removal, Run
from exports.parting_form import PartingForm
from exports.person_lookup import Standing
from exports.run_states import Reason
from segments.models import Segment
from tests import exporting
from tests.integration.exports.conftest import run_to_its_end
from tests.integration.exports.test_export_pane import complete, edit_url
from tests.leaving import adds_up, crowd_of, join, leave, states
from tests.processes import worker_processes
from tests.sandbox import RunningSandbox
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

CROWD = [f"p{n:02}@example.com" for n in range(8)]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("config.jobs.backoff.FIRST_SECONDS", 0.02)


@pytest.fixture
def crowd(account: RunningSandbox, db: None) -> Segment:
    return crowd_of(CROWD)


@pytest.fixture
def old_list(account: RunningSandbox) -> str:
    return account.create_list("Old", scope="OnlyThisList", fields=[("Left", "Text")])


@pytest.fixture
def new_list(account: RunningSandbox) -> str:
    return account.create_list("New", scope="OnlyThisList")


@pytest.fixture
def shop(account: RunningSandbox, shared: Connection, crowd: Segment, old_list: str, bob: User) -> Export:
    """Bob's export, which has brought everybody to the old list."""
    mapping = [{"attribute": "first_name", "field": "name"}]
    export = exporting.export_to(account, shared, crowd, list_id=old_list, mapping=mapping, name="Shop", by=bob)
    assert run_to_its_end(export).delivered == len(CROWD)
    return export


def typed(account: RunningSandbox, export: Export, list_id: str, **changes: Any) -> dict[str, Any]:
    """The pane of the export as it is posted, with another list."""
    assert export.connection is not None
    data = complete(account, export.connection, export.segments.get(), list_id=list_id)
    export.refresh_from_db()
    same = {"name": export.name, "map_attribute": ["first_name"], "map_field": ["name"]}
    return data | same | {"version": export.version} | changes


def moved(account: RunningSandbox, export: Export, list_id: str, client: Client, **changes: Any) -> Run | None:
    """The clearing that follows from saving the export with another list."""
    answer = client.post(edit_url(export), typed(account, export, list_id, **changes))
    assert answer.status_code == 302, answer.content.decode()
    export.refresh_from_db()
    return export.runs.filter(clears__isnull=False).order_by("pk").last()


def to_its_end(run: Run) -> Run:
    while run.is_open:
        running.carry_on(run.pk)
        run.refresh_from_db()
    assert adds_up(run)
    return run


def is_gone(export: Export) -> bool:
    return not Export.objects.filter(pk=export.pk).exists()


# -- another list ----------------------------------------------------------------------------------------------


def test_the_pane_asks_what_becomes_of_people_on_the_list_that_is_left(
    bob_client: Client, account: RunningSandbox, shop: Export, new_list: str
) -> None:
    address = f"/data/exports/parts/?changed=list_pick&export={shop.pk}"
    asked = bob_client.post(address, typed(account, shop, "", list_pick=new_list)).content.decode()
    assert "What becomes of 8 people whom this export has brought to “Old”?" in asked
    assert 'value="leave" checked' in asked
    assert "Cannot be undone from here: only the person can subscribe again." in asked
    stays = bob_client.post(address, typed(account, shop, "", list_pick=shop.list_id)).content.decode()
    assert "this export has brought" not in stays


def test_they_stay_unless_somebody_chooses_otherwise(
    bob_client: Client, account: RunningSandbox, shop: Export, new_list: str, old_list: str, bob: User
) -> None:
    assert moved(account, shop, new_list, bob_client) is None
    assert run_to_its_end(shop).delivered == len(CROWD)
    assert set(states(account, old_list).values()) == {"Active"}
    found = person_lookup.look_up(CROWD[0], by=bob)
    assert [(each.standing, each.elsewhere) for each in found.exports] == [(Standing.DELIVERED, ["Old"])]
    moved(account, shop, old_list, bob_client)
    assert run_to_its_end(shop).reason == Reason.NOTHING_CHANGED  # what it knew of the old list holds again


def test_only_whom_the_export_alone_has_brought_is_taken_off(
    bob_client: Client, account: RunningSandbox, shop: Export, new_list: str, old_list: str, shared: Connection
) -> None:
    fans = exporting.segment_of_everyone("Fans")
    leave(fans, *CROWD[1:])
    exporting.export_to(account, shared, fans, list_id=old_list, name="Other")
    account.set_state(CROWD[1:2], "Active", old_list, joined="2020-01-01 00:00:00")
    Delivered.objects.filter(email=CROWD[1]).update(origin=0)
    account.set_state(CROWD[2:3], "Unsubscribed", old_list)
    clearing = moved(account, shop, new_list, bob_client, behind="delete", behind_people="7")
    assert clearing is not None
    ended = to_its_end(clearing)
    assert (ended.status, ended.to_remove, ended.removed, ended.kept) == (JobStatus.SUCCESSFUL, 7, 5, 2)
    after = states(account, old_list)
    assert [after[email] for email in CROWD[:3]] == ["Active", "Active", "Unsubscribed"]
    assert {after[email] for email in CROWD[3:]} == {"Deleted"}
    assert run_to_its_end(shop).delivered == len(CROWD)  # the new list is a matter of its own
    assert AuditEntry.objects.get(action="cleared").changes["removal"][1]["how"] == "delete"
    used = bob_client.get(f"/data/runs/{ended.pk}/settings/").content.decode()
    assert "People on the list that is left" in used
    people = bob_client.get(f"/data/runs/{ended.pk}/people/").content.decode()
    assert CROWD[7] in people
    assert "Members of the segments" not in people
    page = bob_client.get(f"/data/runs/{ended.pk}/").content.decode()
    assert "Clearing" in page
    assert "Who is taken off the list" in page
    assert "Clearing of “Old”" in bob_client.get(f"/data/exports/{shop.pk}/runs/").content.decode()


def test_they_are_marked_in_a_field_of_the_list_that_is_left(
    bob_client: Client, account: RunningSandbox, shop: Export, new_list: str, old_list: str
) -> None:
    wrong = typed(account, shop, new_list, behind="mark", behind_field="[Nope]", behind_people="8")
    refused = bob_client.post(edit_url(shop), wrong)
    assert refused.status_code == 422
    assert "no text field [Nope]" in refused.content.decode()
    mark = {"behind": "mark", "behind_field": "[Left]", "behind_value": "moved", "behind_people": "8"}
    clearing = moved(account, shop, new_list, bob_client, **mark)
    assert clearing is not None
    assert to_its_end(clearing).removed == len(CROWD)
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
    assert "That cannot be done" in refused.content.decode()
    clearing = moved(account, shop, new_list, alice_client, **chosen)
    assert clearing is not None
    assert to_its_end(clearing).removed == len(CROWD)
    assert set(states(account, with_field).values()) == {"Unsubscribed"}


def test_the_limits_of_the_connection_hold_for_the_list_that_is_left(
    bob_client: Client, account: RunningSandbox, shop: Export, new_list: str, bob: User
) -> None:
    connection = shop.connection
    assert connection is not None
    clearing = start(shop, new_list, bob)
    connection.limits = replace(connection.limited, may_remove=False).keep()
    connection.save()
    ended = to_its_end(clearing)
    assert (ended.status, ended.reason) == (JobStatus.CANCELED, Reason.NOT_TO_BE_CLEARED)
    connection.limits = replace(connection.limited, lists=(new_list,)).keep()
    connection.save()
    asked = PartingForm(bob, shop, LeftBehind(clearing.clears, connection), {})  # type: ignore[arg-type]
    assert [removal for removal, _help in asked.removals] == [Removal.LEAVE]


def test_a_stale_save_takes_nobody_off(
    bob_client: Client, account: RunningSandbox, shop: Export, new_list: str, old_list: str, charlie: User
) -> None:
    chosen = typed(account, shop, new_list, behind="delete", behind_people="8")
    Export.objects.filter(pk=shop.pk).update(version=shop.version + 1)
    shown = bob_client.post(edit_url(shop), chosen)
    assert shown.status_code == 409
    assert 'value="delete" checked' in shown.content.decode()  # what was chosen is not lost
    with pytest.raises(PermissionDenied):
        parting.remove(shop, Clearing("delete", people=8), by=charlie)
    assert not shop.runs.filter(clears__isnull=False).exists()


def test_nobody_chooses_without_having_seen_how_many_they_are(
    bob_client: Client, account: RunningSandbox, shop: Export, new_list: str
) -> None:
    refused = bob_client.post(edit_url(shop), typed(account, shop, new_list, behind="delete"))
    assert "Look at the number of people first" in refused.content.decode()


def test_who_was_taken_off_comes_back_when_the_export_goes_there_again(
    bob_client: Client, account: RunningSandbox, shop: Export, new_list: str, old_list: str
) -> None:
    clearing = moved(account, shop, new_list, bob_client, behind="delete", behind_people="8")
    assert clearing is not None
    to_its_end(clearing)
    moved(account, shop, old_list, bob_client)
    assert run_to_its_end(shop).delivered == len(CROWD)
    assert set(states(account, old_list).values()) == {"Active"}


def test_going_back_stops_the_clearing(
    bob_client: Client, account: RunningSandbox, shop: Export, new_list: str, old_list: str
) -> None:
    clearing = moved(account, shop, new_list, bob_client, behind="delete", behind_people="8")
    assert clearing is not None
    moved(account, shop, old_list, bob_client)
    assert to_its_end(clearing).status == JobStatus.CANCELED
    assert set(states(account, old_list).values()) == {"Active"}
    assert run_to_its_end(shop).reason == Reason.NOTHING_CHANGED


def test_many_more_than_were_seen_are_held_until_somebody_confirms(
    bob_client: Client, account: RunningSandbox, shop: Export, new_list: str, old_list: str
) -> None:
    more = [f"more{n:02}@example.com" for n in range(12)]
    exporting.profiles([{"email": email, "first_name": "More"} for email in more])
    join(shop.segments.get(), *more)
    run_to_its_end(shop)
    clearing = moved(account, shop, new_list, bob_client, behind="delete", behind_people="8")
    assert clearing is not None
    held = to_its_end(clearing)
    assert (held.status, held.removals_held, held.held_because) == (JobStatus.WARNINGS, 20, "grown")
    assert set(states(account, old_list).values()) == {"Active"}
    asked = bob_client.get(f"/data/runs/{held.pk}/confirm-removals/").content.decode()
    assert "Remove 20 people?" in asked
    bob_client.post(f"/data/runs/{held.pk}/confirm-removals/", {"people": "20"})
    again = shop.runs.filter(clears__isnull=False).latest("pk")
    assert to_its_end(again).removed == 20
    assert bob_client.get(f"/data/runs/{held.pk}/confirm-removals/").status_code == 409


# -- a list that was left earlier ------------------------------------------------------------------------------


def test_who_was_left_there_can_be_taken_off_later(
    bob_client: Client, account: RunningSandbox, shop: Export, new_list: str, old_list: str
) -> None:
    runs, address = f"/data/exports/{shop.pk}/runs/", earlier_url(shop)
    assert "earlier lists" not in bob_client.get(runs).content.decode()
    moved(account, shop, new_list, bob_client)
    run_to_its_end(shop)
    assert "Old: 8 people" in bob_client.get(runs).content.decode()
    asked = bob_client.get(address).content.decode()
    assert "What becomes of 8 people whom this export has brought to “Old”?" in asked
    assert bob_client.post(address, {"behind": "leave", "behind_people": "8"}).headers["Location"] == runs
    assert bob_client.post(address, {"behind": "delete"}).status_code == 422
    chosen = {"behind": "delete", "behind_people": "8"}
    answer = bob_client.post(address, chosen)
    clearing = shop.runs.get(clears__isnull=False)
    assert answer.headers["Location"] == f"/data/runs/{clearing.pk}/"
    assert AuditEntry.objects.get(action="cleared").changes["removal"][1]["how"] == "delete"
    assert f"Run {clearing.number} takes people off" in bob_client.get(runs).content.decode()
    again = bob_client.post(address, chosen)
    assert again.status_code == 409
    assert "already under way" in again.content.decode()
    assert to_its_end(clearing).removed == len(CROWD)
    assert set(states(account, old_list).values()) == {"Deleted"}
    assert set(states(account, new_list).values()) == {"Active"}
    assert "earlier lists" not in bob_client.get(runs).content.decode()
    assert bob_client.get(address).status_code == 409


def test_a_page_does_not_wait_until_they_are_counted(
    bob_client: Client, account: RunningSandbox, shop: Export, new_list: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asks = {"HX-Request": "true"}
    parts = f"/data/exports/parts/?export={shop.pk}&changed="
    data = typed(account, shop, "", list_pick=new_list)
    with monkeypatch.context() as impossible:
        impossible.setattr(removing, "count_all", None)
        first = bob_client.get(f"/data/exports/{shop.pk}/remove/", headers=asks).content.decode()
        pane = bob_client.post(f"{parts}list_pick", data, headers=asks).content.decode()
    assert "Counting the people" in first
    assert "changed=left_behind" in pane
    then = bob_client.get(f"/data/exports/{shop.pk}/remove/?counted=1", headers=asks).content.decode()
    assert "What becomes of 8 people" in then
    chosen = data | {"list_id": new_list, "behind": "delete"}
    counted = bob_client.post(f"{parts}left_behind", chosen, headers=asks).content.decode()
    assert "What becomes of 8 people" in counted
    assert 'value="delete" checked' in counted


def test_a_dialog_about_an_earlier_list_is_stale_once_the_export_goes_there_again(
    bob_client: Client, account: RunningSandbox, shop: Export, new_list: str, old_list: str
) -> None:
    address = earlier_url(shop)
    moved(account, shop, new_list, bob_client)
    moved(account, shop, old_list, bob_client)
    stale = bob_client.post(address, {"behind": "delete", "behind_people": "8"})
    assert stale.status_code == 409
    assert "sends to this list again" in stale.content.decode()
    assert not shop.runs.filter(clears__isnull=False).exists()


def test_earlier_lists_are_cleared_by_whoever_manages_the_export_and_may_use_a_way_there(
    bob_client: Client, charlie_client: Client, account: RunningSandbox, shop: Export, new_list: str, bob: User
) -> None:
    address = earlier_url(shop)
    moved(account, shop, new_list, bob_client)
    shown = charlie_client.get(f"/data/exports/{shop.pk}/runs/").content.decode()
    assert "Old: 8 people" in shown
    assert address not in shown
    assert charlie_client.post(address, {"behind": "delete", "behind_people": "8"}).status_code == 403
    Export.objects.filter(pk=shop.pk).update(connection=None)
    Connection.objects.update(allowed_roles=[])
    asked = bob_client.get(address).content.decode()
    assert "No connection leads to this list any more" in asked
    assert bob_client.post(address, {"behind": "delete", "behind_people": "8"}).status_code == 422
    assert not shop.runs.filter(clears__isnull=False).exists()


def earlier_url(export: Export) -> str:
    """Of the dialog about the list that the export knows now."""
    return f"/data/exports/{export.pk}/earlier/{export.delivered_sets.earliest('pk').pk}/"


# -- the clearing itself ---------------------------------------------------------------------------------------


def test_it_works_beside_a_run_to_the_new_list_and_after_one_to_the_old(
    account: RunningSandbox, shop: Export, new_list: str, bob: User
) -> None:
    working = actions.start_run(shop, by=bob)
    Run.objects.filter(pk=working.pk).update(status="processing", account=shop.connection.account)  # type: ignore[union-attr]
    Run.objects.filter(pk=working.pk).update(list_id=shop.list_id)
    clearing = start(shop, new_list, bob)
    running.carry_on(clearing.pk)
    clearing.refresh_from_db()
    assert (clearing.status, clearing.reason) == (JobStatus.QUEUED, Reason.LIST_BUSY)
    Run.objects.filter(pk=working.pk).update(status="canceled", finished_at=working.created_at)
    newer = actions.start_run(shop, by=bob)
    Run.objects.filter(pk=newer.pk).update(status="processing", account="x", list_id=new_list)
    Run.objects.filter(pk=clearing.pk).update(resume_at=None)
    assert to_its_end(clearing).removed == len(CROWD)


def test_a_lost_answer_and_a_dead_worker_change_nothing(
    account: RunningSandbox, shop: Export, new_list: str, old_list: str, bob: User
) -> None:
    clearing = start(shop, new_list, bob)
    account.faults({"rules": [{"kind": "cut_short", "method": "DELETE", "times": 1, "skip": 2}]})
    ended = to_its_end(clearing)
    assert (ended.removed, ended.kept) == (len(CROWD), 0)
    assert set(states(account, old_list).values()) == {"Deleted"}


def test_what_may_pass_is_tried_again_by_itself(
    account: RunningSandbox, shop: Export, new_list: str, bob: User, settings: Settings
) -> None:
    from exports import retries

    settings.RUN_RETRY_SECONDS = 0
    clearing = start(shop, new_list, bob)
    Run.objects.filter(pk=clearing.pk).update(troubles=9)
    account.faults({"rules": [{"kind": "error", "status": 500, "times": 1}]})
    assert to_its_end(clearing).status == JobStatus.FAILURE
    retries.start_due()
    again = shop.runs.filter(clears__isnull=False).latest("pk")
    assert (again.retry_of, again.options) == (clearing, clearing.options)
    assert to_its_end(again).removed == len(CROWD)


def test_removing_the_connection_stops_what_goes_over_it(
    account: RunningSandbox, shop: Export, new_list: str, bob: User, alice: User, old_list: str
) -> None:
    elsewhere = exporting.sandbox_connection(account, by=alice, name="Elsewhere")
    old = shop.connection
    assert old is not None
    clearing = start(shop, new_list, bob, connection=elsewhere)
    assert clearing.clears_over == old
    verbs = {f"run-{clearing.pk}": Verb.DETACH}
    assert not removal.remove(by=alice, connection=old, verbs=verbs)
    assert to_its_end(clearing).status == JobStatus.CANCELED
    assert removal.finish(old.pk)
    assert not Connection.objects.filter(pk=old.pk).exists()
    clearing.refresh_from_db()
    assert set(states(account, old_list).values()) == {"Active"}


# -- removing the export ---------------------------------------------------------------------------------------


def test_removing_asks_and_leaves_people_by_default(
    bob_client: Client, account: RunningSandbox, shop: Export, old_list: str
) -> None:
    address = f"/data/exports/{shop.pk}/remove/"
    assert "What becomes of 8 people" in bob_client.get(address).content.decode()
    assert bob_client.post(address, {"behind": "leave"}).status_code == 302
    assert is_gone(shop)
    assert set(states(account, old_list).values()) == {"Active"}


def test_an_export_goes_once_its_people_are_off_the_list(
    bob_client: Client, account: RunningSandbox, shop: Export, old_list: str, bob: User
) -> None:
    address = f"/data/exports/{shop.pk}/remove/"
    answer = bob_client.post(address, {"behind": "delete", "behind_people": "8"})
    clearing = shop.runs.get(clears__isnull=False)
    assert answer["Location"] == f"/data/runs/{clearing.pk}/"
    assert "Being removed" in bob_client.get("/data/exports/").content.decode()
    parting.finish_removals()
    shop.refresh_from_db()
    for refused in (lambda: actions.start_run(shop, by=bob), lambda: actions.detach(shop, by=bob)):
        with pytest.raises(policies.Refusal, match="is being removed"):
            refused()
    assert bob_client.post(edit_url(shop), typed(account, shop, old_list)).status_code == 422
    assert bob_client.post(address, {"behind": "leave"}).status_code == 409
    assert to_its_end(clearing).removed == len(CROWD)
    parting.finish_removals()
    assert is_gone(shop)
    assert set(states(account, old_list).values()) == {"Deleted"}
    assert AuditEntry.objects.get(action="removed").actor_name == str(bob)
    gone = bob_client.get(f"/data/runs/{clearing.pk}/live/", headers={"HX-Request": "true"})
    assert gone["HX-Redirect"] == "/data/exports/"
    status = bob_client.get(f"/data/exports/statuses/?ids={shop.pk}").content.decode()
    assert "Removed" in status


def test_an_export_is_kept_when_its_clearing_is_canceled_or_fails(
    bob_client: Client, account: RunningSandbox, shop: Export, bob: User
) -> None:
    run = parting.remove(shop, Clearing("delete", people=8), by=bob)
    assert run is not None
    asked = bob_client.get(f"/data/runs/{run.pk}/cancel/").content.decode()
    assert "The export is kept." in asked
    bob_client.post(f"/data/runs/{run.pk}/cancel/")
    assert to_its_end(run).status == JobStatus.CANCELED
    parting.finish_removals()
    shop.refresh_from_db()
    assert not shop.is_being_removed
    assert run_to_its_end(shop).reason == Reason.NOTHING_CHANGED
    page = bob_client.get(f"/data/runs/{run.pk}/").content.decode()
    assert 'id="clear-again"' in page
    assert "Nobody was taken off the list." in page
    assert "to take off the rest" in page


def test_without_a_way_to_the_list_they_can_only_stay(
    bob_client: Client, account: RunningSandbox, shop: Export, bob: User
) -> None:
    actions.detach(shop, by=bob)
    address = f"/data/exports/{shop.pk}/remove/"
    assert "No connection leads to this list any more" in bob_client.get(address).content.decode()
    assert bob_client.post(address, {"behind": "delete", "behind_people": "8"}).status_code == 422
    assert bob_client.post(address).status_code == 302
    assert is_gone(shop)


@pytest.mark.drill
@pytest.mark.processes
def test_it_goes_on_though_the_worker_was_killed(
    account: RunningSandbox, shop: Export, bob: User, old_list: str, tmp_path: Path
) -> None:
    account.faults({"latency_ms": 300})
    with worker_processes(tmp_path / "var", env={"LEASE_SECONDS": "2"}) as workers:
        run = parting.remove(shop, Clearing("delete", people=8), by=bob)
        wait_until(lambda: "Deleted" in states(account, old_list).values())
        workers.kill("work")
        assert Run.objects.filter(pk__in=[run.pk if run else 0], removed=0).exists()
        account.clear_faults()
        workers.start("work")
        wait_until(lambda: is_gone(shop))
    assert set(states(account, old_list).values()) == {"Deleted"}


def start(export: Export, list_id: str, by: User, *, connection: Connection | None = None) -> Run:
    """Let the export go to another list, and everybody be deleted from the old one."""
    export.refresh_from_db()
    settings = actions.ExportSettings(
        name=export.name,
        connection=connection or export.connection,
        list_id=list_id,
        email_attribute=export.email_attribute,
        segments=list(export.segments.all()),
        mapping=export.mapping,
        answers=export.answers,
    )
    parting.move(export, settings, Clearing(Removal.DELETE, people=8), version=export.version, by=by)
    export.refresh_from_db()
    return export.runs.filter(clears__isnull=False).latest("pk")
