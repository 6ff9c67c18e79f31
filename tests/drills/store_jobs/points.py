"""Tell processes where to pause, and find out which one has."""

from collections.abc import Callable
from pathlib import Path

from config.platform.jobs.models import Job
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

    def disarm(self, point: str) -> None:
        """Let no process pause at a point."""
        (self._folder / f"{point}.armed").unlink(missing_ok=True)

    def wait_for(self, point: str, *, unless: Callable[[], bool] = lambda: False) -> int | None:
        """Return the ID of the process that has reached the point; None when ``unless`` came first."""
        reached = self._folder / f"{point}.reached"
        wait_until(lambda: reached.exists() or unless(), tell=lambda: f"no process reached {point}", seconds=120)
        return int(reached.read_text()) if reached.exists() else None

    def holder(self, job: Job) -> int:
        """Return the ID of the process that claimed a job last."""
        return int((self._folder / f"{type(job).__name__}-{job.pk}.holder").read_text())
