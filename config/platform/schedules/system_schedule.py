"""Whether the system refresh runs by itself, and when next: for every page that relies on it.

The schedule itself lives in config.console, which the apps below never see; it registers the answer here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class State:
    """``next_due_at`` is None while it is off."""

    is_on: bool = False
    next_due_at: datetime | None = None


_registered: list[Callable[[], State]] = []


def register(answer: Callable[[], State]) -> None:
    """Let ``answer`` be asked from now on."""
    _registered.append(answer)


def state() -> State:
    """As it is at this moment. Costs a query: ask once a page."""
    return _registered[-1]() if _registered else State()
