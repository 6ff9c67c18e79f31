"""`manage.py up`, from the first start to the worst end."""

import os
import re
import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2
import pytest

from tests.integration.config.embedded.running import Up, living, up, wait_until_none_lives
from tests.support.waiting import wait_until
from tests.support.workers import redis_server

pytestmark = pytest.mark.processes

READY = "is ready: http://"
KEY = "k1:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="


@contextmanager
def a_database(name: str) -> Iterator[str]:
    """An empty database on the tests' server; gives its address."""
    url = os.environ["DATABASE_URL"]
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        connection.cursor().execute(f"CREATE DATABASE {name}")
        yield urlsplit(url)._replace(path=f"/{name}").geturl()
        connection.cursor().execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_it_runs_and_keeps_running(tmp_path: Path) -> None:
    with up(tmp_path / "var") as running:
        running.wait_for(READY)
        _serves_pages_and_is_ready(running)
        running.wait_for("manage.py create_administrator")  # the way in for the first person
        _shows_a_link_for_the_first_account(running)
        _keeps_everything_to_its_owner(running)
        _refuses_another_on_the_same_folder(running)
        _names_a_taken_port(running, tmp_path / "another")
        _starts_again_whoever_dies(running)
        _ends_without_a_crash(running)


def _ends_without_a_crash(running: Up) -> None:
    for _request in range(16):  # each thread of the pages may have the profile store open
        assert running.get("/readyz") == 200
    assert running.stop() == 0
    assert "terminate called" not in running.said


def _serves_pages_and_is_ready(running: Up) -> None:
    assert [running.get(path) for path in ("/healthz", "/readyz", "/metrics")] == [200, 200, 200]


def _shows_a_link_for_the_first_account(running: Up) -> None:
    (link,) = re.findall(r"http://\S+(/accounts/first/\S+/)", running.said)
    assert running.get(link) == 200


def _keeps_everything_to_its_owner(running: Up) -> None:
    open_to_others = [
        path for path in running.var_dir.iterdir() if path.stat().st_mode & 0o077 and not path.is_socket()
    ]
    assert running.var_dir.stat().st_mode & 0o777 == 0o700
    assert open_to_others == []


def _refuses_another_on_the_same_folder(running: Up) -> None:
    with up(running.var_dir) as second:
        assert second.wait_for_end() == 1
    assert f"Another `up` (process {running.process.pid})" in second.said
    assert "Traceback" not in second.said


def _names_a_taken_port(running: Up, folder: Path) -> None:
    with up(folder, PORT=str(running.port)) as second:
        assert second.wait_for_end() == 1
    assert f"Port {running.port} of 127.0.0.1 is in use. Choose another one with PORT." in second.said
    assert "Traceback" not in second.said


def _starts_again_whoever_dies(running: Up) -> None:
    worker = running.records["jobs"]
    os.kill(worker.pid, signal.SIGKILL)
    running.wait_for("jobs stopped (signal SIGKILL) and will be restarted in 1 s.")
    wait_until(lambda: running.records.get("jobs", worker) != worker)


@pytest.mark.drill
def test_however_it_ends_it_starts_again_and_stops_cleanly(tmp_path: Path) -> None:
    with up(tmp_path / "var") as first:
        first.wait_for(READY)
        records = first.records
        assert set(records) == {"postgres", "web", "control", "jobs", "beat"}
        first.kill()  # its children die with it
    wait_until_none_lives(records)

    with up(tmp_path / "var", PORT=str(first.port)) as second:
        second.wait_for(READY)
        for pid in [second.process.pid, *(record.pid for record in second.records.values())]:
            os.kill(pid, signal.SIGKILL)
        second.wait_for_end()

    with up(tmp_path / "var", PORT=str(first.port)) as third:
        third.wait_for(READY)
        records = third.records
        third.process.send_signal(signal.SIGINT)
        assert third.wait_for_end() == 0
    assert living(records) == []


@pytest.mark.drill
def test_it_runs_on_servers_of_ones_own(tmp_path: Path) -> None:
    with a_database("up_on_servers") as database_url, redis_server(tmp_path) as redis_url:
        servers = {
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "SECRET_KEY": "x" * 50,
            "ENCRYPTION_KEYS": KEY,
        }
        with up(tmp_path / "var", **servers) as it:
            it.wait_for(READY)
            assert set(it.records) == {"web", "control", "jobs", "beat"}
            assert it.get("/readyz") == 200
        assert not (tmp_path / "var" / "broker").exists()


@pytest.mark.parametrize(
    ("setting", "value", "sentence"),
    [
        (
            "DATABASE_URL",
            "postgres://nobody@127.0.0.1:1/none",
            "The database in DATABASE_URL cannot be used",
        ),
        ("REDIS_URL", "redis://127.0.0.1:1/0", "Redis at REDIS_URL does not respond"),
    ],
)
def test_a_server_that_does_not_answer_is_named(tmp_path: Path, setting: str, value: str, sentence: str) -> None:
    keys = {"SECRET_KEY": "x" * 50, "ENCRYPTION_KEYS": KEY, "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none"}
    with up(tmp_path / "var", **{**keys, setting: value}) as it:
        assert it.wait_for_end() == 1
    assert sentence in it.said
    assert "Traceback" not in it.said


def test_the_demo_is_not_for_other_machines(tmp_path: Path) -> None:
    with up(tmp_path / "var", "--demo", HOST="0.0.0.0") as it:
        assert it.wait_for_end() == 1
    assert "The demo must not be reachable from other machines" in it.said


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with up(tmp_path / "file" / "var") as it:
        assert it.wait_for_end() == 1
    assert str(tmp_path / "file") in it.said
    assert "VAR_DIR" in it.said
    assert "Traceback" not in it.said


def test_a_half_made_data_folder_is_named(tmp_path: Path) -> None:
    data = tmp_path / "var" / "postgres"
    data.mkdir(parents=True)
    (data / "postgresql.conf").touch()
    with up(tmp_path / "var") as it:
        assert it.wait_for_end() == 1
    assert f"{data} is not a complete PostgreSQL folder." in it.said
    assert "Traceback" not in it.said
