"""Write contacts as batches: a row holds the contacts of one request."""

from collections.abc import Sequence

from django.db import connection as database

from config.platform.jobs.leases import HeldLease
from connections.destinations.values import Capabilities
from exports.batches.values import Person
from exports.models import Run
from exports.state.claim import stop_if_asked


class BatchWriter:
    """Collects contacts, and writes a batch when it is full by rows or bytes, or when the operation changes."""

    def __init__(self, run: Run, capabilities: Capabilities, lease: HeldLease) -> None:
        self.capabilities = capabilities
        self.lease = lease
        self.number = 0
        self.written = 0
        self._run = run
        self._people: list[Person] = []
        self._bytes = 0

    def go_on_after(self, number: int, *, people: int) -> None:
        """Count batches and contacts that were written by other means."""
        self.number, self.written = number, people

    def add(self, person: Person) -> None:
        size = len(person.payload.encode()) + 1
        if self._people and (self._is_full(person) or self._bytes + size > self.capabilities.batch_bytes):
            self.flush()
        self._people.append(person)
        self._bytes += size

    def _is_full(self, following: Person) -> bool:
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
        stop_if_asked(self.lease)


def write_batch(run_id: int, number: int, members: Sequence[Person]) -> None:
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
