"""One call as it came in, and what of it the handlers ask for."""

from dataclasses import dataclass, field
from typing import Any

import orjson

from connections.destinations.campaign_monitor.sandbox.answers import cannot_read
from connections.destinations.campaign_monitor.sandbox.callers import Caller
from connections.destinations.campaign_monitor.sandbox.faults import Faults
from connections.destinations.campaign_monitor.sandbox.model import MailingList
from connections.destinations.campaign_monitor.sandbox.store import Store

CONSENT_REQUIRED_SINCE = (3, 2)
JOINED_DATE_SINCE = (3, 3)


@dataclass
class Call:
    """What a handler gets. ``parameters`` are those of the query, by their names in lower case."""

    store: Store
    faults: Faults
    caller: Caller
    method: str
    path: str
    version: tuple[int, int]
    parameters: dict[str, str]
    body: bytes = field(repr=False)

    @property
    def consent_required(self) -> bool:
        return self.version >= CONSENT_REQUIRED_SINCE

    @property
    def tells_joined_date(self) -> bool:
        return self.version >= JOINED_DATE_SINCE

    def moment(self, mailing_list: MailingList) -> str:
        """This moment in the time zone of the client that a list belongs to."""
        return self.store.clients[mailing_list.client_id].now()

    def flag(self, name: str) -> bool:
        """A yes or no of the query, in any case."""
        return self.parameters.get(name, "").lower() in {"true", "1", "yes"}

    def object(self, parameter: str) -> dict[str, Any]:
        """The JSON object in the body; ``parameter`` is what the refusal calls it."""
        try:
            value = orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise cannot_read(parameter) from error
        if not isinstance(value, dict):
            raise cannot_read(parameter)
        return value


@dataclass
class Body:
    """The body of a write: its properties by name, in any case, each bound to a type or refused as a whole."""

    values: dict[str, Any]
    parameter: str

    @classmethod
    def of(cls, call: Call, parameter: str) -> "Body":
        return cls({name.lower(): value for name, value in call.object(parameter).items()}, parameter)

    def text(self, name: str, default: str = "") -> str:
        value = self.values.get(name.lower())
        if value is None:
            return default
        if isinstance(value, bool | list | dict):
            raise cannot_read(self.parameter)
        return str(value)

    def flag(self, name: str, default: bool = False) -> bool:
        value = self.values.get(name.lower())
        if value is None:
            return default
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value.lower() in {"true", "false"}:
            return value.lower() == "true"
        raise cannot_read(self.parameter)

    def texts(self, name: str) -> list[str]:
        value = self.values.get(name.lower())
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise cannot_read(self.parameter)
        return value
