"""From where a change comes: remembered while a request is answered, for every entry of the record to say."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_address: ContextVar[str] = ContextVar("audit_address", default="")


def current() -> str:
    """The network address of the request that is being answered; empty for commands, workers and the clock."""
    return _address.get()


@contextmanager
def coming_from(address: str) -> Iterator[None]:
    """Let everything that is recorded inside say that it came from ``address``."""
    token = _address.set(address)
    try:
        yield
    finally:
        _address.reset(token)
