"""What `up` runs, but for the pages, with everything that it writes on a small disk."""

import io
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from django.core.management import call_command
from django.db import Error
from django.db import connection as database
from django.test import override_settings

from config.standalone import leftovers, postgres, programs
from config.standalone.leftovers import Records
from config.standalone.supervisor import Output, Program, Supervisor
from segments.store import engine
from tests.faults.small_disk import SmallDisk, small_disk
from tests.support import environment
from tests.support.waiting import wait_until
from tests.support.workers import environment_of_processes

SIZE = "200m"  # holds the database, what is exported, and little else


@dataclass
class System:
    disk: SmallDisk
    supervisor: Supervisor
    output: io.StringIO

    def said(self, words: str) -> bool:
        """Whether any of its processes said so."""
        return words in self.output.getvalue()

    @property
    def is_whole(self) -> bool:
        """Tell whether all programs run, and none waits to be restarted."""
        records = self._records()
        return records.keys() == {"postgres", "control", "jobs", "beat"} and all(
            any(leftovers.living(record)) for record in records.values()
        )

    def kill(self, name: str) -> None:
        """End one of its processes by -9."""
        os.kill(self._records()[name].pid, signal.SIGKILL)

    def wait_until(self, happened: Callable[[], bool]) -> None:
        """Look after the processes until ``happened()``; while the database is away nothing has."""

        def looked_and_happened() -> bool:
            self.supervisor.watch_for(0)
            try:
                return happened()
            except Error:
                database.close()
                return False

        wait_until(looked_and_happened, tell=self.output.getvalue, seconds=90)

    def _records(self) -> dict[str, leftovers.Record]:
        noted = leftovers.read(self.disk.seen_from_outside / "processes.json")
        return {record.name: record for record in noted}


@contextmanager
def system_on_a_small_disk(folder: Path) -> Iterator[System]:
    """A system with a database of its own, which this process uses as long as the block lasts."""
    var_dir, sockets = folder / "var", folder / "run"
    sockets.mkdir(mode=0o700)
    with ExitStack() as stack:
        disk = stack.enter_context(small_disk(var_dir, SIZE))
        url = stack.enter_context(_another_database(sockets))
        disk.run("cp", "--archive", str(environment.migrated_cluster()), str(var_dir / "postgres"))
        output = io.StringIO()
        supervisor = Supervisor(
            environment={
                **environment_of_processes(var_dir),
                "DATABASE_URL": url,
                "PROFILE_STORE": str(var_dir / "profiles"),
            },
            folder=environment.ROOT,
            records=Records(disk.seen_from_outside / "processes.json"),
            output=Output(output),
        )
        stack.enter_context(_another_store(disk.seen_from_outside / "profiles"))
        try:
            supervisor.start(_database(disk, sockets))
            supervisor.wait_until(
                lambda: postgres.is_ready(disk.seen_from_outside / "postgres"), what="PostgreSQL", seconds=60
            )
            call_command("createcachetable", verbosity=0)
            for program in (programs.worker("control", 2), programs.worker("jobs", 4), programs.beat()):
                supervisor.start(replace(program, before=disk.enter))
            yield System(disk, supervisor, output)
        finally:
            sys.stdout.write(output.getvalue())  # shown when the test fails
            supervisor.skip_waiting.set()
            supervisor.stop()


def _database(disk: SmallDisk, sockets: Path) -> Program:
    command = postgres.command(disk.path / "postgres", sockets)
    return replace(programs.database(), command=command, before=(*disk.enter, *postgres.as_ordinary_user()))


@contextmanager
def _another_store(folder: Path) -> Iterator[None]:
    """Let this process read and write the profile store of the other database, by the path that it has here."""
    with override_settings(PROFILE_STORE=str(folder)):
        yield
        engine.close()


@contextmanager
def _another_database(sockets: Path) -> Iterator[str]:
    """Let this process work on the database behind these sockets; gives its address for others."""
    before = dict(database.settings_dict)
    database.close()
    database.settings_dict.update(NAME=environment.TEMPLATE, HOST=str(sockets))
    try:
        yield f"postgres://{postgres.NAME}@/{environment.TEMPLATE}?host={sockets}"
    finally:
        database.close()
        database.settings_dict.update(before)
