"""List the attributes of profiles, for the limits of a connection. Connections know nothing of profiles: an app
above registers a function."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Attribute:
    """One attribute by name; ``is_yes_or_no``: it can be required to be true."""

    name: str
    is_yes_or_no: bool


Attributes = Callable[[], Sequence[Attribute]]
_registered: list[Attributes] = []


def register(attributes: Attributes) -> None:
    """Let ``attributes()`` be asked when limits are set."""
    _registered.append(attributes)


def attributes() -> list[Attribute]:
    """Every attribute, by name."""
    return [attribute for registered in _registered for attribute in registered()]
