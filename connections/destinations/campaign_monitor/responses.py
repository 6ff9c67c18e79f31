"""What came back over the wire, before anything is made of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

# The largest code that is known is 98798, of a test.
_LARGEST_CODE = 2**31 - 1


@dataclass(frozen=True)
class Answer:
    """What came back: the status, the body without compression, and headers by lower-case name."""

    status: int
    body: bytes = field(default=b"", repr=False)  # may hold people, and a client's key
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    seconds: float = 0.0

    @property
    def sent_at(self) -> datetime | None:
        """The moment in the ``Date`` header; None where there is none."""
        try:
            return parsedate_to_datetime(self.headers["date"]).astimezone(UTC)
        except (KeyError, TypeError, ValueError, OverflowError):
            return None


def code_in(content: Any) -> int | None:
    """The vendor's code in the content of an answer; None where there is none, or a number that is no code."""
    try:
        code = int(content["Code"])
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    return code if abs(code) <= _LARGEST_CODE else None
