"""Pages for people: what arrived, and a form for trouble."""

from connections.destinations.campaign_monitor.sandbox.exchange import Reply, Request
from connections.destinations.campaign_monitor.sandbox.sandbox import Sandbox


def through(_sandbox: Sandbox, _request: Request) -> Reply:
    return Reply(404)
