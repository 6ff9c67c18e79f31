"""Former lists of an export: their contacts are removed later, and counted while the page is open."""

import pytest
from django.test import Client

from config.platform.accounts.models import User
from config.platform.audit.models import AuditEntry
from connections.models import Connection
from exports.models import Export
from exports.removal import removal_plan
from tests.integration.exports.conftest import run_to_its_end
from tests.support.former_lists import CROWD, crowd, moved, new_list, old_list, shop, to_its_end, typed
from tests.support.members import states
from tests.support.sandbox import RunningSandbox

__all__ = ["crowd", "new_list", "old_list", "shop"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("quick")]


def test_who_was_left_there_can_be_taken_off_later(
    bob_client: Client, account: RunningSandbox, shop: Export, new_list: str, old_list: str
) -> None:
    runs, address = f"/data/exports/{shop.pk}/runs/", earlier_url(shop)
    assert "former lists" not in bob_client.get(runs).content.decode()
    moved(account, shop, new_list, bob_client)
    run_to_its_end(shop)
    assert "Old: 8 contacts" in bob_client.get(runs).content.decode()
    asked = bob_client.get(address).content.decode()
    assert "What should happen to 8 contacts that this export added to “Old”?" in asked
    assert bob_client.post(address, {"behind": "leave", "behind_people": "8"}).headers["Location"] == runs
    assert bob_client.post(address, {"behind": "delete"}).status_code == 422
    chosen = {"behind": "delete", "behind_people": "8"}
    answer = bob_client.post(address, chosen)
    cleanup = shop.runs.get(kind="list_cleanup")
    assert answer.headers["Location"] == f"/data/runs/{cleanup.pk}/"
    assert AuditEntry.objects.get(action="cleared").changes["removal"][1]["how"] == "delete"
    assert f"Run {cleanup.number} is cleaning up this list" in bob_client.get(runs).content.decode()
    again = bob_client.post(address, chosen)
    assert again.status_code == 409
    assert "already in progress" in again.content.decode()
    assert to_its_end(cleanup).removed == len(CROWD)
    assert set(states(account, old_list).values()) == {"Deleted"}
    assert set(states(account, new_list).values()) == {"Active"}
    assert "former lists" not in bob_client.get(runs).content.decode()
    assert bob_client.get(address).status_code == 409


def test_a_page_does_not_wait_until_they_are_counted(
    bob_client: Client, account: RunningSandbox, shop: Export, new_list: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asks = {"HX-Request": "true"}
    parts = f"/data/exports/parts/?export={shop.pk}&changed="
    data = typed(account, shop, "", list_pick=new_list)
    with monkeypatch.context() as impossible:
        impossible.setattr(removal_plan, "count_all_removals", None)
        first = bob_client.get(f"/data/exports/{shop.pk}/remove/", headers=asks).content.decode()
        pane = bob_client.post(f"{parts}list_pick", data, headers=asks).content.decode()
    assert "Counting the contacts" in first
    assert "changed=left_behind" in pane
    then = bob_client.get(f"/data/exports/{shop.pk}/remove/?counted=1", headers=asks).content.decode()
    assert "What should happen to 8 contacts" in then
    chosen = data | {"list_id": new_list, "behind": "delete"}
    counted = bob_client.post(f"{parts}left_behind", chosen, headers=asks).content.decode()
    assert "What should happen to 8 contacts" in counted
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
    assert not shop.runs.filter(kind="list_cleanup").exists()


def test_former_lists_are_cleaned_up_by_users_who_manage_the_export_and_may_use_a_connection_there(
    bob_client: Client, charlie_client: Client, account: RunningSandbox, shop: Export, new_list: str, bob: User
) -> None:
    address = earlier_url(shop)
    moved(account, shop, new_list, bob_client)
    shown = charlie_client.get(f"/data/exports/{shop.pk}/runs/").content.decode()
    assert "Old: 8 contacts" in shown
    assert address not in shown
    assert charlie_client.post(address, {"behind": "delete", "behind_people": "8"}).status_code == 403
    Export.objects.filter(pk=shop.pk).update(connection=None)
    Connection.objects.update(allowed_roles=[])
    asked = bob_client.get(address).content.decode()
    assert "No connection gives access to this list anymore" in asked
    assert bob_client.post(address, {"behind": "delete", "behind_people": "8"}).status_code == 422
    assert not shop.runs.filter(kind="list_cleanup").exists()


def earlier_url(export: Export) -> str:
    """Of the dialog about the list that the export knows now."""
    return f"/data/exports/{export.pk}/earlier/{export.delivered_sets.earliest('pk').pk}/"
