"""Find what depends on a user, and stops when the user can no longer administer. Apps above this one register a
function; pages here ask without knowing them, and offer to take over."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from config.platform.accounts.models import User

StepIn = Callable[[User], None]


@dataclass(frozen=True)
class Dependent:
    """One thing that depends on a user, with the address of its page. ``key`` names it among all; ``step_in``
    lets another user take over, who has confirmed their identity."""

    key: str
    name: str
    url: str
    step_in: StepIn = field(repr=False, compare=False)


DependingOn = Callable[[User], Sequence[Dependent]]
_registered: list[DependingOn] = []


def register(depending_on: DependingOn) -> None:
    """Let ``depending_on(user)`` be asked before that person is deactivated, removed or given another role."""
    _registered.append(depending_on)


def depending_on(user: User) -> list[Dependent]:
    """Everything that stops when this person goes."""
    return [dependent for registered in _registered for dependent in registered(user)]


def step_in(*, instead_of: User, keys: Collection[str], by: User) -> None:
    """Let ``by`` take over those of a user's dependents that ``keys`` names. Call it inside the transaction
    that lets the user go."""
    for dependent in depending_on(instead_of):
        if dependent.key in keys:
            dependent.step_in(by)
