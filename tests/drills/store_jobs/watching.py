"""Read the store all the while, in a thread of its own, and tell of every state that must not be."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from segments.models import DataSource, Segment
from segments.store import engine
from tests.drills.store_jobs.data import Sums, stored_members, sums_of_store


class Watcher:
    """Knows the states that readers may see now: sums of a source, and how many members each segment has."""

    def __init__(self, source: DataSource) -> None:
        self._source = source
        self._sums: frozenset[Sums] = frozenset()
        self._members: dict[int, frozenset[int]] = {}
        self._end = threading.Event()
        self.reads = 0
        self.wrong: list[str] = []

    def allow(self, *sums: Sums) -> None:
        """Let reads that begin now see one of these sums."""
        self._sums = frozenset(sums)

    def allow_members(self, segment: Segment, *counts: int) -> None:
        """Let reads that begin now see one of these numbers of members."""
        self._members = {**self._members, segment.pk: frozenset(counts)}

    def end(self) -> None:
        self._end.set()

    def watch(self) -> None:
        """Read until the end."""
        try:
            while not self._end.wait(0.05):
                self._read()
        except Exception as error:
            self.wrong.append(f"a reader failed: {error!r}")
        finally:
            engine.close()
            connection.close()

    def _read(self) -> None:
        allowed_sums, allowed_members = self._sums, self._members
        sums = sums_of_store(self._source)
        if sums not in allowed_sums:
            self.wrong.append(f"read {self.reads}: {sums} instead of {allowed_sums}")
        for segment in Segment.objects.filter(pk__in=allowed_members):
            found = stored_members(segment)
            if found not in allowed_members[segment.pk]:
                self.wrong.append(f"read {self.reads}: {segment} has {found}, not {allowed_members[segment.pk]}")
        self.reads += 1


@contextmanager
def watching(source: DataSource) -> Iterator[Watcher]:
    """Watch from now on; at the end of the block no read may have seen a wrong state."""
    watcher = Watcher(source)
    watcher.allow(sums_of_store(source))
    thread = threading.Thread(target=watcher.watch)
    thread.start()
    try:
        yield watcher
    finally:
        watcher.end()
        thread.join()
    assert not watcher.wrong, watcher.wrong[:5]
    assert watcher.reads
