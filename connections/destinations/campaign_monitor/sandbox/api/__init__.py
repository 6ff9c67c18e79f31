"""The API's calls, one module for each part of it. Importing this announces all of them."""

from connections.destinations.campaign_monitor.sandbox.api import (
    account,
    clients,
    custom_fields,
    importing,
    lists,
    subscribers,
    webhooks,
)

__all__ = ["account", "clients", "custom_fields", "importing", "lists", "subscribers", "webhooks"]
