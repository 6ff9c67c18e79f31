"""Who else knows something of people. Apps above register a knower; pages here ask without knowing them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from segments.models import Erasure
from segments.privacy.subjects import Subject


@dataclass(frozen=True)
class Place:
    """A list outside of the house that somebody was sent to. ``key`` names it among all; ``why_not`` says why
    they cannot be removed from there by us, and is empty where they can."""

    key: str
    title: str
    destination: str
    connection: str
    first_at: datetime | None
    last_at: datetime | None
    keeps: str = ""  # what the other side keeps of a person who is removed, in a sentence
    why_not: str = ""


@dataclass(frozen=True)
class Removal:
    """How far the removal from one list is."""

    title: str
    connection: str
    status: str
    status_label: str
    message: str
    is_open: bool


class Knower:
    """What an app answers for the people it knows of. Everything is optional."""

    def email_attributes(self) -> Collection[str]:
        """Names of attributes that it takes addresses from."""
        return ()

    def look_up_url(self) -> str:
        """Where an address can be looked up, posted as ``email``, by whoever may see personal data."""
        return ""

    def tell(self, subject: Subject) -> Mapping[str, object]:
        """All it knows of somebody, in plain values."""
        return {}

    def places(self, subject: Subject) -> Sequence[Place]:
        """Where it has sent somebody, gone exports and connections included."""
        return ()

    def erase(self, subject: Subject, erasure: Erasure, places: Collection[str]) -> Mapping[str, int]:
        """Forget somebody, within the caller's transaction, and have them removed from the places that these keys
        name; how many of what went."""
        return {}

    def removals(self, erasure: Erasure) -> Sequence[Removal]:
        """What became of the removals from lists."""
        return ()


_registered: list[Knower] = []


def register(knower: Knower) -> None:
    """Let ``knower`` be asked, and be told, of people."""
    _registered.append(knower)


def all_knowers() -> Sequence[Knower]:
    return tuple(_registered)


def places(subject: Subject) -> list[Place]:
    """Every list that somebody was sent to."""
    return [place for knower in _registered for place in knower.places(subject)]


def look_up_urls() -> list[str]:
    """Where an address can be looked up."""
    return [url for knower in _registered if (url := knower.look_up_url())]


def removals(erasure: Erasure) -> list[Removal]:
    """Every removal from a list that was asked for with an erasure."""
    return [removal for knower in _registered for removal in knower.removals(erasure)]


def known_email_attributes() -> set[str]:
    """The attributes that exports take addresses from."""
    return {name for knower in _registered for name in knower.email_attributes()}
