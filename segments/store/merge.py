"""Merge imported rows into the profiles of a data source: add new ones, change known ones, leave equal ones alone,
and in snapshot mode delete those that are not in the file.

The rows are compared with the profiles before the writer's lock is taken; under the lock only the difference is
written, in one commit. An attribute that the file has no column for keeps its value.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from segments.catalog import Attribute
from segments.store import lake
from segments.store.columns import PROFILES, columns_of
from segments.store.lake import Reader, Writer
from segments.store.leaving import LEAVING
from segments.store.profile_ids import reserve_ids
from segments.store.profiles import identity_differs, unify_again, update_unified

# The temporary table of imported rows: ``line``, ``key``, and the columns of the file's attributes.
STAGED = "staged"
# The temporary table of new and changed rows, in full; ``id`` is NULL for a new one.
_CHANGES = "changes"
_MAX_TRIES = 5


@dataclass(frozen=True)
class MergeCounts:
    """How many profiles a merge created, updated, left unchanged and removed."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    removed: int = 0


class StaleComparison(Exception):
    """Profiles were deleted after the rows were compared with them."""


@dataclass(frozen=True)
class Merge:
    """A merge of the temporary table STAGED into the profiles of a source.

    ``attributes`` have columns in STAGED, ``kept`` are all other attributes of the catalog. ``job`` identifies the
    commit, whose note gets ``note`` and the counts; ``moment`` becomes the time of the change. ``check`` runs
    under the writer's lock and raises to give up; StaleComparison makes the merge compare again. ``find_leaving``
    fills the table LEAVING and returns how many profiles are deleted, or raises to give up; without it all stay.
    """

    source_id: int
    attributes: Sequence[Attribute]
    kept: Sequence[Attribute]
    job: str
    moment: datetime
    check: Callable[[], None]
    waiting: Callable[[], None]
    note: Mapping[str, object]
    find_leaving: Callable[[Reader], int] | None = None

    def run(self) -> dict[str, Any]:
        """Compare and commit, unless nothing differs. Returns the note of the commit, with the counts in it."""
        for tries_left in reversed(range(_MAX_TRIES)):
            try:
                return self._compare_and_write()
            except StaleComparison:
                if not tries_left:
                    raise
        raise AssertionError("the last try returns or raises")

    def _compare_and_write(self) -> dict[str, Any]:
        with lake.reading() as reader:
            is_first = self._has_no_profiles(reader)
            counts = self._count(reader) if is_first else self._compare(reader)
        with lake.writing(self.job, waiting=self.waiting) as writer:
            self.check()
            if is_first:
                self._write_all(writer)
                unify_again(writer, changed=f"SELECT id FROM {PROFILES} WHERE source_id = {int(self.source_id)}")
            elif counts.created or counts.updated or counts.removed:
                self._write_and_unify(writer, counts)
            writer.note.update({**self.note, **vars(counts)})
        return writer.note

    def _write_and_unify(self, writer: Writer, counts: MergeCounts) -> None:
        """Write the difference, and the unified profiles that it changes. Customers are found again only if there
        are other profiles, or values that identify customers changed: that reads all profiles."""
        changed = f"SELECT id FROM {_CHANGES} WHERE id IS NOT NULL"
        may_regroup = counts.created or counts.removed or identity_differs(writer, _CHANGES)
        self._write(writer, counts)
        if may_regroup:
            unify_again(writer, changed=changed)
        else:
            update_unified(writer, changed=changed)

    def _has_no_profiles(self, reader: Reader) -> bool:
        return not reader.rows(f"SELECT 1 FROM {PROFILES} WHERE source_id = ? LIMIT 1", [self.source_id])

    def _count(self, reader: Reader) -> MergeCounts:
        return MergeCounts(created=int(reader.row(f"SELECT count(*) FROM {STAGED}")[0]))

    def _compare(self, reader: Reader) -> MergeCounts:
        given, kept = list(columns_of(self.attributes)), list(columns_of(self.kept))
        differs = " OR ".join(f"{STAGED}.{name} IS DISTINCT FROM known.{name}" for name in given) or "false"
        columns = [*(f"{STAGED}.{name}" for name in given), *(f"known.{name}" for name in kept)]
        reader.execute(
            f"""
            CREATE OR REPLACE TEMPORARY TABLE {_CHANGES} AS
            SELECT {", ".join([f"{STAGED}.line", f"{STAGED}.key", "known.id", "known.created_at", *columns])}
              FROM {STAGED}
              LEFT JOIN (SELECT * FROM {PROFILES} WHERE source_id = ?) known ON known.key = {STAGED}.key
             WHERE known.id IS NULL OR {differs}
            """,
            [self.source_id],
        )
        total = self._count(reader).created
        changed, updated = reader.row(f"SELECT count(*), count(id) FROM {_CHANGES}")
        removed = self.find_leaving(reader) if self.find_leaving else 0
        return MergeCounts(changed - updated, updated, total - changed, removed)

    def _write(self, writer: Writer, counts: MergeCounts) -> None:
        replaced = f"SELECT id FROM {_CHANGES} WHERE id IS NOT NULL"
        leaving = f" UNION ALL SELECT id FROM {LEAVING}" if counts.removed else ""
        deleted = writer.row(f"DELETE FROM {PROFILES} WHERE id IN ({replaced}{leaving})")[0]
        if deleted != counts.updated + counts.removed:
            raise StaleComparison
        if not (counts.created or counts.updated):
            return
        line, first_id = self._reserve_ids(writer, f"{_CHANGES} WHERE id IS NULL") if counts.created else (0, 0)
        self._insert(
            writer,
            f"SELECT coalesce(id, {first_id - line:d} + line) AS id, coalesce(created_at, $moment) AS created_at",
            [*self.attributes, *self.kept],
            f"{_CHANGES} ORDER BY 1",
        )

    def _write_all(self, writer: Writer) -> None:
        """Write all rows to a source without profiles, in the order of their lines: nothing is compared or
        sorted."""
        if not self._has_no_profiles(writer):
            raise StaleComparison
        line, first_id = self._reserve_ids(writer, STAGED)
        with lake.one_thread(writer):  # several keep 80 MB of a million rows more
            self._insert(
                writer,
                f"SELECT {first_id - line:d} + line AS id, $moment AS created_at",
                self.attributes,
                STAGED,
            )

    def _reserve_ids(self, writer: Writer, rows: str) -> tuple[int, int]:
        """Return the first line of new rows, and the ID of its profile. IDs follow the lines, with gaps: to number
        a million rows without gaps takes as long as to write them."""
        first, last = writer.row(f"SELECT min(line), max(line) FROM {rows}")
        return first, reserve_ids(last - first + 1)

    def _insert(self, writer: Writer, start: str, attributes: Sequence[Attribute], rows: str) -> None:
        columns = ["$source_id AS source_id", "key", "$moment AS updated_at", *columns_of(attributes)]
        writer.execute(
            f"INSERT INTO {PROFILES} BY NAME {start}, {', '.join(columns)} FROM {rows}",
            {"source_id": self.source_id, "moment": self.moment},
        )
