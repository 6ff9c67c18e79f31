"""Define requests, replies, API answers and errors with the vendor's codes, without sockets."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

NOTHING: Any = object()  # an answer without a body
MESSAGES = {
    1: "Invalid Email Address",
    60: "You do not have permission to access this resource",
    100: "Invalid API Key",
    101: "Invalid ListID",
    102: "Invalid ClientID",
    120: "Invalid OAuth Token",
    121: "Expired OAuth Token",
    122: "Revoked OAuth Token",
    152: "Company name is required",
    154: "Country is not valid",
    157: "Time zone is not valid",
    176: "Email address is not in the suppression list",
    201: "Email address already belongs to this list",
    203: "Subscriber not in list",
    204: "Address is in the suppression list and was not added",
    205: "Subscriber has been deleted and was not added",
    206: "Subscriber has unsubscribed and was not added",
    207: "Subscriber has bounced and was not added",
    208: "Subscriber has not confirmed and was not added",
    209: "Too many subscribers: at most 1000 can be imported at once",
    210: "Subscriber Import had some failures",
    211: "Invalid new email address",
    212: "No subscribers to import",
    214: "The ConsentToTrack value must be provided",
    215: "The ConsentToTrack value is invalid: it must be one of Yes, No or Unchanged",
    220: "Invalid mobile number",
    221: "Invalid mobile number and invalid email address",
    402: "Your plan does not hold more subscribers. Upgrade your plan to add them.",
    250: "List title is already in use",
    251: "List title must not be empty",
    253: "Invalid custom field key",
    254: "Invalid custom field name",
    255: "Custom field name is already in use on this list",
    256: "Options are not allowed for this data type",
    257: "Options are required for this data type",
    259: "Invalid data type",
    261: "Invalid unsubscribe setting",
    403: "This resource is for the account itself; the credential is valid but may not use it",
    429: "Rate limit exceeded",
    500: "Sorry, something went wrong. Please try again later",
    601: "Invalid webhook URL",
    602: "Invalid webhook payload format",
    603: "Invalid webhook event",
    610: "The webhook test failed",
    800: "Invalid page number: it must be 1 or more",
    801: "Invalid page size: it must be between 10 and 1000",
    802: "Invalid order field",
    803: "Invalid order direction: it must be asc or desc",
}


@dataclass(frozen=True)
class Request:
    """An HTTP request. ``headers`` have lower-case names; ``local``: it came from this machine."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    local: bool


@dataclass
class Reply:
    """An HTTP response."""

    status: int
    body: bytes = b""
    content_type: str = "application/json; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Answer:
    """An API answer: a status, a value for JSON (or NOTHING), and headers."""

    status: int = 200
    value: Any = NOTHING
    headers: dict[str, str] = field(default_factory=dict)
    rows: int = 0  # the rows of the request, for the log

    @property
    def code(self) -> int:
        """Return the code of an error, or 0."""
        code = self.value.get("Code") if isinstance(self.value, dict) else None
        return code if isinstance(code, int) else 0

    def body(self, *, pretty: bool = False) -> bytes:
        """Serialize the value, indented if ``pretty``."""
        if self.value is NOTHING:
            return b""
        return orjson.dumps(self.value, option=orjson.OPT_INDENT_2 if pretty else None)


class ApiError(Exception):
    """Answer a call with an error in the vendor's envelope."""

    def __init__(
        self, code: int, *, status: int = 400, message: str = "", result: Any = None, rows: int = 0
    ) -> None:
        super().__init__(code)
        self.code = code
        self.message = message or MESSAGES[code]
        value: dict[str, Any] = {"Code": code, "Message": self.message}
        if result is not None:
            value["ResultData"] = result
        self.answer = Answer(status, value, rows=rows)


class NotFound(Exception):
    """Answer an unknown address with 404 and no body."""


def cannot_read(parameter: str) -> ApiError:
    """Return the error of a body that does not have the expected form; the whole request is refused."""
    return ApiError(
        400,
        message=f"Failed to deserialize your request. Check the documentation. Fields in error: {parameter}",
    )
