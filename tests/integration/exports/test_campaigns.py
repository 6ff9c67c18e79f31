"""Campaigns sent to the list of an export: read by the workers, shown on a page and by the REST API."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from config.platform.accounts.models import User
from config.platform.jobs import clock
from connections import actions as connection_actions
from exports import tasks
from exports.feedback import campaigns, watches
from exports.models import Campaign, CampaignReading, Export
from tests.support.sandbox import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)


def add(account: RunningSandbox, name: str, **values: Any) -> str:
    body = {"list_id": account.list_id, "name": name, "recipients": 200, "opened": 50, "unsubscribed": 3}
    return str(account.door("POST", "campaigns", json=body | values)["id"])


def read_now(*, later: timedelta = timedelta(0)) -> CampaignReading:
    """Read all campaigns as the workers do, whether that is due or not."""
    watches.make_missing()
    campaigns.make_missing()
    if later:
        Campaign.objects.exclude(read_at=None).update(read_at=clock.now() - later)
    CampaignReading.objects.update(due_at=clock.now() - timedelta(seconds=1))
    for reading_id in campaigns.due():
        tasks.read_campaigns(reading_id)
    return CampaignReading.objects.get()


def calls_about(account: RunningSandbox, part: str) -> int:
    return sum(part in each["path"] for each in account.requests()["requests"])


def test_results_are_read_and_shown(
    account: RunningSandbox, newsletter: Export, charlie_client: Client, bob_client: Client
) -> None:
    add(account, "Spring sale", subject="Now or never", clicks=12, bounced=1, complaints=1)
    reading = read_now()
    assert (reading.tries, reading.message) == (0, "")
    assert reading.completed_at is not None
    assert reading.due_at > clock.now() + timedelta(minutes=50)
    html = charlie_client.get(f"/data/exports/{newsletter.pk}/campaigns/").content.decode()
    for text in ("Spring sale", "Now or never", "200", "25%", "12"):
        assert text in html
    assert (
        f"/data/exports/{newsletter.pk}/campaigns/"
        in bob_client.get(f"/data/exports/{newsletter.pk}/runs/").content.decode()
    )


def test_campaigns_of_other_lists_are_not_shown_and_their_results_not_read(
    account: RunningSandbox, newsletter: Export
) -> None:
    other = account.create_list("Other")
    add(account, "Elsewhere", list_id=other)
    add(account, "Both", further_list_ids=[other])
    account.door("DELETE", "requests")
    read_now()
    shown = campaigns.of_list("campaign_monitor:sandbox", account.list_id)
    assert [each.name for each in shown] == ["Both"]
    assert (calls_about(account, "listsandsegments"), calls_about(account, "summary")) == (2, 1)


def test_a_later_reading_asks_only_for_what_may_have_changed(account: RunningSandbox, newsletter: Export) -> None:
    campaign_id = add(account, "New")
    read_now()
    account.door("DELETE", "requests")
    read_now()
    assert (calls_about(account, "listsandsegments"), calls_about(account, "summary")) == (0, 0)
    add(account, "New", id=campaign_id, opened=120)
    read_now(later=timedelta(hours=1))
    assert Campaign.objects.get(campaign_id=campaign_id).opened == 120


def test_a_key_that_may_not_view_reports_leaves_the_connection_as_it_is(
    account: RunningSandbox, newsletter: Export, charlie_client: Client
) -> None:
    account.door("POST", "faults", json={"kind": "error", "path": "/campaigns", "status": 401, "code": 60})
    reading = read_now()
    assert reading.tries == 1
    connection = newsletter.connection
    assert connection is not None
    connection.refresh_from_db()
    assert not connection.reconnect_reason
    assert "could not be read" in charlie_client.get(f"/data/exports/{newsletter.pk}/campaigns/").content.decode()


def test_it_waits_while_the_connection_is_paused(account: RunningSandbox, newsletter: Export, alice: User) -> None:
    add(account, "Spring sale")
    assert newsletter.connection is not None
    connection_actions.pause(by=alice, connection=newsletter.connection)
    account.door("DELETE", "requests")
    read_now()
    assert calls_about(account, "campaigns") == 0
    assert not Campaign.objects.exists()


def test_a_killed_reading_goes_on_where_it_stood(
    account: RunningSandbox, newsletter: Export, settings: Settings
) -> None:
    for number in range(5):
        add(account, f"Campaign {number}")
    settings.SLICE_SECONDS = -1  # every slice ends after one call
    watches.make_missing()
    campaigns.make_missing()
    reading_id = CampaignReading.objects.get().pk
    slices = 0
    while campaigns.read(reading_id):
        slices += 1
        assert slices < 50
    assert campaigns.of_list("campaign_monitor:sandbox", account.list_id).count() == 5
