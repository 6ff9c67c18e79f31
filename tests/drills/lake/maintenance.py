"""What maintenance does to the lake, one operation at a time, under the writer's lock."""

import random
import time
from collections.abc import Callable
from datetime import timedelta

import duckdb

from tests.drills.lake import locks
from tests.drills.lake.model import Model

LONGEST_TRANSACTION = timedelta(seconds=15)
Operation = Callable[[duckdb.DuckDBPyConnection, Model], None]


def flush(connection: duckdb.DuckDBPyConnection, _model: Model) -> None:
    """Write the rows that are kept in the catalog to files."""
    connection.execute("CALL ducklake_flush_inlined_data('lake')")


def merge(connection: duckdb.DuckDBPyConnection, _model: Model) -> None:
    """Merge small files; every version stays readable."""
    connection.execute("CALL ducklake_merge_adjacent_files('lake')")


def rewrite(connection: duckdb.DuckDBPyConnection, _model: Model) -> None:
    """Rewrite the files of which rows were deleted. From then on the table's statistics are those of the newest
    version, so that whatever reads an older one may not rely on them."""
    connection.execute("CALL ducklake_rewrite_data_files('lake', delete_threshold => 0)")


def expire(connection: duckdb.DuckDBPyConnection, model: Model) -> None:
    """Expire the versions that are older than every pin and whose jobs are settled."""
    with locks.no_new_pins(model):
        model.settle()
        [(oldest,)] = model.query(
            "SELECT coalesce(min(version), max(snapshot_id)) FROM {catalog}.ducklake_snapshot"
            " LEFT JOIN {model}.pin ON true"
        )
        expired = model.query(
            "SELECT snapshot_id FROM {catalog}.ducklake_snapshot WHERE snapshot_id < %s", [oldest]
        )
        if expired:
            versions = ", ".join(str(version) for (version,) in expired)
            connection.execute(f"CALL ducklake_expire_snapshots('lake', versions => [{versions}])")
    model.forget_superseded(oldest)


def clean_up(connection: duckdb.DuckDBPyConnection, model: Model) -> None:
    """Delete the files that no version refers to, unless a reader may have listed them before they were replaced.

    The catalog notes when the transaction began that replaced a file, not when it committed: hence the margin.
    """
    [(moment,)] = model.query("SELECT least(min(since), clock_timestamp()) FROM {model}.pin")
    moment -= LONGEST_TRANSACTION
    connection.execute(
        f"CALL ducklake_cleanup_old_files('lake', older_than => TIMESTAMPTZ '{moment.isoformat()}')"
    )


def everything(connection: duckdb.DuckDBPyConnection, model: Model) -> None:
    """All of it, as a nightly job would."""
    for operation in (flush, expire, merge, rewrite, expire, clean_up):
        operation(connection, model)


OPERATIONS: dict[str, tuple[int, Operation]] = {
    "flush": (3, flush),
    "merge files": (3, merge),
    "rewrite files": (3, rewrite),
    "expire": (4, expire),
    "clean up": (3, clean_up),
    "everything": (2, everything),
}


def maintain(connection: duckdb.DuckDBPyConnection, model: Model, chance: random.Random) -> str:
    """Do a random operation and return its name. The caller holds the writer's lock."""
    weights = [weight for weight, _operation in OPERATIONS.values()]
    name = chance.choices(list(OPERATIONS), weights)[0]
    started = time.perf_counter()
    OPERATIONS[name][1](connection, model)
    model.note_event(name, time.perf_counter() - started)
    return name
