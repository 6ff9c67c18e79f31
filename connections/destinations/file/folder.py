"""The folder that files are written into. All that can go wrong there becomes one of the destination's errors."""

import csv
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from django.utils.translation import gettext as _

from config.platform.text.csv_lines import without_formula
from connections.destinations.errors import NeedsAdministrator, PermanentError, TryLater
from connections.destinations.values import SendGuard, no_guard

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}\Z")
_PARTS = ".parts-of-run-"


class Folder:
    """A place for files: a folder for each name in it, a file for each run in that."""

    def __init__(self, base_url: str, check_may_send: SendGuard = no_guard) -> None:
        """``base_url`` is a ``file:`` address; raises NeedsAdministrator for any other. ``check_may_send`` is
        called before each file appears, and may raise."""
        self._check_may_send = check_may_send
        address = urlsplit(base_url)
        if address.scheme != "file" or not address.path.startswith("/"):
            raise NeedsAdministrator(_("No folder for files is configured."), code="folder")
        self.path = Path(url2pathname(address.path))

    def check(self) -> None:
        """Make sure that files can be written; raises NeedsAdministrator or TryLater."""
        with _told():
            _make(self.path)
            with tempfile.TemporaryFile(dir=self.path):
                pass

    def names(self) -> list[str]:
        """What files are called here so far."""
        with _told():
            _make(self.path)
            return sorted(entry.name for entry in self.path.iterdir() if entry.is_dir() and NAME.match(entry.name))

    def write_part(self, name: str, run: str, lines: Sequence[str]) -> bool:
        """Keep one batch of a run; whether it was not there before. The same batch again replaces itself."""
        text = "".join(f"{line}\n" for line in lines)
        with _told():
            parts = self._parts(name, run)
            _make(parts)
            part = parts / f"{hashlib.sha256(text.encode()).hexdigest()}.csv"
            is_new = not part.exists()
            _write(part, text, self._check_may_send)
            return is_new

    def publish(self, name: str, run: str, header: Sequence[str]) -> None:
        """Turn the parts of a run into its file; nothing when there are none."""
        with _told():
            parts = self._parts(name, run)
            if not parts.is_dir():
                return
            file = self._file(name, run)
            rows = {tuple(row) for part in parts.glob("*.csv") for row in _rows(part)}
            if file.exists():  # published before: a batch came again after that
                rows |= {tuple(row) for row in _rows(file)} - {tuple(header)}
            text = "".join(f"{line(row)}\n" for row in [tuple(header), *sorted(rows)])
            _write(file, text, self._check_may_send)
            self._check_may_send()  # another worker may be adding parts by now
            shutil.rmtree(parts)

    def _parts(self, name: str, run: str) -> Path:
        return self._checked(name) / f"{_PARTS}{int(run or 0)}"

    def _file(self, name: str, run: str) -> Path:
        return self._checked(name) / f"{name}-run-{int(run or 0)}.csv"

    def _checked(self, name: str) -> Path:
        if not NAME.match(name):
            raise PermanentError(
                _("Use lowercase letters, digits, hyphens and underscores in the file name."), code="file_name"
            )
        return self.path / name


def line(cells: Sequence[str]) -> str:
    """One row as it stands in a file, without the end of the line; a spreadsheet runs nothing in it."""
    cells = [without_formula(cell, keeps_numbers=True) for cell in cells]
    quoted = ('"' + cell.replace('"', '""') + '"' if re.search(r'[",\r\n]', cell) else cell for cell in cells)
    return ",".join(quoted)


def _rows(path: Path) -> Iterator[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.reader(file)


def _make(path: Path) -> None:
    """Make the folder, and those above it that are missing, readable by this user only."""
    for missing in [*reversed([above for above in path.parents if not above.exists()]), path]:
        missing.mkdir(mode=0o700, exist_ok=True)


def _write(path: Path, text: str, check_may_send: SendGuard) -> None:
    """All of it or nothing, whatever dies meanwhile; nothing when ``check_may_send`` raises."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        check_may_send()
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


@contextmanager
def _told() -> Iterator[None]:
    """What the file system refuses, by what happens next."""
    try:
        yield
    except (PermissionError, NotADirectoryError, FileExistsError) as error:
        sentence = _("The folder for files is not writable: {why}.").format(why=error.strerror)
        raise NeedsAdministrator(sentence, code="folder") from error
    except OSError as error:
        sentence = _("The file could not be written: {why}.").format(why=error.strerror)
        raise TryLater(sentence, code="writing") from error
