"""What the benchmark stands on: a durable PostgreSQL of its own, a folder of its own, and the real commands."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from config.standalone.postgres import NAME, PostgresProcess, make_database

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Finished:
    """A program that ended well: what it printed, the most memory it held, and its processor time."""

    output: str
    peak_bytes: int
    cpu_seconds: float


@contextmanager
def own_ground() -> Iterator[Path]:
    """A folder, with a database that os.environ names to this process and its children; all gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="segment-exports-bench-"))
    server = PostgresProcess.in_folder(folder / "postgres")
    try:
        server.start(durable=True)
        make_database(server.socket_dir)
        for name in ("REDIS_URL", "DEMO", "CAMPAIGN_MONITOR_SANDBOX_URL"):
            os.environ.pop(name, None)
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "VAR_DIR": str(folder / "var"),
            "DATABASE_URL": f"postgres://{NAME}@/{NAME}?host={server.socket_dir}",
            "SECRET_KEY": "only-for-benchmarks-and-thrown-away-with-them",
            "ENCRYPTION_KEYS": "k1:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
            "LOG_LEVEL": "WARNING",
        }
        yield folder
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


# A process counts the memory of its parent as its own until it executes a program, so that a big parent would be
# measured instead of it. Hence a small one in between, which waits and tells.
_WITNESS = """
import os, sys
pid = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)
_, status, usage = os.wait4(pid, 0)
with open(sys.argv[1], "w") as told:
    told.write(f"{usage.ru_maxrss} {usage.ru_utime + usage.ru_stime}")
sys.exit(os.waitstatus_to_exitcode(status))
"""


def manage(*arguments: str, environment: Mapping[str, str] | None = None) -> Finished:
    """Run a command of manage.py in a process of its own; raises AssertionError when it fails."""
    return python("manage.py", *arguments, environment=environment)


def python(*arguments: str, environment: Mapping[str, str] | None = None) -> Finished:
    """Run a program of ours in a process of its own; ``environment`` goes on top of the present one."""
    with tempfile.NamedTemporaryFile("r") as told:
        witness = [sys.executable, "-I", "-S", "-c", _WITNESS, told.name]
        command = [*witness, sys.executable, *arguments]
        finished = subprocess.run(
            command,
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        assert finished.returncode == 0, f"{arguments} ended with {finished.returncode}: {finished.stdout[-2000:]}"
        peak, cpu = told.read().split()
        return Finished(finished.stdout, int(peak) * 1024, float(cpu))


def cpu_seconds(pid: int) -> float:
    """The processor time that a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
