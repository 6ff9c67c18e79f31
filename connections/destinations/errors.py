"""Errors, named by what happens next.

::

    DestinationError
    ├── TryLater             the same request may succeed later: wait, then again
    ├── BatchRefused         this batch as a whole was refused: halve it until the guilty rows stand alone
    ├── StopRun              nothing of this run can succeed: end it, tell why
    │   └── AccountFull      … because the account holds no more people
    └── NeedsAdministrator   a person must mend the connection first

Each carries a sentence for people, a code for machines and, where the vendor answered, the HTTP status.
(A single profile that is refused is no error at all: it is a ``ProfileRefusal`` in the receipt.)
"""


class DestinationError(Exception):
    """Anything that a destination could not do."""

    def __init__(self, sentence: str, *, code: str = "", http_status: int | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.code = code
        self.http_status = http_status


class TryLater(DestinationError):
    """Throttled, timed out, cut off or broken over there. ``after_seconds`` is what the vendor asked for, if it
    did; ``throttled`` tells too many requests from a failure."""

    def __init__(
        self,
        sentence: str,
        *,
        code: str = "",
        http_status: int | None = None,
        after_seconds: float | None = None,
        throttled: bool = False,
    ) -> None:
        super().__init__(sentence, code=code, http_status=http_status)
        self.after_seconds = after_seconds
        self.throttled = throttled


# Codes of a TryLater that leave open whether the call has done its work. (So does every status of 500 and more.)
LEFT_OPEN = ("timeout", "cut_short", "unreadable")


# The code of a BatchRefused whose batch is too large: its halves may pass, and the contacts are not at fault.
TOO_LARGE = "too_large"


class BatchRefused(DestinationError):
    """The vendor refused the whole batch because of something in it."""


class StopRun(DestinationError):
    """The list is gone, or the settings cannot work: no batch of this run can succeed."""


class AccountFull(StopRun):
    """The account's plan holds no more subscribers: it has to be upgraded, or fewer be sent."""


class NeedsAdministrator(DestinationError):
    """The key is revoked or lacks rights: nothing on this connection works until someone mends it."""
