"""Read responses about sent campaigns and their results, without I/O, and read them over a kept-alive connection.

Vendor documentation: https://www.campaignmonitor.com/api/v3-3/clients/ and …/campaigns/.
"""

from collections.abc import Mapping
from typing import Any

from connections.destinations.base import CampaignReader
from connections.destinations.campaign_monitor import wire
from connections.destinations.campaign_monitor.client import Client
from connections.destinations.campaign_monitor.responses import Answer, unreadable
from connections.destinations.campaigns import CampaignPage, CampaignResults, SentCampaign

_WEB_ADDRESSES = ("https://", "http://")


class ClientCampaigns(CampaignReader):
    """Reads the campaigns of clients."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def sent_since(self, group_id: str, day: str, page: int) -> CampaignPage:
        return read_campaigns(self._client.campaigns(group_id, day, page))

    def lists_of(self, campaign_id: str) -> set[str]:
        return read_lists(self._client.campaign_lists(campaign_id))

    def results_of(self, campaign_id: str) -> CampaignResults:
        return read_summary(self._client.campaign_summary(campaign_id))


def read_campaigns(answer: Answer) -> CampaignPage:
    """Read a page of the sent campaigns of a client."""
    content = wire.read_object(answer)
    try:
        return CampaignPage([_campaign(row) for row in content["Results"]], int(content["NumberOfPages"]))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise unreadable(answer) from error


def read_lists(answer: Answer) -> set[str]:
    """Read to which lists a campaign was sent, whole or by a segment of theirs; IDs in lower case."""
    content = wire.read_object(answer)
    try:
        rows = [*content["Lists"], *content["Segments"]]
        return {str(row["ListID"]).lower() for row in rows}
    except (KeyError, TypeError) as error:
        raise unreadable(answer) from error


def read_summary(answer: Answer) -> CampaignResults:
    """Read the results of a campaign."""
    content = wire.read_object(answer)
    url = str(content.get("WebVersionURL") or "")
    try:
        return CampaignResults(
            recipients=int(content["Recipients"]),
            opened=int(content["UniqueOpened"]),
            opens=int(content["TotalOpened"]),
            clicks=int(content["Clicks"]),
            bounced=int(content["Bounced"]),
            unsubscribed=int(content["Unsubscribed"]),
            complaints=int(content.get("SpamComplaints") or 0),
            url=url if url.startswith(_WEB_ADDRESSES) else "",
        )
    except (KeyError, TypeError, ValueError) as error:
        raise unreadable(answer) from error


def _campaign(row: Mapping[str, Any]) -> SentCampaign:
    return SentCampaign(
        id=str(row["CampaignID"]).lower(),
        name=str(row["Name"]),
        subject=str(row.get("Subject") or ""),
        sent_at=str(row["SentDate"]),
        recipients=int(row["TotalRecipients"]),
    )
