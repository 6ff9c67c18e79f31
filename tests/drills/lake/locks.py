"""The rules by which processes share the lake: one writer at a time, and pinned versions."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.drills.lake.model import Model

_WRITER, _PINS = 7_301, 7_302  # the second key of the advisory locks; the first is the lake's


def _lake(model: Model) -> int:
    return sum(model.settings.catalog.encode()) * 1_000


@contextmanager
def writer_lock(model: Model) -> Iterator[None]:
    """Hold the lake as its only writer. The lock is of the session: it ends with the process."""
    if not model.settings.locked:
        yield
        return
    model.query("SELECT pg_advisory_lock(%s, %s)", [_lake(model), _WRITER])
    try:
        yield
    finally:
        model.query("SELECT pg_advisory_unlock(%s, %s)", [_lake(model), _WRITER])


def writer_lock_holder(model: Model) -> str | None:
    """Return the name of the process that holds the writer's lock."""
    found = model.query(
        "SELECT application_name FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE locktype = 'advisory'"
        " AND classid = %s AND objid = %s AND granted",
        [_lake(model), _WRITER],
    )
    return str(found[0][0]).removesuffix(" model") if found else None


def end_former_sessions(model: Model, application: str) -> None:
    """Wait until no session of an ended process of this name is left: its last commit may still be under way."""
    while model.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s", [application]
    ):
        pass


@contextmanager
def pinned(model: Model, version: int | None = None) -> Iterator[int]:
    """Pin a version, the current one unless given, which has to be pinned already; yield it.

    The current version is read and pinned while no expiry is going on.
    """
    model.query("BEGIN")
    model.query("SELECT pg_advisory_xact_lock_shared(%s, %s)", [_lake(model), _PINS])
    version = model.current_version() if version is None else version
    model.query("INSERT INTO {model}.pin VALUES (%s, %s, clock_timestamp())", [model.process, version])
    model.query("COMMIT")
    try:
        yield version
    finally:
        model.query("DELETE FROM {model}.pin WHERE reader = %s AND version = %s", [model.process, version])


def drop_pins(model: Model) -> None:
    """Delete the pins that an ended process of this name has left."""
    model.query("DELETE FROM {model}.pin WHERE reader = %s", [model.process])


@contextmanager
def no_new_pins(model: Model) -> Iterator[None]:
    """Keep readers from pinning a version while versions expire."""
    model.query("SELECT pg_advisory_lock(%s, %s)", [_lake(model), _PINS])
    try:
        yield
    finally:
        model.query("SELECT pg_advisory_unlock(%s, %s)", [_lake(model), _PINS])
