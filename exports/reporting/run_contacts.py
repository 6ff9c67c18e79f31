"""Read the contacts of a run, a page at a time, however many they are.

Contacts with an outcome have rows of their own. All others are in the arrays of the batches: a page finds the
batches that hold it by adding up their counts, and opens those alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import and_
from typing import Any

from django.db import connection as database
from django.db.models import Case, F, Q, QuerySet, When

from config.platform.text.csv_lines import BYTE_ORDER_MARK, csv_line
from exports.batches import encode
from exports.models import IS_REMOVAL, Batch, BatchStatus, ContactBlock, Outcome, OutcomeKind, Run
from exports.reporting import messages
from exports.reporting.contact_lists import (
    ArrayContacts,
    BlockContacts,
    ContactList,
    JoinedContacts,
    ListedContact,
    searched,
)
from exports.results import summary
from exports.results.summary import EXCLUDED_PARTS, OUTCOMES, ContactKind
from exports.state.plan_action import UNANSWERED
from segments import audience

_PENDING = (BatchStatus.PLANNED, BatchStatus.SENDING, BatchStatus.NOT_SENT)
# The batches that have contacts of a group. Until a run has ended, contacts that are not sent yet are pending.
_STATUSES = {
    ContactKind.DELIVERED: (BatchStatus.DONE,),
    ContactKind.NOT_ATTEMPTED: _PENDING,
    ContactKind.PLANNED: (*_PENDING, BatchStatus.DONE),
    ContactKind.MEMBERS: (*_PENDING, BatchStatus.DONE),
    ContactKind.NOT_REMOVED: _PENDING,
}
# Of the contacts in a batch, those that the destination has accepted.
_TAKEN = """NOT EXISTS (SELECT 1 FROM exports_outcome taken_back
                          WHERE taken_back.run_id = batch.run_id
                            AND taken_back.kind IN ('left', 'rejected', 'unknown')
                            AND taken_back.batch_number = batch.number AND taken_back.email = person.email)"""
# The groups of which a run keeps contacts in blocks.
_BLOCKS: dict[ContactKind, Sequence[ContactKind]] = {
    ContactKind.UNCHANGED: [ContactKind.UNCHANGED],
    ContactKind.SUPPRESSED: [ContactKind.SUPPRESSED],
    ContactKind.PREVIOUSLY_REJECTED: [ContactKind.PREVIOUSLY_REJECTED],
    ContactKind.MEMBERS: [ContactKind.UNCHANGED, ContactKind.SUPPRESSED, ContactKind.PREVIOUSLY_REJECTED],
}
# The groups whose contacts, or some of them, are deleted with the data of batches, and with outcomes.
_WITH_BATCHES = frozenset({*_STATUSES, ContactKind.UNCHANGED})
_WITH_OUTCOMES = frozenset({*OUTCOMES, ContactKind.EXCLUDED, ContactKind.PREVIOUSLY_REJECTED, ContactKind.MEMBERS})
# The groups of contacts that a run lists. It does not know which of its contacts were added or updated.
LISTED = tuple(kind for kind in ContactKind if kind in _WITH_BATCHES | _WITH_OUTCOMES)
# Column names stay as they are in every language: programs read them.
CSV_COLUMNS = ("email", "profile", "outcome", "code", "reason", "batch", "field", "segment")
_CSV_CHUNK = 2000


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


class BatchContacts(ArrayContacts):
    """All contacts of one kind in the batches of a run, in the order of sending. ``code``: only batches with that
    code."""

    people = """exports_batch batch, unnest(batch.profile_ids, batch.emails)
                WITH ORDINALITY AS person (profile_id, email, place)"""
    table = "batch"

    def __init__(self, run: Run, kind: ContactKind, words: str = "", code: str = "") -> None:
        super().__init__(words)
        self._run, self._kind, self._code = run, kind, code

    def find_rows(self) -> list[tuple[int, int]]:
        rows = self._run.batches.filter(IS_REMOVAL if self._kind is ContactKind.NOT_REMOVED else ~IS_REMOVAL)
        rows = rows.filter(status__in=_STATUSES[self._kind]).order_by("number")
        if self._code == summary.NEVER_SENT:
            rows = rows.exclude(code=UNANSWERED)
        elif self._code:
            rows = rows.filter(code=self._code)
        count = "delivered" if self._kind is ContactKind.DELIVERED else "size"
        return list(rows.values_list("pk", count))

    def condition(self) -> str:
        return _TAKEN if self._kind is ContactKind.DELIVERED else "true"

    def read_contacts(self, where: str, parameters: list[Any], offset: int, limit: int) -> list[ListedContact]:
        statement = f"""
            SELECT person.profile_id, person.email, batch.label, batch.status, batch.code
              FROM {self.people} WHERE {where}
             ORDER BY batch.number, person.place OFFSET %s LIMIT %s
        """  # noqa: S608 - only our own fragments are put in
        with database.cursor() as cursor:
            cursor.execute(statement, [*parameters, offset, limit])
            rows = cursor.fetchall()
        is_mixed = self._kind in (ContactKind.PLANNED, ContactKind.MEMBERS)
        results = self._results([row[1] for row in rows]) if is_mixed else {}
        return [self._listed(row, results.get(row[1]) if row[1] else None) for row in rows]

    def _listed(self, row: tuple[int, str, str, str, str], outcome: Outcome | None) -> ListedContact:
        profile_id, email, label, status, code = row
        if outcome is not None:
            found = _listed(outcome)
            return ListedContact(email, profile_id, found.kind, found.code, found.reason, label)
        kind = self._kind
        if kind in (ContactKind.PLANNED, ContactKind.MEMBERS):
            kind = ContactKind.DELIVERED if status == BatchStatus.DONE else ContactKind.NOT_ATTEMPTED
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
        segment=outcome.segment,
    )


def list_contacts(
    run: Run,
    kind: ContactKind,
    *,
    code: str = "",
    words: str = "",
    field: str = "",
    segment: str = "",
    reasons: Mapping[str, str] | None = None,
) -> ContactList:
    """List the contacts of one group, those of one code, field or segment if it is given, as far as they are still
    stored; of the members all or none. ``reasons``: those of the export's codes, where they are known already."""
    given = {"code": code, "field": field, "segment": segment}
    parts: list[ContactList] = []
    if not is_kept(run, kind):
        return JoinedContacts([])
    if run.outcomes_removed_at is None and (outcomes := outcomes_of(kind)):
        parts.append(OutcomeContacts(_select_outcomes(run, outcomes, words, given)))
    if kinds := _BLOCKS.get(kind):
        if reasons is None:
            reasons = messages.reasons_of_codes(run.export_id)
        parts.append(BlockContacts(select_blocks(run, kinds, code), reasons, words))
    if run.batches_emptied_at is None and kind in _STATUSES:
        parts.append(BatchContacts(run, kind, words, code))
    return JoinedContacts(parts)


def select_blocks(run: Run, kinds: Sequence[ContactKind], code: str = "") -> QuerySet[ContactBlock]:
    """Select the blocks of a run that have contacts of some groups, and with one code if it is given."""
    blocks = run.blocks.filter(kind__in=[kind.value for kind in kinds])
    return blocks.filter(code=code) if code else blocks


def is_kept(run: Run, kind: ContactKind) -> bool:
    """Tell whether all members, or any contacts of another group, are still stored."""
    parts = [run.batches_emptied_at is None] if kind in _WITH_BATCHES else []
    parts += [run.outcomes_removed_at is None] if kind in _WITH_OUTCOMES else []
    return all(parts) if kind is ContactKind.MEMBERS else any(parts)


def outcomes_of(kind: ContactKind) -> list[OutcomeKind]:
    """Return the outcomes that the contacts of a group have; empty for a group of contacts without."""
    kinds = EXCLUDED_PARTS if kind in (ContactKind.EXCLUDED, ContactKind.MEMBERS) else (kind,)
    return [outcome for part in kinds for outcome in OUTCOMES.get(part, ())]


def _select_outcomes(
    run: Run, kinds: Sequence[OutcomeKind], words: str, given: Mapping[str, str]
) -> QuerySet[Outcome]:
    """Select a row for each contact: one that was delivered without several values has several."""
    outcomes = run.outcomes.filter(kind__in=kinds)
    outcomes = outcomes.filter(**{name: value for name, value in given.items() if value})
    if words:
        # A contact without an email is listed by the key of its profile.
        every_word = (Q(email__icontains=searched(word)) | Q(message__icontains=word) for word in words.split())
        has_key = Q(profile_id__in=audience.ids_with_key(" ".join(words.split())))
        outcomes = outcomes.filter(reduce(and_, every_word, Q()) | has_key)
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
        yield csv_line(
            (one.email, one.profile_id or "", kind, one.code, one.reason, one.batch, one.field, one.segment)
        )
