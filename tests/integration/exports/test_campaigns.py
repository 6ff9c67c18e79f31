"""Campaigns sent to the list of an export: read by the workers, shown on a page and by the REST API."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from config.platform.accounts.models import User
from config.platform.jobs import clock
from connections import actions as connection_actions
from connections.destinations.campaign_monitor.campaigns import ClientCampaigns
from connections.destinations.campaigns import CampaignPage, CampaignResults
from exports import tasks
from exports.feedback import campaigns, watches
from exports.models import Campaign, CampaignReading, Export
from exports.scheduler import retention
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


def test_the_empty_page_says_whether_campaigns_were_read(newsletter: Export, charlie_client: Client) -> None:
    page = f"/data/exports/{newsletter.pk}/campaigns/"
    assert "have not been read yet. They are read every hour." in charlie_client.get(page).content.decode()
    read_now()
    shown = charlie_client.get(page).content.decode()
    assert "No campaign was sent to the list in the last 90 days. New campaigns are read every hour." in shown


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
    html = charlie_client.get(f"/data/exports/{newsletter.pk}/campaigns/").content.decode()
    assert "could not be read" in html
    assert "An administrator can reconnect it" in html


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


def old_campaign(account: str, list_id: str, days: int) -> Campaign:
    sent_at = f"{clock.now() - timedelta(days=days):%Y-%m-%d %H:%M}"
    values = {"campaign_id": f"c{days}", "name": f"{days} days ago", "sent_at": sent_at, "read_at": clock.now()}
    return Campaign.objects.create(account=account, list_ids=[list_id.lower()], **values)


def test_campaigns_of_the_last_90_days_are_shown_and_older_ones_deleted(
    account: RunningSandbox, newsletter: Export
) -> None:
    assert newsletter.connection is not None
    key = newsletter.connection.account
    made = [old_campaign(key, newsletter.list_id, days) for days in (95, 89)]
    assert [*campaigns.of_list(key, newsletter.list_id)] == made[1:]
    retention.forget_for_a_while()
    assert [*Campaign.objects.all()] == made[1:]


def test_a_campaign_that_is_twice_on_a_page_is_stored_once_and_long_texts_end_no_reading(
    account: RunningSandbox, newsletter: Export, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(account, "Spring sale")
    real_page, real_results = ClientCampaigns.sent_since, ClientCampaigns.results_of

    def twice(self: ClientCampaigns, group: str, day: str, page: int) -> CampaignPage:
        found = real_page(self, group, day, page)
        return replace(found, rows=[*found.rows, *found.rows, replace(found.rows[0], id="x" * 65)])

    def long(self: ClientCampaigns, campaign_id: str) -> CampaignResults:
        return replace(real_results(self, campaign_id), url="https://example.com/" + "x" * 500)

    monkeypatch.setattr(ClientCampaigns, "sent_since", twice)
    monkeypatch.setattr(ClientCampaigns, "results_of", long)
    assert read_now().message == ""
    assert [each.url for each in Campaign.objects.all()] == [""]
