"""Where to look for what kept a run from being tried. Whoever keeps the workflow around runs registers its answer
here: exports know nothing of it."""

from collections.abc import Callable

from exports.models import Run
from exports.run_states import Reason

_registered: list[Callable[[Run], str]] = []


def register(find: Callable[[Run], str]) -> None:
    """Let ``find`` be asked for the address of what a run waited for in vain; it is empty when there is none."""
    _registered.append(find)


def address_of(run: Run) -> str:
    """The address, of a pane; empty for a run that was tried."""
    if run.reason != Reason.UPSTREAM_FAILED:
        return ""
    return next(filter(None, (find(run) for find in _registered)), "")
