"""Define what a destination tells of the subscribers of a list, a page at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class ListedState(StrEnum):
    """The states of subscribers, by any destination; the codes of the list state."""

    ACTIVE = "active"
    UNCONFIRMED = "unconfirmed"
    UNSUBSCRIBED = "unsubscribed"
    BOUNCED = "bounced"
    DELETED = "deleted"


# Whose subscribers get no mail.
INACTIVE = (ListedState.UNSUBSCRIBED, ListedState.BOUNCED, ListedState.DELETED)


@dataclass(frozen=True)
class ListedSubscriber:
    """A subscriber as a list shows it: the address in lower case, since when it is in its state by the list's own
    clock (a text that sorts by time), and a hash of the values that were asked for."""

    email: str
    since: str
    values_hash: str = ""


@dataclass(frozen=True)
class RegisteredWebhook:
    """A webhook of a list as the destination shows it."""

    id: str
    address: str
    is_active: bool


@dataclass(frozen=True)
class WebhookCall:
    """What a call of a webhook says: of which list, and the addresses, in lower case, that left it or became
    active."""

    list_id: str
    left: Sequence[str] = ()
    joined: Sequence[str] = ()


@dataclass(frozen=True)
class SubscriberPage:
    """A page of the subscribers of a list in one state, and how many pages there are."""

    rows: Sequence[ListedSubscriber]
    pages: int
