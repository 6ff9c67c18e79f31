"""Read the rows of a data source's query: the first for people, all of them into a file for an import."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from config.platform.encryption.keyring import CannotDecrypt
from config.platform.encryption.references import UnresolvedReference, resolve_reference
from segments.models import DatabaseEngine, DatabaseQuery, ImportJob
from segments.sources.analysis import analyze
from segments.sources.column_plan import ColumnPlan, plans_to_list
from segments.sources.databases.attach import DatabaseRefused, attachment, libpq_options, query_text
from segments.sources.databases.column_types import as_key, plan_columns
from segments.sources.databases.errors import sentence_of
from segments.sources.databases.process import (
    Answer,
    AnyRequest,
    CursorRequest,
    ReadingFailed,
    Request,
    TookTooLong,
    WarehouseRequest,
    run_reader,
)
from segments.sources.databases.query import QueryRefused
from segments.sources.databases.warehouses.targets import reach
from segments.sources.file_names import temporary_folder
from segments.sources.files.file_format import FileRefused
from segments.sources.files.header import clean_names
from segments.sources.import_plan import key_positions
from segments.sources.prepare import decided_plans

PASSWORD: Final = "password"  # noqa: S105 - the name of a credential
FETCHED: Final = "rows.parquet"
_ROWS_SHOWN: Final = 50
_ROWS_GUESSED: Final = 20_000  # where the types are guessed
_PREVIEW_SECONDS: Final = 30


class QueryFailed(FileRefused):
    """The rows of a query cannot be read; the message is for users. ``field`` is the field that is wrong, if it is
    known."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class FirstRows:
    """The columns of a query with their plans, and the first rows as text."""

    names: tuple[str, ...]
    plans: list[ColumnPlan]
    rows: list[list[str]]


def first_rows(query: DatabaseQuery, *, check: Callable[[], None] = lambda: None) -> FirstRows:
    """Connect, run the query, and return its first rows. Types that the database does not have are guessed, as
    those of files. Raises QueryFailed."""
    with temporary_folder("query") as folder, _safe_errors(_PREVIEW_SECONDS):
        is_typed = DatabaseEngine(query.engine).is_typed
        most = _ROWS_SHOWN if is_typed else _ROWS_GUESSED
        target = "" if is_typed else FETCHED
        request = _request(query, folder, rows=most, seconds=_PREVIEW_SECONDS, target=target, first_rows=most)
        answer = run_reader(request, seconds=_PREVIEW_SECONDS, check=check)
        names = clean_names(answer.names)
        if is_typed:
            plans = plan_columns(names, answer.kinds, answer.first_rows)
        else:
            plans = [guess.plan for guess in analyze(folder / FETCHED, name=FETCHED, choices={}).guesses]
    rows = [["" if value is None else value for value in row] for row in answer.first_rows[:_ROWS_SHOWN]]
    return FirstRows(names, plans, rows)


def fetch_rows(job: ImportJob, folder: Path, check: Callable[[], None]) -> Path:
    """Read all rows of the query of a job's data source into a file in ``folder``. Columns that have no plan get
    one by the types of the database, in ``job.column_plans``, which is not saved here. ``check`` may raise to
    stop. Raises QueryFailed."""
    query: DatabaseQuery = job.source.database_query
    most = settings.DATABASE_SOURCE_ROWS
    seconds = settings.DATABASE_SOURCE_SECONDS
    with _safe_errors(seconds):
        request = _request(query, folder, rows=most + 1, seconds=seconds, target=FETCHED)
        answer = run_reader(request, seconds=seconds, check=check)
    if not answer.rows:
        raise QueryFailed(_("The query returned no rows. Nothing was changed."))
    if answer.rows > most:
        sentence = ngettext(
            "The query returns more than %(most)d row. Nothing was changed.",
            "The query returns more than %(most)d rows. Nothing was changed.",
            most,
        )
        raise QueryFailed(sentence % {"most": most})
    job.column_plans = plans_to_list(_plans(job, answer))
    return folder / FETCHED


def _plans(job: ImportJob, answer: Answer) -> list[ColumnPlan]:
    names = clean_names(answer.names)
    decided = decided_plans(job)
    if not DatabaseEngine(job.source.database_query.engine).is_typed:
        return list(decided)
    known = {plan.column.casefold() for plan in decided}
    keys = key_positions(names, job.source.key_columns)
    by_type = plan_columns(names, answer.kinds, answer.first_rows)
    for at in keys:
        by_type[at] = as_key(by_type[at])
    return [*decided, *(replace(plan) for plan in by_type if plan.column.casefold() not in known)]


def _request(
    query: DatabaseQuery, folder: Path, *, rows: int, seconds: int, target: str, first_rows: int | None = None
) -> AnyRequest:
    """Return what a reader does to read the rows; a warehouse and Redshift end a query after so many seconds
    themselves. Raises DatabaseRefused and QueryRefused."""
    password = _password(query)
    limits: dict[str, Any] = {
        "rows": rows,
        "folder": str(folder),
        "memory_mb": settings.PROFILE_STORE_MEMORY_MB,
        "threads": settings.PROFILE_STORE_THREADS,
        "target": target,
    }
    engine = DatabaseEngine(query.engine)
    if engine.is_warehouse:
        text = query_text(query, first_rows=first_rows)
        reached = reach(query, password, seconds=seconds)
        return WarehouseRequest(reached.module, reached.login, reached.hosts, reached.suffixes, text, **limits)
    if engine is DatabaseEngine.REDSHIFT:
        text = query_text(query, first_rows=first_rows)
        connect = {**libpq_options(query), "password": password}
        return CursorRequest(connect, text, milliseconds=seconds * 1000, **limits)
    found = attachment(query, password, first_rows=first_rows)
    return Request(
        found.setup,
        found.source,
        bytes_are_text=found.bytes_are_text,
        writing=found.writing,
        flag_setting=found.flag_setting,
        **limits,
    )


def _password(query: DatabaseQuery) -> str:
    """Return the password of a query; empty without one. Raises QueryFailed."""
    try:
        stored = query.credentials.open() if query.credentials is not None else {}
        return resolve_reference(stored.get(PASSWORD, ""))
    except (CannotDecrypt, UnresolvedReference) as error:
        raise QueryFailed(_("The password cannot be read: %(why)s") % {"why": error}, "password") from error


@contextmanager
def _safe_errors(seconds: int) -> Iterator[None]:
    """Raise QueryFailed with a sentence for users instead of the errors of drivers, whose text may quote
    values."""
    try:
        yield
    except DatabaseRefused as refusal:
        raise QueryFailed(str(refusal), refusal.field) from None
    except QueryRefused as refusal:
        raise QueryFailed(str(refusal), "query") from None
    except TookTooLong:
        sentence = _("The database did not return the rows within %(seconds)d seconds.")
        raise QueryFailed(sentence % {"seconds": seconds}) from None
    except ReadingFailed as failure:
        sentence, field = sentence_of(str(failure), failure.kind)
        raise QueryFailed(sentence, field) from None
