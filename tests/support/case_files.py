"""Files as people have them, with the result that is right for each (``files/expected.yaml``)."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent / "files"


@dataclass(frozen=True)
class CaseFile:
    """A file and what is right for it."""

    name: str
    format: dict[str, Any] = field(default_factory=dict)
    names: list[str] | None = None
    kept: int = 0
    first: list[str | None] | None = None
    rejected: dict[int, list[str]] = field(default_factory=dict)
    hints: list[int] = field(default_factory=list)
    types: dict[str, str] = field(default_factory=dict)
    formats: dict[str, dict[str, Any]] = field(default_factory=dict)
    email: list[str] = field(default_factory=list)
    refused: str = ""

    @property
    def path(self) -> Path:
        return FOLDER / self.name

    def __str__(self) -> str:
        return self.name


CASE_FILES = [
    CaseFile(name, **expected)
    for name, expected in yaml.safe_load((FOLDER / "expected.yaml").read_text(encoding="utf-8")).items()
]
READABLE_FILES = [case for case in CASE_FILES if not case.refused]
REFUSED_FILES = [case for case in CASE_FILES if case.refused]
