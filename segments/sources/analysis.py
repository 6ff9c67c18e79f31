"""Analyze a file before it is imported: its format, the first rows, and a guess for each column."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import yaml
from django.utils.translation import gettext as _

from segments.sources.column_plan import ColumnPlan, plans_from_list, plans_to_list
from segments.sources.file_names import temporary_folder
from segments.sources.files.detect import detect
from segments.sources.files.file_format import Compression, FileFormat, FileKind
from segments.sources.files.read import load
from segments.sources.files.regular_csv import quoted
from segments.sources.files.unpack import CHUNK_BYTES, opened_bytes
from segments.sources.files.workbook import sheet_names
from segments.sources.import_plan import key_positions, plans_of
from segments.sources.inference import ColumnGuess, infer
from segments.store import lake

MAX_ANALYZED_BYTES: Final = 50 << 20
_ROWS_SHOWN: Final = 4
_TABLE: Final = "analyzed"
# What users may choose of a format.
CHOICES: Final = ("encoding", "delimiter", "header_line", "sheet")


class PlanRefused(Exception):
    """A file with column plans cannot be used; the message is for users."""


@dataclass(frozen=True)
class Analysis:
    """What a user sees of a file before it is imported. ``is_partial`` says that the guesses are based on
    the first MAX_ANALYZED_BYTES; ``sheets`` are the names of those of a workbook."""

    file_format: FileFormat
    names: tuple[str, ...]
    first_rows: list[list[str]]
    guesses: list[ColumnGuess]
    is_partial: bool = False
    sheets: tuple[str, ...] = ()


def analyze(path: Path, *, name: str, choices: Mapping[str, Any]) -> Analysis:
    """Analyze a file. ``choices`` are what the user chose of its format. Raises FileRefused."""
    file_format = detect(path, name=name, **choices)
    sheets = tuple(sheet_names(path)) if file_format.kind is FileKind.XLSX else ()
    with temporary_folder("analysis") as folder:
        part = _first_part(path, file_format, folder)
        read_format = replace(file_format, compression=Compression.NONE) if part else file_format
        with lake.temporary_tables() as connection:
            try:
                loaded = load(part or path, read_format, connection, _TABLE, folder=folder)
                guesses = infer(connection, _TABLE, loaded.names, loaded.declared)
                rows = connection.execute(
                    f"SELECT * EXCLUDE (_line) FROM {quoted(_TABLE)} ORDER BY _line LIMIT {_ROWS_SHOWN}"
                ).fetchall()
            finally:
                connection.execute(f"DROP TABLE IF EXISTS {quoted(_TABLE)}")
    shown = [["" if value is None else value for value in row] for row in rows]
    return Analysis(file_format, loaded.names, shown, guesses, part is not None, sheets)


def guessed_plans(analysis: Analysis, known: Sequence[ColumnPlan], keys: Sequence[str]) -> list[ColumnPlan]:
    """Return the plan of each column: the known one, else that of the catalog or the guess. Raises FileRefused."""
    return plans_of(analysis.names, analysis.guesses, known, key_positions(analysis.names, keys))


@dataclass(frozen=True)
class PlanFile:
    """What a file for the command decides: column plans, what is chosen of the format, and the key columns."""

    plans: tuple[ColumnPlan, ...] = ()
    choices: Mapping[str, Any] = field(default_factory=dict)
    keys: tuple[str, ...] = ()


def plan_as_yaml(plan: PlanFile) -> str:
    """Write a plan as a file for the command. A key of one column is left to its option ``--key``."""
    content: dict[str, Any] = {"key": list(plan.keys)} if len(plan.keys) > 1 else {}
    content |= {"format": dict(plan.choices), "columns": plans_to_list(plan.plans)}
    text: str = yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=120)
    return text


def plan_from_yaml(text: str) -> PlanFile:
    """Read what ``plan_as_yaml`` wrote; ``key`` may be one name too. Raises PlanRefused."""
    try:
        content = yaml.safe_load(text) or {}
        if not isinstance(content, dict) or content.keys() - {"key", "format", "columns"}:
            raise PlanRefused(_("The file can contain only the keys “key”, “format” and “columns”."))
        choices = content.get("format") or {}
        if not isinstance(choices, dict) or choices.keys() - set(CHOICES):
            raise PlanRefused(_("“format” can contain only the keys %(keys)s.") % {"keys": ", ".join(CHOICES)})
        return PlanFile(plans_from_list(content.get("columns") or []), choices, _keys(content.get("key")))
    except (yaml.YAMLError, ValueError, TypeError, AttributeError) as error:
        raise PlanRefused(_("The plan cannot be read: %(reason)s") % {"reason": str(error)}) from error


def _keys(given: object) -> tuple[str, ...]:
    """Read the key columns of a plan: a name, or a list of names."""
    names = given if isinstance(given, list) else [given] if given is not None else []
    if not all(isinstance(name, str) and name for name in names):
        raise PlanRefused(_("“key” must be the name of a column, or a list of names."))
    return tuple(names)


def _first_part(path: Path, file_format: FileFormat, folder: Path) -> Path | None:
    """Write the first lines of a text that is larger than MAX_ANALYZED_BYTES to a file; None for other files."""
    if file_format.kind not in (FileKind.CSV, FileKind.JSON_LINES):
        return None
    part, size = folder / "first-lines", 0
    with opened_bytes(path, file_format.compression) as source, part.open("wb") as target:
        while size <= MAX_ANALYZED_BYTES and (chunk := source.read(CHUNK_BYTES)):
            size += len(chunk)
            target.write(chunk)
    if size <= MAX_ANALYZED_BYTES:
        part.unlink()
        return None
    _cut_after_last_line(part, file_format)
    return part


def _cut_after_last_line(path: Path, file_format: FileFormat) -> None:
    """Remove the last line of a file, which may not be whole."""
    ending = "\n".encode(file_format.encoding)
    with path.open("r+b") as file:
        size = path.stat().st_size
        start = max(0, size - CHUNK_BYTES)
        start -= start % len(ending)
        file.seek(start)
        tail = file.read()
        at = tail.rfind(ending)
        while at > 0 and at % len(ending):
            at = tail.rfind(ending, 0, at)
        if at >= 0:
            file.truncate(start + at + len(ending))
