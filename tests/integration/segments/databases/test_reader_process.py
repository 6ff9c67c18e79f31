"""The process that reads a database ends when the import is canceled, and when its worker is killed."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from config.platform.jobs import leases
from config.platform.jobs.models import JobStatus
from segments.models import DatabaseEncryption, DatabaseEngine
from segments.sources.databases import reader
from segments.sources.databases.actions import QuerySettings, import_query
from segments.sources.databases.process import ReadingFailed, Request, WarehouseRequest, run_reader
from segments.sources.import_job import run_import
from tests.support.foreign_postgres import ForeignPostgres
from tests.support.waiting import wait_until


class Stopped(Exception):
    """The caller wants to stop."""


def running_queries(server: ForeignPostgres) -> int:
    found = server.execute("SELECT count(*) FROM pg_stat_activity WHERE usename = 'reader' AND state = 'active'")
    return int(str(found[0][0]))


@pytest.mark.django_db
def test_a_canceled_import_ends_the_query_in_the_database(
    shop_server: ForeignPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = QuerySettings(
        engine=DatabaseEngine.POSTGRESQL,
        host=shop_server.host,
        port=shop_server.port,
        database=shop_server.database,
        user=shop_server.user,
        password=shop_server.password,
        encryption=DatabaseEncryption.NONE,
        query="SELECT id, pg_sleep(600)::text AS slept FROM customers",
    )
    job = import_query(settings, source_name="Shop", key_column="id", names=["id", "slept"], by=None)
    checked = leases.HeldLease.check

    def cancel_once_it_runs(lease: leases.HeldLease) -> None:
        if running_queries(shop_server):
            lease.cancel_requested.set()
        checked(lease)

    monkeypatch.setattr(leases.HeldLease, "check", cancel_once_it_runs)
    started = time.monotonic()
    ended = run_import(job.pk)
    assert ended is not None
    assert ended.status == JobStatus.CANCELED
    assert time.monotonic() - started < 60
    wait_until(lambda: running_queries(shop_server) == 0)


def endless(folder: Path) -> Request:
    """Return a request that takes for ever."""
    numbers = "(SELECT count(*) AS n FROM range(100000000000) AS a, range(1000000) AS b)"
    return Request(setup=[], source=numbers, rows=1, folder=str(folder), memory_mb=64, threads=1)


def test_it_ends_when_the_caller_stops(tmp_path: Path) -> None:
    calls = []

    def check() -> None:
        calls.append(1)
        if len(calls) > 5:
            raise Stopped

    with pytest.raises(Stopped):
        run_reader(endless(tmp_path), seconds=60, check=check)
    assert readers_in(tmp_path) == []


def test_it_ends_when_its_worker_is_killed(tmp_path: Path) -> None:
    program = f"""
        import sys
        sys.path.insert(0, {str(Path(__file__).resolve().parents[4])!r})
        from segments.sources.databases.process import run_reader
        from tests.integration.segments.databases.test_reader_process import endless
        from pathlib import Path
        run_reader(endless(Path({str(tmp_path)!r})), seconds=60, check=lambda: None)
    """
    worker = subprocess.Popen([sys.executable, "-c", _with_django(textwrap.dedent(program))])
    wait_until(lambda: readers_in(tmp_path) != [])
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    wait_until(lambda: readers_in(tmp_path) == [])


@pytest.mark.parametrize(("sent", "kind"), [(signal.SIGKILL, "killed"), (signal.SIGSEGV, "ended")])
def test_a_reader_that_dies_is_a_failure(tmp_path: Path, sent: int, kind: str) -> None:
    def kill() -> None:
        for pid in readers_in(tmp_path):
            os.kill(pid, sent)

    with pytest.raises(ReadingFailed) as failure:
        run_reader(endless(tmp_path), seconds=60, check=kill)
    assert failure.value.kind == kind


def test_a_reader_of_warehouses_says_what_ended_it(tmp_path: Path) -> None:
    package = tmp_path / "segments" / "sources" / "databases"
    (package / "warehouses").mkdir(parents=True)
    texts = {
        "cursor_reader.py": "",
        "warehouses/rows.py": "Login = dict",
        "warehouses/address_guard.py": "def allow_only(*_given): pass",
        "warehouses/panicking.py": "def open_rows(*_given): raise SystemExit('a panic')",
    }
    for name, text in texts.items():
        (package / name).write_text(text)
    request = WarehouseRequest("panicking", {"port": 1}, {}, (), "", 1, str(tmp_path), 64, 1, root=str(tmp_path))
    with pytest.raises(ReadingFailed, match="a panic") as failure:
        run_reader(request, seconds=60, check=lambda: None)
    assert failure.value.kind == "SystemExit"


def test_it_gets_nothing_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "planted")
    given: list[dict[str, str]] = []
    start = subprocess.Popen

    def watched(*arguments: Any, **named: Any) -> Any:
        given.append(named["env"])
        return start(*arguments, **named)

    monkeypatch.setattr(subprocess, "Popen", watched)
    request = replace(endless(tmp_path), source="(SELECT 1 AS n)")
    assert run_reader(request, seconds=60, check=lambda: None).first_rows == [["1"]]
    assert given == [{"HOME": str(tmp_path), "LANG": "C.UTF-8", "PATH": "/usr/bin:/bin"}]


def readers_in(folder: Path) -> list[int]:
    """Return the IDs of the reader's processes that work in a folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            command = (entry / "cmdline").read_bytes()
            if reader.__file__.encode() in command and str(folder).encode() in command:
                found.append(int(entry.name))
        except OSError:  # it has just ended
            continue
    return found


def _with_django(program: str) -> str:
    return "import django; django.setup()\n" + program
