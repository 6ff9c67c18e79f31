"""Share a connection's maximum of calls in flight among all processes.

A slot is a PostgreSQL advisory lock named (connection, slot), held by the session of the caller; so it is free
at once when a process dies, and needs no sweeping. Locks belong to a session: take and release them on the same
database connection, outside of any pooler that hands sessions around.
"""

from collections.abc import Iterable

from django.db import connection as database

# Advisory locks of two numbers are a space of their own, shared by all users of the database: the second number
# of ours begins here.
_FIRST = 0x51075


def acquire_slots(connection_id: int, wanted: int, maximum: int) -> list[int]:
    """Take up to ``wanted`` of the ``maximum`` slots (numbered from 0) that no session holds, this one
    included. Returns those taken, maybe none, without waiting."""
    taken: list[int] = []
    mine = _held_here(connection_id)
    with database.cursor() as cursor:
        for slot in range(maximum):
            if len(taken) >= wanted:
                break
            if slot in mine:  # the lock would be granted a second time to its own session
                continue
            cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [connection_id, _FIRST + slot])
            if cursor.fetchone()[0]:
                taken.append(slot)
    return taken


def release_slots(connection_id: int, slots: Iterable[int]) -> None:
    """Release slots. Those that this session no longer holds, since its database connection was made again, are
    free already."""
    held = _held_here(connection_id)
    with database.cursor() as cursor:
        for slot in held.intersection(slots):
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [connection_id, _FIRST + slot])


def _held_here(connection_id: int) -> set[int]:
    """Return the slots of the connection that this session holds."""
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2 AND granted"
            " AND pid = pg_backend_pid() AND classid::bigint = %s",
            [connection_id],
        )
        return {objid - _FIRST for (objid,) in cursor.fetchall()}


class HeldSlots:
    """The slots that this session holds on a connection; their number changes with its share."""

    def __init__(self, connection_id: int) -> None:
        self._connection_id = connection_id
        self._held: list[int] = []

    def __len__(self) -> int:
        return len(self._held)

    def hold(self, wanted: int, *, maximum: int) -> None:
        """Hold ``wanted`` of the ``maximum`` slots, or as many as other sessions leave free."""
        if len(self._held) > wanted:
            self._give_back(sorted(self._held)[wanted:])
        if len(self._held) < wanted:
            self._held += acquire_slots(self._connection_id, wanted - len(self._held), maximum)

    def release(self) -> None:
        self._give_back(list(self._held))

    def _give_back(self, slots: list[int]) -> None:
        if slots:
            release_slots(self._connection_id, slots)
            self._held = [slot for slot in self._held if slot not in slots]
