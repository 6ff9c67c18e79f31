"""Write contacts as batches: a row holds the contacts of one request.

Contacts to add or update are cut into batches by one statement, which goes through the plan twice: once for where
each batch begins and ends, once for its members. (Sorting the members by batch takes longer than all that.) Few
others, which are encoded when they are planned, are written one batch at a time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.db import connection as database

from config.platform.jobs.leases import HeldLease
from connections.destinations.values import BatchOperation, BatchReceipt, Capabilities, Violation
from exports.models import Run
from exports.state.claim import stop_if_canceled

# The plan lies in the order of addresses, so a batch is what lies between two places (ctid) of each kind: those
# who are new come first, and the last batch of them is filled up with others. When no more new ones are found
# their place is the end of any table, so that they are not looked for again.
_BATCHES = """
    WITH RECURSIVE batch AS (
        SELECT 0 AS number, 1 AS size, 0 AS adds, '(0,0)'::tid AS add_after, '(0,0)'::tid AS add_until,
               '(0,0)'::tid AS update_after, '(0,0)'::tid AS update_until
         UNION ALL
        SELECT number + 1, found.size, found.adds,
               add_until, CASE WHEN found.adds = %(rows)s THEN found.last_add ELSE '(4294967295,0)'::tid END,
               update_until, coalesce(found.last_update, update_until)
          FROM batch, LATERAL (
               SELECT count(*)::int AS size, count(*) FILTER (WHERE is_new)::int AS adds,
                      max(place) FILTER (WHERE is_new) AS last_add,
                      max(place) FILTER (WHERE NOT is_new) AS last_update
                 FROM (SELECT ctid AS place, true AS is_new
                         FROM plan WHERE action = 'add' AND ctid > batch.add_until
                        UNION ALL
                       SELECT ctid, false FROM plan WHERE action = 'update' AND ctid > batch.update_until
                        LIMIT %(rows)s) person) found
         WHERE batch.size > 0)
"""
_CUT = f"""
    {_BATCHES}
    INSERT INTO exports_batch
           (run_id, number, label, operation, adds, size, profile_ids, emails, payloads, hashes, converted)
    SELECT %(run)s, number, number::text, %(operation)s, adds, size, members.profile_ids, members.emails,
           members.payloads, members.hashes, false
      FROM batch, LATERAL (
           SELECT array_agg(profile_id) AS profile_ids, array_agg(email) AS emails,
                  array_agg(mapped) AS payloads, array_agg(data_hash) AS hashes
             FROM (SELECT profile_id, email, mapped, data_hash FROM plan
                    WHERE action = 'add' AND ctid > batch.add_after AND ctid <= batch.add_until
                    UNION ALL
                   SELECT profile_id, email, mapped, data_hash FROM plan
                    WHERE action = 'update' AND ctid > batch.update_after AND ctid <= batch.update_until)
                  person) members
     WHERE number > 0 AND size > 0 RETURNING size
"""  # noqa: S608 - only our own fragments are put in


@dataclass(frozen=True)
class BatchResult:
    """What became of a batch: the answer, and by address who could not be sent at all, and which values were left
    out."""

    receipt: BatchReceipt
    violations: Mapping[str, Violation] = field(default_factory=dict)
    left_out: Mapping[str, Sequence[Violation]] = field(default_factory=dict)


@dataclass(frozen=True)
class BatchContact:
    """One person of a batch, in the list's own form."""

    profile_id: int
    email: str
    payload: str
    data_hash: str
    is_new: bool
    operation: BatchOperation = BatchOperation.SEND
    single: bool = False  # takes calls of their own
    left_out: Sequence[Violation] = ()  # the values that the list cannot hold


class BatchWriter:
    """Collects contacts, and writes a batch when it is full by rows or bytes, or when the operation changes."""

    def __init__(self, run: Run, capabilities: Capabilities, lease: HeldLease) -> None:
        self.capabilities = capabilities
        self.lease = lease
        self.number = 0
        self.written = 0
        self._run = run
        self._people: list[BatchContact] = []
        self._bytes = 0

    def go_on_after(self, number: int, *, people: int) -> None:
        """Count batches and contacts that were written by other means."""
        self.number, self.written = number, people

    def add(self, person: BatchContact) -> None:
        size = len(person.payload.encode()) + 1
        if self._people and (self._is_full(person) or self._bytes + size > self.capabilities.batch_bytes):
            self.flush()
        self._people.append(person)
        self._bytes += size

    def _is_full(self, following: BatchContact) -> bool:
        first, capabilities = self._people[0], self.capabilities
        if (first.operation, first.single) != (following.operation, following.single):
            return True
        rows = min(capabilities.single_rows, capabilities.batch_rows) if first.single else capabilities.batch_rows
        return len(self._people) >= rows

    def flush(self) -> None:
        if not self._people:
            return
        self.number += 1
        write_batch(self._run.pk, self.number, self._people)
        self.written += len(self._people)
        self._people, self._bytes = [], 0
        self.lease.report(progress_done=self.written)
        stop_if_canceled(self._run, self.lease)


def write_batch(run_id: int, number: int, members: Sequence[BatchContact]) -> None:
    """One batch as one row, its members as arrays."""
    with database.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO exports_batch
                   (run_id, number, label, operation, adds, size, profile_ids, emails, payloads, hashes)
            VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s::uuid[])
            """,
            [
                run_id,
                number,
                str(number),
                members[0].operation.value,
                sum(person.is_new for person in members),
                len(members),
                [person.profile_id for person in members],
                [person.email for person in members],
                [person.payload for person in members],
                [person.data_hash for person in members],
            ],
        )


def write_part(batch_id: int, label: str, code: str, *, first: int, last: int) -> None:
    """Write a part of a batch, from its contact ``first`` to ``last`` (counted from 1), as a batch of its own."""
    with database.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO exports_batch
                   (run_id, number, label, operation, adds, size, profile_ids, emails, payloads, hashes, converted,
                    code)
            SELECT run_id, (SELECT max(number) + 1 FROM exports_batch b WHERE b.run_id = batch.run_id), %(label)s,
                   operation, CASE WHEN adds = size THEN %(last)s - %(first)s + 1 ELSE 0 END,
                   %(last)s - %(first)s + 1, profile_ids[%(first)s:%(last)s], emails[%(first)s:%(last)s],
                   payloads[%(first)s:%(last)s], hashes[%(first)s:%(last)s], converted, %(code)s
              FROM exports_batch batch WHERE id = %(batch)s
            """,
            {"label": label, "code": code, "first": first, "last": last, "batch": batch_id},
        )


def cut_into_batches(run: Run, *, rows: int) -> list[int]:
    """Write the contacts to add or update as batches of up to ``rows`` contacts, with mapped values. Returns
    the sizes of the batches."""
    with database.cursor() as cursor:
        cursor.execute(_CUT, {"run": run.pk, "operation": BatchOperation.SEND.value, "rows": rows})
        return [size for (size,) in cursor.fetchall()]
