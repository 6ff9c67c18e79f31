"""Read the subscribers of lists over a kept-alive connection."""

from collections.abc import Sequence

from connections.destinations.base import SubscriberReader
from connections.destinations.campaign_monitor.client import Client
from connections.destinations.subscribers import ListedState, SubscriberPage


class ListReader(SubscriberReader):
    """Reads lists over a kept-alive connection."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def read(
        self, list_id: str, state: ListedState, page: int, *, since: str = "", fields: Sequence[str] = ()
    ) -> SubscriberPage:
        return self._client.subscribers(list_id, state.value, page, since=since, fields=fields)
