"""Answer the calls of the API. Importing this package registers every handler."""

from connections.destinations.campaign_monitor.sandbox.api import campaigns, clients, lists, subscribers

__all__ = ["campaigns", "clients", "lists", "subscribers"]
