"""Name the account at a destination whose lists an export works on."""

from dataclasses import dataclass

from django.db import models
from django.utils.translation import gettext_lazy as _

from connections.destinations import registry
from connections.destinations.base import Destination


class Environment(models.TextChoices):
    """Whether a connection leads to the real service or to its sandbox; never changed once it is set up."""

    LIVE = "live", _("Live")
    SANDBOX = "sandbox", _("Sandbox")


@dataclass(frozen=True)
class Account:
    """A destination and an environment, as the key of the state of lists: in text “campaign_monitor:live”.

    List IDs are unique within a vendor, so a client ID is no part of it: two connections to one client share the
    state of its lists, whether they use a key of the account or of the client. It outlives its connections."""

    destination_key: str
    environment: Environment

    @classmethod
    def parse(cls, text: str) -> "Account":
        """Read the text that ``str`` writes. Raises ValueError for text of another form."""
        key, _colon, environment = text.partition(":")
        return cls(key, Environment(environment))

    def __str__(self) -> str:
        return f"{self.destination_key}:{self.environment.value}"

    @property
    def destination(self) -> Destination:
        """Return the destination. Raises KeyError when its package is no longer installed."""
        return registry.get(self.destination_key)

    @property
    def is_sandbox(self) -> bool:
        return self.environment is Environment.SANDBOX
