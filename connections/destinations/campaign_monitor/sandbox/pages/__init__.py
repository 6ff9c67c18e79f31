"""Pages for people: which lists there are, who arrived and how often, what was called, and a form for trouble.

Made on the server, no scripts. They read; only the faults page changes anything."""

from connections.destinations.campaign_monitor.sandbox.pages.routes import through

__all__ = ["through"]
