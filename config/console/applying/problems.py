"""What is wrong with a file, all of it at once, each with its line."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Problem:
    """One thing that has to be mended. ``line`` counts from 1."""

    path: Path
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.reason}"


class FileRefused(Exception):
    """The file cannot be applied, and nothing was changed. Holds every problem, in the order of lines."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = sorted(set(problems), key=lambda problem: (problem.line, problem.reason))
        super().__init__("\n".join(str(problem) for problem in self.problems))


class Problems:
    """Gathers what is wrong while a file is read, so that it can be mended in one go."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._found: list[Problem] = []

    def add(self, line: int, reason: str) -> None:
        """Note that ``line`` has to be mended."""
        self._found.append(Problem(self.path, line, reason))

    def stop_if_any(self) -> None:
        """Raise FileRefused with all that was noted; nothing when the file is good so far."""
        if self._found:
            raise FileRefused(self._found)
