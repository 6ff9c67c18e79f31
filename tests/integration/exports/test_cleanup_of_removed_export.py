"""Removing an export: what becomes of the contacts that it added to its list."""

from pathlib import Path

import pytest
from django.test import Client

from config.platform.accounts.models import User
from config.platform.audit.models import AuditEntry
from config.platform.jobs.models import JobStatus
from exports import policies
from exports.actions import list_cleanup, manage, runs
from exports.models import Export, Run
from exports.removal.list_cleanup import CleanupSettings
from exports.state.status import Reason
from tests.integration.exports.conftest import run_to_its_end
from tests.integration.exports.test_export_pane import edit_url
from tests.support.former_lists import CROWD, crowd, is_gone, new_list, old_list, shop, to_its_end, typed
from tests.support.members import states
from tests.support.sandbox import RunningSandbox
from tests.support.waiting import wait_until
from tests.support.workers import worker_processes

__all__ = ["crowd", "new_list", "old_list", "shop"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("quick")]


def test_removing_asks_and_leaves_people_by_default(
    bob_client: Client, account: RunningSandbox, shop: Export, old_list: str
) -> None:
    address = f"/data/exports/{shop.pk}/remove/"
    assert "What should happen to 8 contacts" in bob_client.get(address).content.decode()
    assert bob_client.post(address, {"behind": "leave"}).status_code == 302
    assert is_gone(shop)
    assert set(states(account, old_list).values()) == {"Active"}


def test_an_export_goes_once_its_people_are_off_the_list(
    bob_client: Client, account: RunningSandbox, shop: Export, old_list: str, bob: User
) -> None:
    address = f"/data/exports/{shop.pk}/remove/"
    answer = bob_client.post(address, {"behind": "delete", "behind_people": "8"})
    cleanup = shop.runs.get(kind="list_cleanup")
    assert answer["Location"] == f"/data/runs/{cleanup.pk}/"
    assert "Being removed" in bob_client.get("/data/exports/").content.decode()
    list_cleanup.finish_removals()
    shop.refresh_from_db()
    for refused in (lambda: runs.start_run(shop, by=bob), lambda: manage.detach(shop, by=bob)):
        with pytest.raises(policies.Refusal, match="is being removed"):
            refused()
    assert bob_client.post(edit_url(shop), typed(account, shop, old_list)).status_code == 422
    assert bob_client.post(address, {"behind": "leave"}).status_code == 409
    assert to_its_end(cleanup).removed == len(CROWD)
    list_cleanup.finish_removals()
    assert is_gone(shop)
    assert set(states(account, old_list).values()) == {"Deleted"}
    assert AuditEntry.objects.get(action="removed").actor_name == str(bob)
    gone = bob_client.get(f"/data/runs/{cleanup.pk}/live/", headers={"HX-Request": "true"})
    assert gone["HX-Redirect"] == "/data/exports/"
    status = bob_client.get(f"/data/exports/statuses/?ids={shop.pk}").content.decode()
    assert "Removed" in status


def test_an_export_is_kept_when_its_cleanup_is_canceled_or_fails(
    bob_client: Client, account: RunningSandbox, shop: Export, bob: User
) -> None:
    run = list_cleanup.remove(shop, CleanupSettings("delete", people=8), by=bob)
    assert run is not None
    asked = bob_client.get(f"/data/runs/{run.pk}/cancel/").content.decode()
    assert "The export is kept." in asked
    bob_client.post(f"/data/runs/{run.pk}/cancel/")
    assert to_its_end(run).status == JobStatus.CANCELED
    list_cleanup.finish_removals()
    shop.refresh_from_db()
    assert not shop.is_being_removed
    assert run_to_its_end(shop).reason == Reason.NOTHING_CHANGED
    page = bob_client.get(f"/data/runs/{run.pk}/").content.decode()
    assert 'id="clear-again"' in page
    assert "No contact was removed from the list." in page
    assert "to remove the remaining contacts" in page


def test_without_a_way_to_the_list_they_can_only_stay(
    bob_client: Client, account: RunningSandbox, shop: Export, bob: User
) -> None:
    manage.detach(shop, by=bob)
    address = f"/data/exports/{shop.pk}/remove/"
    assert "No connection gives access to this list anymore" in bob_client.get(address).content.decode()
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
        run = list_cleanup.remove(shop, CleanupSettings("delete", people=8), by=bob)
        wait_until(lambda: "Deleted" in states(account, old_list).values())
        workers.kill("jobs")
        assert Run.objects.filter(pk__in=[run.pk if run else 0], removed=0).exists()
        account.clear_faults()
        workers.start("jobs")
        wait_until(lambda: is_gone(shop))
    assert set(states(account, old_list).values()) == {"Deleted"}
