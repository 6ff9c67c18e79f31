"""Define what a destination tells of the campaigns that were sent to lists, and of their results."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class SentCampaign:
    """A sent campaign; ``sent_at`` is by the clock of the lists' dates, a text that sorts by time."""

    id: str
    name: str
    subject: str
    sent_at: str
    recipients: int


@dataclass(frozen=True)
class CampaignPage:
    """A page of sent campaigns, the latest first, and how many pages there are."""

    rows: Sequence[SentCampaign]
    pages: int


@dataclass(frozen=True)
class CampaignResults:
    """Counts of a campaign so far: ``opened`` counts recipients who opened it, ``opens`` how often that was."""

    recipients: int
    opened: int
    opens: int
    clicks: int
    bounced: int
    unsubscribed: int
    complaints: int
    url: str
