"""What stops when somebody can no longer administer. Apps above this one register a function; pages here ask
without knowing them, and offer to step in."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from config.platform.accounts.models import User

StepIn = Callable[[User], None]


@dataclass(frozen=True)
class Dependent:
    """One thing that depends on a person, with the address of its page. ``key`` names it among all; ``step_in``
    lets somebody else stand in their place, who has confirmed with their password that it is them."""

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
    """Let ``by`` stand in for those of somebody's dependents that ``keys`` names; call it inside the transaction
    that lets the person go."""
    for dependent in depending_on(instead_of):
        if dependent.key in keys:
            dependent.step_in(by)
