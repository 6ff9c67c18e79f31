"""The ground every test stands on, laid before Django reads its settings: folders of its own and a throw-away
PostgreSQL of the same kind as the embedded one. Loaded by ``-p tests.support.environment`` (see pyproject.toml).

The cluster is a copy of one that is made once for each state of the migrations and kept in ``.venv``, with a
migrated database in it that test databases are copied from. TEST_DATABASE_URL names another server to use instead,
as a superuser of it.
"""

import fcntl
import gc
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from config.standalone.postgres import NAME, PostgresProcess, make_database

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = "migrated"  # the name of that database
_CLUSTERS = Path(sys.prefix) / "test-clusters"

# Tests create and delete thousands of small files, which takes a third of the time on a disk.
_MEMORY = Path("/dev/shm")
_ENOUGH_MEMORY = 8 * 2**30  # bytes that are free in it


def _use_memory() -> None:
    """Let temporary files of tests, and of the processes they start, be in memory; TMPDIR names another place."""
    has_memory = os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free >= _ENOUGH_MEMORY
    if has_memory and "TMPDIR" not in os.environ:
        os.environ["TMPDIR"] = str(_MEMORY)
        tempfile.tempdir = None


def _make_folder() -> Path:
    """Make the folder of this process, and delete those that killed processes have left."""
    prefix = "segment-exports-tests-"
    for left in Path(tempfile.gettempdir()).glob(f"{prefix}*-*"):
        process = left.name.removeprefix(prefix).partition("-")[0]
        if process.isdigit() and not _is_alive(int(process)):
            shutil.rmtree(left, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{prefix}{os.getpid()}-"))


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


_use_memory()
_folder = _make_folder()
_server = PostgresProcess.in_folder(_folder / "postgres")


def _lay_ground() -> None:
    os.environ["VAR_DIR"] = str(_folder / "var")
    for name in ("REDIS_URL", "DEMO", "CAMPAIGN_MONITOR_SANDBOX_URL"):
        os.environ.pop(name, None)
    os.environ.setdefault("SECRET_KEY", "only-for-tests-and-long-enough-to-be-believed")
    os.environ.setdefault("ENCRYPTION_KEYS", "k1:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")
    os.environ.setdefault("ALLOWED_HOSTS", "testserver,localhost,127.0.0.1")
    if url := os.environ.get("TEST_DATABASE_URL"):
        os.environ["DATABASE_URL"] = url
    else:
        shutil.copytree(migrated_cluster(), _server.data)
        _server.start()
        os.environ["DATABASE_URL"] = _address(_server, NAME)


def migrated_cluster() -> Path:
    """The folder of a cluster at rest that holds an empty database and a migrated one; made unless it is there."""
    cluster = _CLUSTERS / _fingerprint()
    _CLUSTERS.mkdir(exist_ok=True)
    with (_CLUSTERS / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if not cluster.exists():
            _forget_older(keep=5)
            with tempfile.TemporaryDirectory(prefix="segment-exports-cluster-") as folder:
                server = PostgresProcess.in_folder(Path(folder))
                _migrate(server)
                shutil.move(server.data, cluster)
        os.utime(cluster)
    return cluster


def _migrate(server: PostgresProcess) -> None:
    server.start()
    try:
        for name in (NAME, TEMPLATE):
            make_database(server.socket_dir, name)
        command = [sys.executable, "-W", "ignore", str(ROOT / "manage.py"), "migrate", "--verbosity", "0"]
        subprocess.run(command, env={**os.environ, "DATABASE_URL": _address(server, TEMPLATE)}, check=True)
    finally:
        server.stop()


def _fingerprint() -> str:
    """What the cluster depends on: the migrations, ours and those of the packages, and how clusters are made."""
    packages = ("config", "connections", "segments", "exports")
    sources = [path for package in packages for path in (ROOT / package).rglob("migrations/*.py")]
    sources += [ROOT / "requirements.lock", ROOT / "config/standalone/postgres.py", ROOT / "config/settings.py"]
    digest = hashlib.sha256()
    for path in sorted(sources):
        digest.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    return digest.hexdigest()[:20]


def _forget_older(keep: int) -> None:
    clusters = sorted(
        (path for path in _CLUSTERS.iterdir() if path.is_dir()), key=lambda path: path.stat().st_mtime
    )
    for old in clusters[:-keep]:
        shutil.rmtree(old)


def _address(server: PostgresProcess, database: str) -> str:
    return f"postgres://{NAME}@/{database}?host={server.socket_dir}"


def can_crash() -> bool:
    """Whether the database server is one of our own."""
    return not os.environ.get("TEST_DATABASE_URL")


def crash_database() -> None:
    """End the server in the middle of everything and start it again: it recovers from its log."""
    _server.crash()
    _server.start()


gc.disable()  # until everything is imported and collected
_lay_ground()


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop() -> None:
    """Spare the garbage collector what stays anyway: modules and thousands of tests, again and again."""
    gc.collect()
    gc.freeze()
    gc.enable()


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the server and leave nothing behind."""
    _server.stop()
    shutil.rmtree(_folder, ignore_errors=True)
