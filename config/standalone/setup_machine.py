"""Set up a machine: the virtual environment from the lock file and, for tests, Debian's packages.

    python3 -I config/standalone/setup_machine.py [--to-run | --to-check | --to-test]

``--to-run`` installs what the system needs to run; without it, what tests and checks need as well; ``--to-check``
and ``--to-test`` add the packages. Run by the system's bare Python (3.11 or newer), so the standard library alone;
-I, since this folder has modules named like the standard library's. Does nothing, quickly, when there is nothing
to do.
"""

import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TO_RUN = ROOT / "requirements.lock"
TO_DEVELOP = ROOT / "requirements-dev.lock"  # holds all of the former
VENV = ROOT / ".venv"
STAMP = VENV / "installed"
OLDEST_PYTHON = (3, 11)
# programs, one of which is enough → the Debian package that brings the first
FOR_CHECKS: dict[tuple[str, ...], str] = {
    ("xgettext",): "gettext",
    ("caddy",): "caddy",
    ("docker-compose",): "docker-compose",
    ("systemd-analyze",): "systemd",
    ("promtool",): "prometheus",
}
FOR_TESTS = {
    ("chromium-headless-shell", "chromium"): "chromium-headless-shell",
    ("redis-server",): "redis-server",
    ("mariadbd",): "mariadb-server",
    ("pg_ctlcluster",): "postgresql",
    ("pgbouncer",): "pgbouncer",
    **FOR_CHECKS,
}


def main(arguments: list[str]) -> None:
    """Install what ``arguments`` ask for; ends with a sentence when something is missing."""
    check_python()
    with TO_DEVELOP.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # two of us at once would spoil the environment for each other
        make_environment(TO_RUN if "--to-run" in arguments else TO_DEVELOP)
    if "--to-test" in arguments:
        install_programs(FOR_TESTS)
    elif "--to-check" in arguments:
        install_programs(FOR_CHECKS)


def check_python() -> None:
    """Check that this Python, from which the environment is made, is new enough."""
    if sys.version_info < OLDEST_PYTHON:
        wanted = ".".join(map(str, OLDEST_PYTHON))
        found = sys.version.split()[0]
        fail(f"{sys.executable} is Python {found}: run make with PYTHON=…, the path of Python {wanted} or newer.")


def make_environment(lock: Path) -> None:
    """Make ``.venv`` with what ``lock`` names, or more, unless the lock files have not changed since."""
    python = VENV / "bin" / "python"
    installed = STAMP.read_text() if STAMP.exists() else ""
    if installed in (fingerprint(lock), fingerprint(TO_DEVELOP)) and works(python):
        return
    if not works(python):
        install_venv_module()
        say("Making .venv …")
        run([sys.executable, "-m", "venv", "--clear", str(VENV)], "Could not create .venv.")
    say(f"Installing the packages in {lock.name}…")
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "--quiet", "install", "--no-input"]
    run(
        [*pip, "--require-hashes", "-r", str(lock)],
        f"Could not install the packages in {lock.name}. See the messages above.",
    )
    STAMP.write_text(fingerprint(lock))


def fingerprint(lock: Path) -> str:
    """Return a hash of this lock file and this Python."""
    parts = (lock.name.encode(), TO_RUN.read_bytes(), lock.read_bytes(), sys.version.encode())
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def works(python: Path) -> bool:
    """Return whether this interpreter starts and has pip; it may be gone, or have been killed half-way."""
    if not python.exists():
        return False
    return subprocess.run([str(python), "-c", "import pip"], capture_output=True, check=False).returncode == 0


def install_venv_module() -> None:
    """Install the venv module, which Debian ships separately."""
    if importlib.util.find_spec("ensurepip") is None or importlib.util.find_spec("venv") is None:
        install_packages(["python3-venv"])


def install_programs(wanted: dict[tuple[str, ...], str]) -> None:
    """Install the packages of those programs that are missing."""
    missing = [package for programs, package in wanted.items() if not any(map(shutil.which, programs))]
    if missing:
        install_packages(missing)


def install_packages(packages: list[str]) -> None:
    """Install Debian packages as root; otherwise end with a sentence that names them."""
    names = " ".join(packages)
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        fail(f"Missing on this machine: {names}. As root: apt-get install {names}")
    say(f"Installing {names} …")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    failed = f"Could not install {names}. See the messages above."
    run(["apt-get", "update", "-qq"], failed, quiet)
    run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages], failed, quiet)


def run(command: list[str], failed: str, environment: dict[str, str] | None = None) -> None:
    """Run it; end with the sentence ``failed`` when it fails."""
    try:
        code = subprocess.run(command, env=environment, check=False).returncode
    except OSError as error:
        fail(f"{failed} ({error.strerror})")
    if code != 0:
        fail(failed)


def say(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")


def fail(sentence: str) -> None:
    sys.exit(sentence)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(130)
