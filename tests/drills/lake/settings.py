"""What the processes of the torture test share: where the lake is, and which of its features are used."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

WRITERS = 5
READERS = 3
MAINTAINERS = 2
KEYS_PER_WRITER = 1_000
MOST_COLUMNS = 24


@dataclass(frozen=True)
class Settings:
    """One lake and its model. ``model`` and ``catalog`` are schemas of the database at ``dsn``.

    At most ``inlined_rows`` rows of a change are kept in the catalog instead of a file. ``locked`` says whether
    writers take the lock, which only comparisons leave out.
    """

    dsn: str
    folder: Path
    catalog: str
    model: str
    inlined_rows: int
    seed: int
    locked: bool = True

    @property
    def data(self) -> Path:
        """The folder of the Parquet files."""
        return self.folder / "data"

    @property
    def staging(self) -> Path:
        """The folder of files that are written before the lock is taken."""
        return self.folder / "staging"

    @property
    def stop_file(self) -> Path:
        """Its presence ends every process after its present operation."""
        return self.folder / "stop"

    def to_json(self) -> str:
        return json.dumps({**asdict(self), "folder": str(self.folder)})

    @classmethod
    def from_json(cls, text: str) -> "Settings":
        values = json.loads(text)
        return cls(**{**values, "folder": Path(values["folder"])})
