"""Read the contacts of a run, a page at a time, however many they are.

Contacts with an outcome have rows of their own. All others stand in the arrays of the batches: a page finds the
batches that hold it by adding up their counts, and opens those alone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection as database
from django.db.models import Q, QuerySet

from config.platform.text.addresses import comparable_email
from config.platform.text.csv_lines import BYTE_ORDER_MARK, csv_line
from exports.batches import encode
from exports.models import IS_REMOVAL, Batch, BatchStatus, Outcome, Run
from exports.reporting import messages
from exports.reporting.breakdown import PeopleKind

OUTCOMES = (
    PeopleKind.INVALID,
    PeopleKind.DUPLICATE,
    PeopleKind.EXCLUSION,
    PeopleKind.NO_CONSENT,
    PeopleKind.CONTROL,
    PeopleKind.SUPPRESSED,
    PeopleKind.REJECTED,
    PeopleKind.UNKNOWN,
    PeopleKind.INCOMPLETE,
    PeopleKind.TO_REMOVE,
    PeopleKind.REMOVED,
    PeopleKind.NOT_REMOVED,
)

_STATUSES = {
    PeopleKind.DELIVERED: (BatchStatus.DONE,),
    PeopleKind.NEW: (BatchStatus.DONE,),
    PeopleKind.NOT_SENT: (BatchStatus.NOT_SENT,),
    PeopleKind.PLANNED: (BatchStatus.PLANNED, BatchStatus.SENDING, BatchStatus.DONE, BatchStatus.NOT_SENT),
}
# Everybody in a batch; of those delivered, without whom the destination did not take.
_EVERYBODY = "true"
_TAKEN = """NOT EXISTS (SELECT 1 FROM exports_outcome taken_back
                          WHERE taken_back.run_id = batch.run_id
                            AND taken_back.kind IN ('left', 'rejected', 'unknown')
                            AND taken_back.batch_number = batch.number AND taken_back.email = person.email)"""
_PEOPLE = """exports_batch batch, unnest(batch.profile_ids, batch.emails)
             WITH ORDINALITY AS person (profile_id, email, place)"""
# Column names stay as they are in every language: programs read them.
CSV_COLUMNS = ("email", "profile", "outcome", "code", "reason", "batch", "field")
_CSV_CHUNK = 2000


@dataclass(frozen=True)
class BatchPerson:
    """A contact of a batch."""

    profile_id: int
    email: str
    batch_label: str
    code: str  # that of their batch, where it was not sent


@dataclass(frozen=True)
class SentPerson:
    """A contact of a batch, with the data that were sent."""

    email: str
    payload: str


def first_contacts(batch: Batch, limit: int) -> list[SentPerson]:
    """Return the first contacts of a batch; none once they are no longer kept."""
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT unnest(emails[1:%s]), unnest(payloads[1:%s]) FROM exports_batch WHERE id = %s",
            [limit, limit, batch.pk],
        )
        found = cursor.fetchall()
    if not batch.converted:
        read = encode.reader(batch.run.account, batch.run.list_id, batch.run.snapshot)
        found = [(email, read(email, values)) for email, values in found]
    return [SentPerson(*row) for row in found]


class BatchPeople(Sequence[BatchPerson]):
    """All contacts of one kind in the batches of a run, in the order of sending; sliced, never read as a whole.
    ``words``: a part of the address to look for, which reads every batch. ``code``: only batches with that
    code."""

    def __init__(self, run: Run, kind: PeopleKind, words: str = "", code: str = "") -> None:
        self._run, self._words, self._code = run, words, code
        self._statuses = _STATUSES[kind]
        self._taken_only = kind in (PeopleKind.DELIVERED, PeopleKind.NEW)
        self._counts: list[tuple[int, int]] | None = None
        self._found: int | None = None

    def __len__(self) -> int:
        return self._count_found() if self._words else sum(people for _pk, people in self._sizes())

    def __getitem__(self, part: int | slice) -> "list[BatchPerson]":  # type: ignore[override]
        if not isinstance(part, slice):
            raise TypeError("people are read by the page")
        start, stop, _step = part.indices(len(self))
        return self._look(start, stop) if self._words else self._open(start, stop)

    def everybody(self) -> Iterator[BatchPerson]:
        """All of them, in the order of sending, read batch by batch."""
        if self._words:
            yield from self._look(0, len(self))
            return
        for pk, size in self._sizes():
            yield from self._in_batch(pk, 0, size)

    def _sizes(self) -> list[tuple[int, int]]:
        """Return the batches in order, each with how many of its contacts are of this kind."""
        if self._counts is None:
            count = "delivered" if self._taken_only else "size"
            rows = self._run.batches.exclude(IS_REMOVAL).filter(status__in=self._statuses).order_by("number")
            rows = rows.filter(code=self._code) if self._code else rows
            self._counts = list(rows.values_list("pk", count))
        return self._counts

    def _open(self, start: int, stop: int) -> list[BatchPerson]:
        people: list[BatchPerson] = []
        passed = 0
        for pk, size in self._sizes():
            if passed >= stop:
                break
            first, last = max(start - passed, 0), min(stop - passed, size)
            if first < last:
                people += self._in_batch(pk, first, last - first)
            passed += size
        return people

    def _in_batch(self, pk: int, offset: int, limit: int) -> list[BatchPerson]:
        where = _TAKEN if self._taken_only else _EVERYBODY
        return self._read(f"batch.id = %s AND {where}", [pk], offset, limit)

    def _look(self, start: int, stop: int) -> list[BatchPerson]:
        where, parameters = self._search()
        return self._read(where, parameters, start, stop - start)

    def _search(self) -> tuple[str, list[Any]]:
        where = "batch.run_id = %s AND batch.status = ANY (%s) AND strpos(person.email, %s) > 0"
        where += " AND batch.operation NOT IN ('mark', 'delete', 'unsubscribe')"
        where += " AND %s IN ('', batch.code)"
        if self._taken_only:
            where += f" AND {_TAKEN}"
        statuses = [str(status.value) for status in self._statuses]
        return where, [self._run.pk, statuses, _searched(self._words), self._code]

    def _count_found(self) -> int:
        if self._found is None:
            where, parameters = self._search()
            with database.cursor() as cursor:
                cursor.execute(f"SELECT count(*) FROM {_PEOPLE} WHERE {where}", parameters)  # noqa: S608
                self._found = int(cursor.fetchone()[0])
        return self._found

    def _read(self, where: str, parameters: list[Any], offset: int, limit: int) -> list[BatchPerson]:
        statement = f"""
            SELECT person.profile_id, person.email, batch.label,
                   CASE WHEN batch.status = 'not_sent' THEN batch.code ELSE '' END FROM {_PEOPLE} WHERE {where}
             ORDER BY batch.number, person.place OFFSET %s LIMIT %s
        """  # noqa: S608 - only our own fragments are put in
        with database.cursor() as cursor:
            cursor.execute(statement, [*parameters, offset, limit])
            return [BatchPerson(*row) for row in cursor.fetchall()]


def _searched(text: str) -> str:
    """What to look for among normal forms: an address in its own, part of one in lower case."""
    return comparable_email(text) or text.lower()


def select_outcomes(
    run: Run, kind: PeopleKind, code: str = "", words: str = "", field: str = ""
) -> QuerySet[Outcome]:
    """Select the outcomes of one kind, and of one code or field if it is given."""
    outcomes = run.outcomes.filter(kind=kind.value)
    if code:
        outcomes = outcomes.filter(code=code)
    if field:
        outcomes = outcomes.filter(field=field)
    for word in words.split():
        outcomes = outcomes.filter(Q(email__icontains=_searched(word)) | Q(message__icontains=word))
    return outcomes


def write_csv(kind: PeopleKind, people: "QuerySet[Outcome] | BatchPeople") -> Iterator[str]:
    """Yield a line for each of ``people``, which are all of one kind. They are never all in memory."""
    yield BYTE_ORDER_MARK + csv_line(CSV_COLUMNS)
    rows = _of_batches(people) if isinstance(people, BatchPeople) else _of_outcomes(people)
    for email, profile, code, reason, batch, field in rows:
        yield csv_line((email, profile or "", kind.value, code, reason, batch or "", field))


def _of_outcomes(outcomes: "QuerySet[Outcome]") -> Iterator[tuple[Any, ...]]:
    for outcome in outcomes.iterator(chunk_size=_CSV_CHUNK):
        reason = messages.text_of_outcome(outcome)
        yield outcome.email, outcome.profile_id, outcome.code, reason, outcome.batch_number, outcome.field


def _of_batches(people: BatchPeople) -> Iterator[tuple[Any, ...]]:
    for person in people.everybody():
        reason = messages.text_of_code(person.code)
        yield person.email, person.profile_id, person.code, reason, person.batch_label, ""
