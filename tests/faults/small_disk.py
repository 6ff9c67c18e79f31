"""A disk that can be full: some memory that only the processes started on it see, and that goes with them."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.environment import ROOT

# Say that the disk is there, then stay, so that it does.
_HOLDER = 'mount -t tmpfs -o size="$1" tmpfs "$2" && echo mounted && exec cat'


@dataclass(frozen=True)
class SmallDisk:
    """A small disk of memory. Processes that are started behind the words of ``enter`` find it at ``path``. All
    others find an empty folder there, and its content at ``seen_from_outside``."""

    path: Path
    holder: int

    @property
    def enter(self) -> tuple[str, ...]:
        return "nsenter", "--mount", "--wd", "--target", str(self.holder), "--"

    @property
    def seen_from_outside(self) -> Path:
        return Path(f"/proc/{self.holder}/root{self.path}")

    def fill(self) -> None:
        """No byte is free afterwards."""
        self.run("sh", "-c", 'cat /dev/zero > "$1" 2>/dev/null || true', "sh", str(self._ballast))

    def make_room(self) -> None:
        self.run("rm", "--force", str(self._ballast))

    def run(self, *command: str) -> None:
        subprocess.run([*self.enter, *command], check=True)

    @property
    def _ballast(self) -> Path:
        return self.path / "ballast"


def why_not() -> str:
    """Why there can be no such disk here; empty when there can."""
    if shutil.which("unshare") is None or shutil.which("nsenter") is None:
        return "util-linux is missing"
    tried = subprocess.run(
        ["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, check=False
    )
    return "" if tried.returncode == 0 else "this user may not mount a disk"


@contextmanager
def small_disk(path: Path, size: str) -> Iterator[SmallDisk]:
    """A disk of that size, such as ``"100m"``, at ``path``, which is made unless it is there."""
    path.mkdir(parents=True, exist_ok=True)
    command = ["unshare", "--mount", "sh", "-c", _HOLDER, "sh", size, str(path)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"mounted\n"
        try:
            yield SmallDisk(path, holder.pid)
        finally:
            holder.kill()
