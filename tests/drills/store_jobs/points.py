"""Tell processes where to pause, and find out which one has."""

from collections.abc import Callable
from pathlib import Path

from tests.drills.store_jobs import hook
from tests.support.waiting import wait_until


class Points:
    """The points of the processes that have ``environment``."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        self.environment = {"KILL_POINTS": str(folder), "PYTHONPATH": str(Path(hook.__file__).parent)}

    def arm(self, point: str, *, pause: bool = True) -> None:
        """Let the next process that reaches a point pause there, or only tell."""
        (self._folder / f"{point}.reached").unlink(missing_ok=True)
        part = self._folder / f"{point}.part"
        part.write_text("pause" if pause else "tell")
        part.rename(self._folder / f"{point}.armed")

    def wait_for(self, point: str, *, unless: Callable[[], bool] = lambda: False) -> tuple[int, bool]:
        """Return the ID of the process that has reached the point, and whether it pauses. Fails when ``unless``
        comes first."""
        reached = self._folder / f"{point}.reached"
        wait_until(lambda: reached.exists() or unless(), tell=lambda: f"no process reached {point}", seconds=120)
        assert reached.exists(), f"no process reached {point}"
        pid, mode = reached.read_text().split()
        return int(pid), mode == "pause"
