"""Write the contacts of a run as a CSV file while they are read."""

from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet

from config.platform.text import csv_lines
from exports.models import Outcome
from exports.reporting import messages
from exports.reporting.breakdown import PeopleKind
from exports.reporting.people import BatchPeople

# Column names stay as they are in every language: programs read them.
HEAD = ("email", "profile", "outcome", "code", "reason", "batch", "field")
_CHUNK = 2000


def lines(kind: PeopleKind, people: "QuerySet[Outcome] | BatchPeople") -> Iterator[str]:
    """Yield a line for each of ``people``, which are all of one kind. They are never all in memory."""
    yield csv_lines.BYTE_ORDER_MARK + csv_lines.csv_line(HEAD)
    rows = _of_batches(people) if isinstance(people, BatchPeople) else _of_outcomes(people)
    for email, profile, code, reason, batch, field in rows:
        yield csv_lines.csv_line((email, profile or "", kind.value, code, reason, batch or "", field))


def _of_outcomes(outcomes: "QuerySet[Outcome]") -> Iterator[tuple[Any, ...]]:
    for outcome in outcomes.iterator(chunk_size=_CHUNK):
        reason = messages.of_outcome(outcome)
        yield outcome.email, outcome.profile_id, outcome.code, reason, outcome.batch_number, outcome.field


def _of_batches(people: BatchPeople) -> Iterator[tuple[Any, ...]]:
    for person in people.everybody():
        reason = messages.of_code(person.code)
        yield person.email, person.profile_id, person.code, reason, person.batch_label, ""
