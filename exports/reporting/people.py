"""Read the contacts of a run, a page at a time, however many they are.

Contacts with an outcome have rows of their own. All others are in the arrays of the batches: a page finds the
batches that hold it by adding up their counts, and opens those alone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection as database
from django.db.models import Case, F, Q, QuerySet, When

from config.platform.text.addresses import comparable_email
from config.platform.text.csv_lines import BYTE_ORDER_MARK, csv_line
from exports.batches import encode
from exports.models import IS_REMOVAL, Batch, BatchStatus, Outcome, OutcomeKind, Run
from exports.reporting import messages
from exports.results import summary
from exports.results.summary import EXCLUDED_PARTS, OUTCOMES, PeopleKind
from exports.state.plan_action import UNANSWERED

_PENDING = (BatchStatus.PLANNED, BatchStatus.SENDING, BatchStatus.NOT_SENT)
# The batches that have contacts of a group. Until a run has ended, contacts that are not sent yet are pending.
_STATUSES = {
    PeopleKind.DELIVERED: (BatchStatus.DONE,),
    PeopleKind.NOT_ATTEMPTED: _PENDING,
    PeopleKind.PLANNED: (*_PENDING, BatchStatus.DONE),
    PeopleKind.NOT_REMOVED: _PENDING,
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
class ListedContact:
    """A contact of a run with its result."""

    email: str
    profile_id: int | None
    kind: PeopleKind
    code: str = ""
    reason: str = ""
    batch: str = ""
    field: str = ""


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


class ContactList(Sequence[ListedContact]):
    """Contacts of a run; sliced, never read as a whole."""

    def __getitem__(self, part: int | slice) -> "list[ListedContact]":  # type: ignore[override]
        if not isinstance(part, slice):
            raise TypeError("contacts are read by the page")
        start, stop, _step = part.indices(len(self))
        return self.read(start, stop)

    def read(self, start: int, stop: int) -> list[ListedContact]:
        """Return the contacts from ``start`` to ``stop``."""
        raise NotImplementedError

    def all(self) -> Iterator[ListedContact]:
        """Yield all contacts, reading some at a time."""
        raise NotImplementedError


class JoinedContacts(ContactList):
    """The contacts of several lists, one after the other."""

    def __init__(self, parts: Sequence[ContactList]) -> None:
        self._parts = parts

    def __len__(self) -> int:
        return sum(map(len, self._parts))

    def read(self, start: int, stop: int) -> list[ListedContact]:
        found: list[ListedContact] = []
        passed = 0
        for part in self._parts:
            size = len(part)
            first, last = max(start - passed, 0), min(stop - passed, size)
            if first < last:
                found += part.read(first, last)
            passed += size
        return found

    def all(self) -> Iterator[ListedContact]:
        for part in self._parts:
            yield from part.all()


class OutcomeContacts(ContactList):
    """The contacts of outcomes."""

    def __init__(self, outcomes: QuerySet[Outcome]) -> None:
        self._outcomes = outcomes
        self._found: int | None = None

    def __len__(self) -> int:
        if self._found is None:
            self._found = self._outcomes.count()
        return self._found

    def read(self, start: int, stop: int) -> list[ListedContact]:
        return [_listed(outcome) for outcome in self._outcomes[start:stop]]

    def all(self) -> Iterator[ListedContact]:
        return map(_listed, self._outcomes.iterator(chunk_size=_CSV_CHUNK))


class BatchContacts(ContactList):
    """All contacts of one kind in the batches of a run, in the order of sending. ``words``: a part of the address
    to look for, which reads every batch. ``code``: only batches with that code."""

    def __init__(self, run: Run, kind: PeopleKind, words: str = "", code: str = "") -> None:
        self._run, self._kind, self._words, self._code = run, kind, words, code
        self._statuses = _STATUSES[kind]
        self._taken_only = kind is PeopleKind.DELIVERED
        self._removals = kind is PeopleKind.NOT_REMOVED
        self._counts: list[tuple[int, int]] | None = None
        self._found: int | None = None

    def __len__(self) -> int:
        return self._count_found() if self._words else sum(contacts for _pk, contacts in self._sizes())

    def read(self, start: int, stop: int) -> list[ListedContact]:
        return self._look(start, stop) if self._words else self._open(start, stop)

    def all(self) -> Iterator[ListedContact]:
        if self._words:
            yield from self._look(0, len(self))
            return
        for pk, size in self._sizes():
            yield from self._in_batch(pk, 0, size)

    def _sizes(self) -> list[tuple[int, int]]:
        """Return the batches in order, each with how many of its contacts are of this kind."""
        if self._counts is None:
            count = "delivered" if self._taken_only else "size"
            rows = self._run.batches.filter(IS_REMOVAL if self._removals else ~IS_REMOVAL)
            rows = rows.filter(status__in=self._statuses).order_by("number")
            if self._code == summary.NEVER_SENT:
                rows = rows.exclude(code=UNANSWERED)
            elif self._code:
                rows = rows.filter(code=self._code)
            self._counts = list(rows.values_list("pk", count))
        return self._counts

    def _open(self, start: int, stop: int) -> list[ListedContact]:
        contacts: list[ListedContact] = []
        passed = 0
        for pk, size in self._sizes():
            if passed >= stop:
                break
            first, last = max(start - passed, 0), min(stop - passed, size)
            if first < last:
                contacts += self._in_batch(pk, first, last - first)
            passed += size
        return contacts

    def _in_batch(self, pk: int, offset: int, limit: int) -> list[ListedContact]:
        where = _TAKEN if self._taken_only else _EVERYBODY
        return self._read(f"batch.id = %s AND {where}", [pk], offset, limit)

    def _look(self, start: int, stop: int) -> list[ListedContact]:
        where, parameters = self._search()
        return self._read(where, parameters, start, stop - start)

    def _search(self) -> tuple[str, list[Any]]:
        where = "batch.id = ANY (%s) AND strpos(person.email, %s) > 0"
        if self._taken_only:
            where += f" AND {_TAKEN}"
        return where, [[pk for pk, _size in self._sizes()], _searched(self._words)]

    def _count_found(self) -> int:
        if self._found is None:
            where, parameters = self._search()
            with database.cursor() as cursor:
                cursor.execute(f"SELECT count(*) FROM {_PEOPLE} WHERE {where}", parameters)  # noqa: S608
                self._found = int(cursor.fetchone()[0])
        return self._found

    def _read(self, where: str, parameters: list[Any], offset: int, limit: int) -> list[ListedContact]:
        statement = f"""
            SELECT person.profile_id, person.email, batch.label, batch.status, batch.code
              FROM {_PEOPLE} WHERE {where}
             ORDER BY batch.number, person.place OFFSET %s LIMIT %s
        """  # noqa: S608 - only our own fragments are put in
        with database.cursor() as cursor:
            cursor.execute(statement, [*parameters, offset, limit])
            rows = cursor.fetchall()
        results = self._results([row[1] for row in rows]) if self._kind is PeopleKind.PLANNED else {}
        return [self._listed(row, results.get(row[1]) if row[1] else None) for row in rows]

    def _listed(self, row: tuple[int, str, str, str, str], outcome: Outcome | None) -> ListedContact:
        profile_id, email, label, status, code = row
        if outcome is not None:
            found = _listed(outcome)
            return ListedContact(email, profile_id, found.kind, found.code, found.reason, label)
        kind = self._kind
        if kind is PeopleKind.PLANNED:
            kind = PeopleKind.DELIVERED if status == BatchStatus.DONE else PeopleKind.NOT_ATTEMPTED
        code = code if status == BatchStatus.NOT_SENT else ""
        return ListedContact(email, profile_id, kind, code, str(messages.text_of_code(code)), label)

    def _results(self, emails: Sequence[str]) -> dict[str, Outcome]:
        """Find the outcomes of contacts of batches that were not delivered."""
        kinds = [OutcomeKind.LEFT, OutcomeKind.REJECTED, OutcomeKind.UNKNOWN]
        outcomes = self._run.outcomes.filter(kind__in=kinds, batch_number__isnull=False, email__in=emails)
        return {outcome.email: outcome for outcome in outcomes}


def _listed(outcome: Outcome) -> ListedContact:
    return ListedContact(
        email=outcome.email,
        profile_id=outcome.profile_id,
        kind=summary.kind_of_outcome(outcome.kind),
        code=outcome.code,
        reason=messages.text_of_outcome(outcome),
        batch=str(outcome.batch_number or ""),
        field=outcome.field,
    )


def _searched(text: str) -> str:
    """What to look for among normal forms: an address in its own, part of one in lower case."""
    return comparable_email(text) or text.lower()


def list_contacts(run: Run, kind: PeopleKind, code: str = "", words: str = "", field: str = "") -> ContactList:
    """List the contacts of one group, those of one code or field if it is given; none once they are no longer
    stored."""
    parts: list[ContactList] = []
    if not is_kept(run, kind):
        return JoinedContacts([])
    if outcomes := outcomes_of(kind):
        parts.append(OutcomeContacts(_select_outcomes(run, outcomes, code, words, field)))
    if kind in _STATUSES:
        parts.append(BatchContacts(run, kind, words, code))
    return JoinedContacts(parts)


def is_kept(run: Run, kind: PeopleKind) -> bool:
    """Tell whether all contacts of a group are still stored."""
    are_outcomes_kept = run.outcomes_removed_at is None or not outcomes_of(kind)
    return are_outcomes_kept and (run.batches_emptied_at is None or kind not in _STATUSES)


def outcomes_of(kind: PeopleKind) -> list[OutcomeKind]:
    """Return the outcomes that the contacts of a group have; empty for a group of contacts without."""
    kinds = EXCLUDED_PARTS if kind is PeopleKind.EXCLUDED else (kind,)
    return [outcome for part in kinds for outcome in OUTCOMES.get(part, ())]


def _select_outcomes(
    run: Run, kinds: Sequence[OutcomeKind], code: str, words: str, field: str
) -> QuerySet[Outcome]:
    """Select a row for each contact: one that was delivered without several values has several."""
    outcomes = run.outcomes.filter(kind__in=kinds)
    if code:
        outcomes = outcomes.filter(code=code)
    if field:
        outcomes = outcomes.filter(field=field)
    for word in words.split():
        outcomes = outcomes.filter(Q(email__icontains=_searched(word)) | Q(message__icontains=word))
    if OutcomeKind.INCOMPLETE not in kinds:
        return outcomes.order_by("pk")
    erased = Case(When(email="", then=F("pk")), default=0)
    return (
        outcomes.annotate(erased=erased)
        .order_by("email", "profile_id", "erased", "pk")
        .distinct("email", "profile_id", "erased")
    )


def write_csv(contacts: ContactList) -> Iterator[str]:
    """Yield a line for each of ``contacts``. They are never all in memory."""
    yield BYTE_ORDER_MARK + csv_line(CSV_COLUMNS)
    for one in contacts.all():
        kind = one.kind.value
        yield csv_line((one.email, one.profile_id or "", kind, one.code, one.reason, one.batch, one.field))
