"""One of the ten processes: ``python -m tests.drills.lake.worker ROLE NUMBER ATTEMPT SETTINGS``."""

import contextlib
import random
import sys
import time
from collections.abc import Callable, Iterator

import duckdb

from tests.drills.lake import locks, maintenance, operations
from tests.drills.lake.checks import Differs, Rows, check_changes, check_version, difference, read_rows
from tests.drills.lake.engine import open_lake
from tests.drills.lake.model import Model
from tests.drills.lake.operations import Session
from tests.drills.lake.settings import Settings


class Worker:
    """A process with its one connection to the lake and its session of the model."""

    def __init__(self, role: str, number: int, attempt: int, settings: Settings) -> None:
        self.number = number
        self.settings = settings
        self.name = f"{role}-{number}"
        self.model = Model(settings, self.name)
        self.chance = random.Random(f"{settings.seed} {self.name} {attempt}")
        locks.end_former_sessions(self.model, f"{self.name} lake")
        locks.drop_pins(self.model)
        started = time.perf_counter()
        self.lake = open_lake(settings, f"{self.name} lake")
        self.model.note_event("attach", time.perf_counter() - started)

    def repeat(self, step: Callable[["Worker"], None]) -> None:
        """Do ``step`` until the drill ends; note what the lake refuses and what differs."""
        while not self.settings.stop_file.exists():
            try:
                step(self)
            except Differs as found:
                self.model.note_failure("differs", str(found))
                self._roll_back()
            except duckdb.FatalException as error:  # the instance is of no use any more
                self.model.note_failure("error", f"{type(error).__name__}: {error}")
                raise
            except duckdb.Error as error:
                self.model.note_failure("error", f"{type(error).__name__}: {error}")
                self._roll_back()

    def _roll_back(self) -> None:
        with contextlib.suppress(duckdb.Error):
            self.lake.execute("ROLLBACK")


def write(worker: Worker) -> None:
    """Commit one operation, and compare the number of rows with what it should be."""
    model, lake, low = worker.model, worker.lake, operations.first_key(worker.number)
    with locks.writer_lock(model):
        model.settle_writer(worker.number)
        started = time.perf_counter()
        present = frozenset(model.keys(model.current_version(), low, low + 999_999))
        added = model.added_columns()
        operation = operations.plan(worker.chance, worker.number, present, added)
        [(before,)] = lake.execute("SELECT count(*) FROM lake.profiles").fetchall()
        members = None if operation.members is None else sorted(operation.members)
        job = model.note_intent(worker.number, operation.kind, operation.written, operation.deleted, members)
        lake.execute("BEGIN")
        session = Session(lake, worker.settings, worker.number, job, added)
        for step in operation.steps:
            step(session)
        lake.execute("INSERT INTO lake.journal VALUES (?)", [job])
        lake.execute(f"CALL lake.set_commit_message('{worker.name}', 'torture', extra_info => 'job:{job}')")
        committing = time.perf_counter()
        lake.execute("COMMIT")
        ended = time.perf_counter()
        if model.snapshot_of(job) is None:
            raise Differs(f"job {job} has committed, but the catalog does not know it")
        [(after,)] = lake.execute("SELECT count(*) FROM lake.profiles").fetchall()
        model.note_event(operation.kind, ended - started)
        model.note_event("COMMIT", ended - committing)
        if after != before + operation.rows_changed:
            raise Differs(
                f"job {job}, {operation.kind}: {before} rows became {after}, not {operation.rows_changed:+}"
            )
    time.sleep(worker.chance.uniform(0, 0.2))


def maintain(worker: Worker) -> None:
    """Do one operation of maintenance, and now and then check the newest version after it."""
    with locks.writer_lock(worker.model):
        kind = maintenance.maintain(worker.lake, worker.model, worker.chance)
    if worker.chance.random() < 0.3:
        try:
            with locks.pinned(worker.model) as version:
                read_in_transaction(worker, version)
        except Differs as found:
            raise Differs(f"after {kind}: {found}") from None
    time.sleep(worker.chance.uniform(0, 1))


def read(worker: Worker) -> None:
    """Pin a version and read it twice, then follow the changes to a later one."""
    started = time.perf_counter()
    with locks.pinned(worker.model) as pinned:
        step = worker.chance.choice((read_at_version, read_in_transaction))
        version, rows = step(worker, pinned)
        worker.model.note_event(step.__name__.replace("_", " "), time.perf_counter() - started)
        with locks.pinned(worker.model) as later, without_statistics(worker.lake):
            if later > version:
                after = check_version(worker.lake, worker.model, later, worker.chance)
                check_changes(worker.lake, version, later, rows, after)
    time.sleep(worker.chance.uniform(0, 2))


def read_at_version(worker: Worker, pinned: int) -> tuple[int, Rows]:
    """Read a pinned version in transactions of their own; return it with its rows."""
    with without_statistics(worker.lake):
        first = check_version(worker.lake, worker.model, pinned, worker.chance)
        time.sleep(_pause(worker.chance))
        _check_same(worker.lake, pinned, first, f"AT (VERSION => {pinned})")
    return pinned, first


def read_in_transaction(worker: Worker, _pinned: int) -> tuple[int, Rows]:
    """Read what is the current version within one transaction, while others commit; return it with its rows."""
    worker.lake.execute("BEGIN")
    [(version,)] = worker.lake.execute("FROM lake.current_snapshot()").fetchall()
    first = check_version(worker.lake, worker.model, version, worker.chance, newest=True)
    time.sleep(_pause(worker.chance))
    _check_same(worker.lake, version, first, "")
    worker.lake.execute("COMMIT")
    return version, first


def _check_same(lake: duckdb.DuckDBPyConnection, version: int, first: Rows, at: str) -> None:
    again = read_rows(lake, at)
    if again != first:
        raise Differs(f"version {version} is different when read again {at}: {difference(first, again)}")


def _pause(chance: random.Random) -> float:
    return chance.choice((0, 0.1, 1, chance.uniform(0, 8)))


@contextlib.contextmanager
def without_statistics(lake: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Let DuckDB not rely on the statistics of tables, which are those of the newest version since a rewrite."""
    lake.execute("SET disabled_optimizers = 'statistics_propagation'")
    try:
        yield
    finally:
        lake.execute("SET disabled_optimizers = ''")


STEPS = {"writer": write, "maintainer": maintain, "reader": read}


def main(role: str, number: str, attempt: str, settings: str) -> None:
    Worker(role, int(number), int(attempt), Settings.from_json(settings)).repeat(STEPS[role])


if __name__ == "__main__":
    main(*sys.argv[1:])
