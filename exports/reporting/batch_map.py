"""The batches of a run as a strip of cells: a cell a batch or, of very many, a cell for several in a row."""

import math
from dataclasses import dataclass
from enum import StrEnum

from django.db import connection as database
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.platform.web.formats import number
from exports.models import Run

MOST_CELLS = 250


class CellState(StrEnum):
    """How a cell looks: the most noteworthy state among its batches, which is the last of these."""

    DONE = "done"
    PLANNED = "planned"
    SENDING = "sending"
    AGAIN = "again"
    NOT_SENT = "not_sent"
    REJECTED = "rejected"


LABELS: dict[CellState, str | Promise] = {
    CellState.DONE: gettext_lazy("Done"),
    CellState.PLANNED: gettext_lazy("Planned"),
    CellState.SENDING: gettext_lazy("Sending"),
    CellState.AGAIN: gettext_lazy("Waiting for a retry"),
    CellState.NOT_SENT: gettext_lazy("Not attempted"),
    CellState.REJECTED: gettext_lazy("Done, some rejected"),
}
_STATES = tuple(CellState)


@dataclass(frozen=True)
class Cell:
    """A cell of the batch map: from which batch to which, by number, and how many contacts they hold."""

    first: int
    last: int
    batches: int
    people: int
    label: str  # of the first batch
    state: CellState

    @property
    def words(self) -> str:
        """Return the tooltip of the cell."""
        values = {
            "label": self.label,
            "first": number(self.first),
            "last": number(self.last),
            "people": number(self.people),
            "state": LABELS[self.state],
        }
        if self.batches == 1:
            return _("Batch %(label)s: %(state)s, %(people)s contacts") % values
        return _("Batches %(first)s to %(last)s: %(state)s, %(people)s contacts") % values


def strip_of(run: Run, batches: int) -> list[Cell]:
    """The cells of a run with so many batches, in one query."""
    per_cell = max(1, math.ceil(batches / MOST_CELLS))
    with database.cursor() as cursor:
        cursor.execute(
            """
            SELECT min(number), max(number), count(*), sum(size), min(label) FILTER (WHERE is_first), max(state)
              FROM (
                SELECT number, size, label, place / %(per_cell)s AS cell, place %% %(per_cell)s = 0 AS is_first,
                       CASE WHEN rejected > 0 THEN 5
                            WHEN status = 'not_sent' THEN 4
                            WHEN status = 'planned' AND attempt > 0 THEN 3
                            WHEN status = 'sending' THEN 2
                            WHEN status = 'planned' THEN 1
                            ELSE 0 END AS state
                  FROM (SELECT *, row_number() OVER (ORDER BY number) - 1 AS place
                          FROM (SELECT number, size, label, status, attempt, rejected FROM exports_batch
                                 WHERE run_id = %(run)s AND status <> 'split') batch) numbered) judged
             GROUP BY cell ORDER BY cell
            """,
            {"per_cell": per_cell, "run": run.pk},
        )
        rows = cursor.fetchall()
    return [
        Cell(first, last, batches, people, label, _STATES[state])
        for first, last, batches, people, label, state in rows
    ]


def states_in(cells: list[Cell]) -> list[tuple[CellState, str | Promise]]:
    """Which states there are, for the legend."""
    found = {cell.state for cell in cells}
    return [(state, LABELS[state]) for state in CellState if state in found]
