"""What became of each thing of a file: one line each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy


class Fate(Enum):
    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"

    @property
    def label(self) -> str | Promise:
        return _LABELS[self]


_LABELS = {
    Fate.CREATED: gettext_lazy("created"),
    Fate.UPDATED: gettext_lazy("updated"),
    Fate.UNCHANGED: gettext_lazy("unchanged"),
}


@dataclass(frozen=True)
class Applied:
    """One thing: its kind in words, its name, and what became of it. ``fields`` names what was updated; ``notes``
    are whole sentences about what is left to do."""

    kind: str
    name: str
    fate: Fate
    fields: Sequence[str] = ()
    notes: Sequence[str] = ()
    in_sandbox: bool = False

    def __str__(self) -> str:
        fate = str(self.fate.label) + (f" ({', '.join(self.fields)})" if self.fields else "")
        badge = _(" [sandbox]") if self.in_sandbox else ""
        line = f"{self.kind} “{self.name}”{badge}: {fate}"
        return " – ".join([line, *self.notes])


@dataclass
class Report:
    """Everything that a file spoke of, in its order."""

    things: list[Applied] = field(default_factory=list)

    @property
    def changes_anything(self) -> bool:
        return any(thing.fate is not Fate.UNCHANGED for thing in self.things)

    def lines(self) -> Iterator[str]:
        """One line per thing."""
        yield from map(str, self.things)
