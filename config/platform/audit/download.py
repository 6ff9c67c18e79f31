"""The record as a CSV file, written row by row while it is read."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import QuerySet

from config.platform.audit import words
from config.platform.audit.models import AuditEntry
from config.platform.web import spreadsheets

# Column names stay as they are in every language: programs read them.
HEAD = ("id", "when", "who", "from", "what", "kind", "target id", "target", "field", "before", "after")


@dataclass
class AuditRecord:
    """The record itself, to be spoken of in the record."""

    pk: int = 0

    def __str__(self) -> str:
        return "Audit record"


def lines(entries: "QuerySet[AuditEntry]") -> Iterator[str]:
    """CSV, a line per changed field (one line for a action without any). Never the whole record in memory."""
    yield spreadsheets.BYTE_ORDER_MARK + spreadsheets.line(HEAD)
    for entry in entries.iterator(chunk_size=1000):
        for row in _rows(entry):
            yield spreadsheets.line(row)


def _rows(entry: AuditEntry) -> Iterator[tuple[str, ...]]:
    start = (
        str(entry.pk),
        entry.at.isoformat(timespec="seconds"),
        entry.actor_name,
        entry.from_address,
        entry.action,
        entry.target_kind,
        str(entry.target_id or ""),
        entry.target_name,
    )
    if not entry.changes:
        yield (*start, "", "", "")
    for name, (before, after) in entry.changes.items():
        yield (*start, name, _cell(before), _cell(after))


def _cell(stored: object) -> str:
    return "" if stored is None else words.value(stored)
