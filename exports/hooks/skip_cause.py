"""Say what kept a run from being tried, and link to it. The workflow around runs registers its answer here:
exports know nothing of it."""

from collections.abc import Callable
from dataclasses import dataclass

from exports.models import Run
from exports.state.status import Reason


@dataclass(frozen=True)
class Cause:
    """In a sentence, and the address of a pane; empty when that is gone."""

    sentence: str
    url: str


_registered: list[Callable[[Run], Cause | None]] = []


def register(find: Callable[[Run], Cause | None]) -> None:
    """Let ``find`` be asked what a run waited for in vain."""
    _registered.append(find)


def of(run: Run) -> Cause | None:
    """None for a run that was tried, or whose workflow is no longer kept."""
    if run.reason != Reason.UPSTREAM_FAILED:
        return None
    return next(filter(None, (find(run) for find in _registered)), None)
