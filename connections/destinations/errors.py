"""Define the errors of destinations, named by what happens next.

::

    DestinationError
    ├── TryLater             transient: the same request may succeed later, so wait and send it again
    ├── BatchRefused         the batch as a whole was refused: halve it until the rows at fault are alone
    ├── PermanentError       no request with these settings can succeed: end the run with the reason
    │   └── AccountFull      … because the account holds no more subscribers
    └── NeedsAdministrator   a person must repair the connection first

Each error has a sentence for users, a code for machines and, where the vendor answered, the HTTP status. A contact
that is refused alone is not an error: it is a ``ProfileRefusal`` in the receipt of its batch.
"""


class DestinationError(Exception):
    """Report what a destination could not do. ``sentence`` is for users; ``http_status`` is set if the vendor
    answered."""

    def __init__(self, sentence: str, *, code: str = "", http_status: int | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.code = code
        self.http_status = http_status


class TryLater(DestinationError):
    """Report a transient failure: throttled, timed out, cut off, or failed at the vendor. ``after_seconds``: how
    long the vendor asks to wait, if it does. ``throttled``: too many requests, rather than a failure."""

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


# Codes of a TryLater after which the call may have done its work. (So does every status of 500 and more.)
LEFT_OPEN = ("timeout", "cut_short", "unreadable")


# The code of a BatchRefused whose batch is too large: its halves may pass, and the contacts are not at fault.
TOO_LARGE = "too_large"


class BatchRefused(DestinationError):
    """Report that the vendor refused the whole batch because of something in it."""


class PermanentError(DestinationError):
    """Report that the list is gone or the settings cannot work: no batch of the run can succeed."""


class AccountFull(PermanentError):
    """Report that the account's plan holds no more subscribers: it has to be upgraded, or fewer be sent."""


class NeedsAdministrator(DestinationError):
    """Report that the key is revoked or lacks rights: the connection works again once it is reconnected."""
