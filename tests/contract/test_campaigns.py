"""Sent campaigns: what the sandbox tells of them, and how the official client and our own read it."""

from typing import Any

import pytest

from connections.destinations.campaign_monitor import campaigns
from connections.destinations.campaign_monitor.client import Client
from connections.destinations.campaign_monitor.responses import Answer
from connections.destinations.campaigns import CampaignResults, SentCampaign
from connections.destinations.errors import NeedsAdministrator, PermanentError, TryLater
from tests.contract.official import createsend
from tests.support.sandbox import RunningSandbox

# Word for word from the official client's test data.
CAMPAIGNS = b"""{"Results": [{"WebVersionURL": "https://createsend.com/t/r-765E86829575EE2C",
 "WebVersionTextURL": "https://createsend.com/t/r-765E86829575EE2C/t",
 "CampaignID": "fc0ce7105baeaf97f47c99be31d02a91",
 "Subject": "Campaign One", "Name": "Campaign One", "FromName": "My Name", "FromEmail": "myemail@example.com",
 "ReplyTo": "myemail@example.com", "SentDate": "2010-10-12 12:58:00", "TotalRecipients": 2245,
 "Tags": ["Tag1", "Tag2"]}], "ResultsOrderedBy": "SentDate", "OrderDirection": "desc", "PageNumber": 1,
 "PageSize": 2, "RecordsOnThisPage": 2, "TotalNumberOfRecords": 49, "NumberOfPages": 25}"""
LISTS = b"""{"Lists": [{"ListID": "a58ee1d3039b8bec838e6d1482a8a965", "Name": "List One"}],
 "Segments": [{"ListID": "2BEA949d0bf96148c3e6a209d2e82060", "SegmentID": "dba84a225d5ce3d19105d7257baac46f",
 "Title": "Segment for campaign"}]}"""
SUMMARY = b"""{"Name": "Last Campaign", "Recipients": 5, "TotalOpened": 10, "Clicks": 0, "Unsubscribed": 0,
 "Bounced": 0, "UniqueOpened": 5, "Mentions": 23, "Forwards": 11, "Likes": 32,
 "WebVersionURL": "https://createsend.com/t/r-3A433FC72FFE3B8B", "SpamComplaints": 23}"""


def answer(body: bytes) -> Answer:
    return Answer(status=200, body=body, headers={"content-type": "application/json"}, seconds=0.1)


def test_the_data_of_the_vendor_is_read() -> None:
    page = campaigns.read_campaigns(answer(CAMPAIGNS))
    assert page.pages == 25
    sent_at, name = "2010-10-12 12:58:00", "Campaign One"
    sent = SentCampaign("fc0ce7105baeaf97f47c99be31d02a91", name, name, sent_at, 2245)
    assert page.rows == [sent]
    assert campaigns.read_lists(answer(LISTS)) == {
        "a58ee1d3039b8bec838e6d1482a8a965",
        "2bea949d0bf96148c3e6a209d2e82060",
    }
    assert campaigns.read_summary(answer(SUMMARY)) == CampaignResults(
        recipients=5,
        opened=5,
        opens=10,
        clicks=0,
        bounced=0,
        unsubscribed=0,
        complaints=23,
        url="https://createsend.com/t/r-3A433FC72FFE3B8B",
    )


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"Results": [{}], "NumberOfPages": 1}', b"<html>"])
def test_an_answer_of_another_program_is_tried_again(body: bytes) -> None:
    for read in (campaigns.read_campaigns, campaigns.read_lists, campaigns.read_summary):
        with pytest.raises(TryLater):
            read(answer(body))


def test_an_address_that_is_none_is_dropped() -> None:
    bad = SUMMARY.replace(b"https://createsend.com", b"javascript:alert(1)//")
    assert campaigns.read_summary(answer(bad)).url == ""


def add(sandbox: RunningSandbox, number: int, **values: Any) -> str:
    body = {"list_id": sandbox.list_id, "name": f"Spring {number}", "sent": f"2026-03-{number:02} 10:00:00"}
    return str(sandbox.door("POST", "campaigns", json=body | values)["id"])


def test_the_official_client_reads_those_of_the_sandbox(
    sandbox: RunningSandbox, official: Any, key: dict[str, str]
) -> None:
    for number in range(1, 13):
        last = add(sandbox, number, recipients=100, opened=40, opens=55, clicks=7, unsubscribed=2, bounced=1)
    page = createsend.Client(key, sandbox.client_id).campaigns(page_size=10)
    assert [page.TotalNumberOfRecords, page.NumberOfPages, page.Results[0].Name] == [12, 2, "Spring 12"]
    since = createsend.Client(key, sandbox.client_id).campaigns(sent_from_date="2026-03-11")
    assert [each.Name for each in since.Results] == ["Spring 12", "Spring 11"]
    campaign = createsend.Campaign(key, last)
    assert [each.ListID for each in campaign.lists_and_segments().Lists] == [sandbox.list_id]
    summary = campaign.summary()
    assert (summary.Recipients, summary.UniqueOpened, summary.TotalOpened, summary.Clicks) == (100, 40, 55, 7)


def test_our_client_reads_those_of_the_sandbox_and_says_what_is_refused(sandbox: RunningSandbox) -> None:
    campaign_id = add(sandbox, 5, recipients=100, opened=40)
    with Client(sandbox.url, api_key=sandbox.api_key) as client:
        reader = campaigns.ClientCampaigns(client)
        assert [each.id for each in reader.sent_since(sandbox.client_id, "2026-03-05", 1).rows] == [campaign_id]
        assert not reader.sent_since(sandbox.client_id, "2026-03-06", 1).rows
        assert reader.lists_of(campaign_id) == {sandbox.list_id}
        assert reader.results_of(campaign_id).opened == 40
        with pytest.raises((PermanentError, TryLater)):
            reader.results_of("0" * 32)
    token = sandbox.door("POST", "tokens", json={"scopes": ["ImportSubscribers", "ManageLists"]})["access_token"]
    with Client(sandbox.url, token=token) as client, pytest.raises(NeedsAdministrator):
        campaigns.ClientCampaigns(client).sent_since(sandbox.client_id, "2026-03-05", 1)
