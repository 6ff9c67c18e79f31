"""Prepare a file for the merge into the profile store: detect, load, plan, convert. No transaction is open, and no
lock is held."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import duckdb
from django.utils.translation import gettext as _

from segments import catalog
from segments.models import ImportJob
from segments.sources import staging
from segments.sources.column_plan import ColumnFormat, ColumnPlan, plans_from_list
from segments.sources.files.detect import detect
from segments.sources.files.file_format import FileFormat, FileKind
from segments.sources.files.read import LoadedFile, load
from segments.sources.files.text_file import plain_text
from segments.sources.import_plan import choose_plans, key_positions
from segments.sources.in_place import PlainFile, stage_in_place
from segments.sources.staging import StagedRows
from segments.store.lake import OutOfMemory

LOADED: Final = "loaded"  # the temporary table of texts
_POLL_SECONDS: Final = 0.1

# Reports the share of the work that is done, and the number of rows that were read; may raise to stop.
Report = Callable[[float, int], None]


def prepare(
    connection: duckdb.DuckDBPyConnection, job: ImportJob, path: Path, folder: Path, report: Report
) -> StagedRows:
    """Load and convert the file of a job, which is at ``path``. ``folder`` is for temporary files. Raises
    FileRefused and TooManyAttributes."""
    report(0, 0)
    file_format, plain = _format(job, path), None
    if file_format.kind is FileKind.CSV:
        plain = plain_text(path, file_format, folder)
        file = PlainFile(plain, file_format.as_plain_text(), is_copy=plain != path)
        staged = stage_in_place(connection, file, decided_plans(job), job.source.key_columns, folder)
        if staged is not None:
            _check_limit(staged.plans)
            report(0.8, staged.loaded.records)
            return staged
    loaded = load(path, file_format, connection, LOADED, folder=folder, plain=plain)
    if plain is not None and plain != path:
        plain.unlink()
    return _stage_loaded(connection, job, loaded, report)


def _stage_loaded(
    connection: duckdb.DuckDBPyConnection, job: ImportJob, loaded: LoadedFile, report: Report
) -> StagedRows:
    report(0.45, loaded.records)
    keys = key_positions(loaded.names, job.source.key_columns)
    plans = choose_plans(connection, loaded, LOADED, decided_plans(job), keys)
    _check_limit(plans)
    report(0.6, loaded.records)
    staged = staging.stage(connection, loaded, LOADED, plans, keys)
    report(0.8, loaded.records)
    return staged


def decided_plans(job: ImportJob) -> tuple[ColumnPlan, ...]:
    """Return the plans that were decided for a job, and those of its data source for other columns. Pushed values
    are written in one way, whatever a user said of the texts that were converted."""
    decided, stored = plans_from_list(job.column_plans), plans_from_list(job.source.column_plans)
    columns = {plan.column.casefold() for plan in decided}
    plans = (*decided, *(plan for plan in stored if plan.column.casefold() not in columns))
    if not job.is_pushed:
        return plans
    return tuple(replace(plan, format=ColumnFormat(), null_words=()) for plan in plans)


@contextmanager
def interrupted_by(connection: duckdb.DuckDBPyConnection, *events: threading.Event) -> Iterator[None]:
    """Interrupt what DuckDB does in this block when one of the events is set."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(_POLL_SECONDS):
            if any(event.is_set() for event in events):
                connection.interrupt()

    thread = threading.Thread(target=watch, name="interrupt", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _format(job: ImportJob, path: Path) -> FileFormat:
    if job.file_format:
        return FileFormat.from_dict(job.file_format)
    choices: dict[str, Any] = job.source.file_format if job.path else {}
    return detect(path, name=job.file_name, **choices)


def why_failed(refusal: Exception) -> str:
    """Return the message of an import that was refused, with what else a user can do about too little memory."""
    if not isinstance(refusal, OutOfMemory):
        return str(refusal)
    return f"{refusal} " + _("Or choose “Do not import” for columns of the file that are not needed.")


def _check_limit(plans: Sequence[ColumnPlan]) -> None:
    names = [plan.attribute for plan in plans if not plan.is_ignored]
    catalog.check_limit(len(names) - len(catalog.find(names)))


def rejected_rows(loaded: LoadedFile) -> list[tuple[int, str, str]]:
    """Return line, column and reason of the rejected rows that are kept, by line."""
    return sorted((row.line, row.column, row.reason) for row in loaded.rejected.kept)
