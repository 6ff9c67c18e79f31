"""Answer calls about sent campaigns: those of a client, the lists that one was sent to, and its results."""

from dataclasses import replace
from typing import Any

from connections.destinations.campaign_monitor.sandbox.calls import Call, Paging, route
from connections.destinations.campaign_monitor.sandbox.campaigns import Campaign
from connections.destinations.campaign_monitor.sandbox.http_messages import Answer, NotFound
from connections.destinations.campaign_monitor.sandbox.model import Client

# Which token scope allows what is not public; this is the likely reading.
REPORTS = ("ViewReports", "ViewSubscribersInReports")


@route("GET", "/clients/<client>/campaigns", scopes=REPORTS)
def sent(call: Call, client: Client) -> Answer:
    """Return a page of the sent campaigns of a client, the latest first unless asked otherwise."""
    paging = Paging.of(call, "date")
    if "orderdirection" not in call.parameters:
        paging = replace(paging, direction="desc")
    first = call.parameters.get("sentfromdate", "")
    last = call.parameters.get("senttodate", "") or "9999"
    found = [each for each in call.store.campaigns.values() if each.client_id == client.id]
    found = [each for each in found if first <= each.sent[:10] <= last]
    answer = paging.envelope(sorted(found, key=lambda each: each.sent), _shown)
    return Answer(value=answer.value | {"ResultsOrderedBy": "SentDate"})


@route("GET", "/campaigns/<campaign>/listsandsegments", scopes=REPORTS)
def lists_and_segments(call: Call, campaign: str) -> Answer:
    """Return to what a campaign was sent."""
    found = _campaign(call, campaign)
    lists = [call.store.lists[each] for each in found.lists if each in call.store.lists]
    return Answer(
        value={
            "Lists": [{"ListID": each.id, "Name": each.title} for each in lists],
            "Segments": found.segments,
        }
    )


@route("GET", "/campaigns/<campaign>/summary", scopes=REPORTS)
def summary(call: Call, campaign: str) -> Answer:
    """Return the results of a campaign."""
    found = _campaign(call, campaign)
    address = f"https://createsend.example/t/r-{found.id[:16].upper()}"
    return Answer(
        value={
            "Name": found.name,
            "Recipients": found.count("recipients"),
            "TotalOpened": found.count("opens"),
            "Clicks": found.count("clicks"),
            "Unsubscribed": found.count("unsubscribed"),
            "Bounced": found.count("bounced"),
            "UniqueOpened": found.count("opened"),
            "Mentions": 0,
            "Forwards": 0,
            "Likes": 0,
            "WebVersionURL": address,
            "WebVersionTextURL": f"{address}/t",
            "WorldviewURL": f"{address}/w",
            "SpamComplaints": found.count("complaints"),
        }
    )


def _campaign(call: Call, campaign_id: str) -> Campaign:
    found = call.store.campaigns.get(campaign_id.lower())
    if found is None:
        raise NotFound
    call.caller.client(call.store, found.client_id)
    return found


def _shown(campaign: Campaign) -> dict[str, Any]:
    address = f"https://createsend.example/t/r-{campaign.id[:16].upper()}"
    return {
        "WebVersionURL": address,
        "WebVersionTextURL": f"{address}/t",
        "CampaignID": campaign.id,
        "Subject": campaign.subject,
        "Name": campaign.name,
        "FromName": "Sandbox Owner",
        "FromEmail": "owner@example.com",
        "ReplyTo": "owner@example.com",
        "SentDate": campaign.sent,
        "TotalRecipients": campaign.count("recipients"),
        "Tags": [],
    }
