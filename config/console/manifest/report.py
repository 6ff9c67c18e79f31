"""Report what `apply` did with each entry of a manifest, one line each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy


class Change(Enum):
    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"

    @property
    def label(self) -> str | Promise:
        return _LABELS[self]


_LABELS = {
    Change.CREATED: gettext_lazy("created"),
    Change.UPDATED: gettext_lazy("updated"),
    Change.UNCHANGED: gettext_lazy("unchanged"),
}


@dataclass(frozen=True)
class AppliedEntry:
    """One entry: its kind in words, its name, and how it changed. ``fields`` names what was updated; ``notes``
    are whole sentences about what is left to do."""

    kind: str
    name: str
    change: Change
    fields: Sequence[str] = ()
    notes: Sequence[str] = ()
    in_sandbox: bool = False

    def __str__(self) -> str:
        change = str(self.change.label) + (f" ({', '.join(self.fields)})" if self.fields else "")
        badge = _(" [sandbox]") if self.in_sandbox else ""
        line = f"{self.kind} “{self.name}”{badge}: {change}"
        return " – ".join([line, *self.notes])


@dataclass
class Report:
    """Everything that a file spoke of, in its order."""

    things: list[AppliedEntry] = field(default_factory=list)

    @property
    def changes_anything(self) -> bool:
        return any(thing.change is not Change.UNCHANGED for thing in self.things)

    def lines(self) -> Iterator[str]:
        """One line per thing."""
        yield from map(str, self.things)
