"""Run a PostgreSQL server of Debian's packages, with a cluster of its own."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config.standalone.postgres import as_ordinary_user
from tests.support.waiting import wait_until
from tests.support.workers import free_port


def debian_postgres() -> Path:
    """The folder of the programs of Debian's newest PostgreSQL."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    assert found, "PostgreSQL is missing: `make test` installs it, or apt-get install postgresql."
    return found[-1]


@contextmanager
def postgres_server(folder: Path) -> Iterator[str]:
    """Run Debian's PostgreSQL with a cluster of its own; gives the address of an empty database."""
    programs, data, port = debian_postgres(), folder / "cluster", free_port()
    run = [*as_ordinary_user(), str(programs / "initdb"), "-D", str(data), "-U", "app", "--auth", "trust", "-N"]
    subprocess.run([*run, "--encoding", "UTF8", "--locale", "C.UTF-8"], check=True, capture_output=True)
    options = ["-p", str(port), "-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={folder}"]
    command = [*as_ordinary_user(), str(programs / "postgres"), "-D", str(data), *options]
    with (folder / "postgres.log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        ask = [str(programs / "pg_isready"), "-h", "127.0.0.1", "-p", str(port)]
        wait_until(lambda: subprocess.run(ask, capture_output=True, check=False).returncode == 0)
        yield f"postgres://app@127.0.0.1:{port}/postgres"
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(timeout=30)
