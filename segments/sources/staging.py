"""Stage converted rows in a temporary table of DuckDB, and refuse duplicate keys and erased people."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from config.platform.jobs import clock
from segments import hooks
from segments.catalog import Attribute
from segments.models import ErasedHash
from segments.privacy import subjects
from segments.sources.copy_encoder import MAX_PROBLEMS_KEPT, Column, Problems, TypedBlock
from segments.store import lake
from segments.store.columns import TYPES
from segments.store.lake import Reader, as_list, rows_of
from segments.store.merge import STAGED

# The rows of the file: ``line``, ``key``, and for the column at each index ``c0``, ``c0_email`` and so on.
_IMPORTED = "imported"


def stage(columns: Sequence[Column], blocks: Iterable[TypedBlock]) -> set[int]:
    """Write converted rows into the temporary table of this thread's DuckDB. Returns the indexes of the columns
    that have email addresses."""
    definitions = ", ".join(
        f"c{at} {TYPES[column.data_type]}, c{at}_email VARCHAR" for at, column in enumerate(columns)
    )
    with_emails: set[int] = set()
    with lake.reading() as reader:
        reader.execute(f"CREATE OR REPLACE TEMPORARY TABLE {_IMPORTED} (line BIGINT, key VARCHAR, {definitions})")
        for block in blocks:
            _insert(reader, columns, block)
            with_emails |= {at for at, emails in block.emails.items() if any(emails)}
    return with_emails


def keep_last_of_each_key(problems: Problems) -> None:
    """Delete all rows but the last of each key, and report them as problems."""
    sentence = _("Duplicate key. Line %(line)d was used.")
    superseded = f"""
        SELECT line, last_line FROM (SELECT line, max(line) OVER (PARTITION BY key) AS last_line FROM {_IMPORTED})
         WHERE line < last_line
    """
    with lake.reading() as reader:
        _refuse(reader, superseded, {}, problems, lambda line: sentence % {"line": line})


def refuse_erased(source_id: int, columns: Sequence[Column], problems: Problems) -> None:
    """Delete the rows of erased people and report them as problems."""
    erased = dict(ErasedHash.objects.values_list("hash", "erasure__erased_at"))
    if not erased:
        return
    email_attributes = hooks.personal_data.email_attributes()
    emails = [
        f"c{at}" for at, column in enumerate(columns) if subjects.is_email_attribute(column.name, email_attributes)
    ]
    sentence = _("This customer was erased on %(day)s. Imports are blocked.")
    with lake.reading() as reader:
        reader.execute(
            f"CREATE OR REPLACE TEMPORARY TABLE erased AS {rows_of({'hash': 'UUID', 'erased_at': 'TIMESTAMPTZ'})}",
            [as_list({"hash": each, "erased_at": moment} for each, moment in erased.items())],
        )
        rows = _erased_rows(source_id, emails)
        parameters = subjects.duckdb_hash_parameters()
        _refuse(reader, rows, parameters, problems, lambda at: sentence % {"day": _day(at)})


def name_columns(attributes: Mapping[int, Attribute]) -> None:
    """Make the staged rows the ones to merge, with the columns of the attribute of each index."""
    selected = ["line", "key"]
    for at, attribute in attributes.items():
        selected.append(f"c{at} AS {attribute.column}")
        if attribute.has_emails:
            selected.append(f"c{at}_email AS {attribute.email_column}")
    with lake.reading() as reader:
        reader.execute(
            f"CREATE OR REPLACE TEMPORARY VIEW {STAGED} AS SELECT {', '.join(selected)} FROM {_IMPORTED}"
        )


def count_rows() -> int:
    """Count the staged rows."""
    with lake.reading() as reader:
        return int(reader.row(f"SELECT count(*) FROM {_IMPORTED}")[0])


def drop() -> None:
    """Drop the staged rows, which hold personal data."""
    with lake.reading() as reader:
        reader.execute(f"DROP VIEW IF EXISTS {STAGED}")
        reader.execute(f"DROP TABLE IF EXISTS {_IMPORTED}")
        reader.execute("DROP TABLE IF EXISTS changes")


def _insert(reader: Reader, columns: Sequence[Column], block: TypedBlock) -> None:
    kinds, lists = {"line": "BIGINT", "key": "VARCHAR"}, [block.lines, block.keys]
    for at, (column, values) in enumerate(zip(columns, block.values, strict=True)):
        kinds[f"c{at}"] = TYPES[column.data_type]
        lists.append(values)
        if at in block.emails:
            kinds[f"c{at}_email"] = "VARCHAR"
            lists.append(block.emails[at])
    rows = (dict(zip(kinds, row, strict=True)) for row in zip(*lists, strict=True))
    reader.execute(f"INSERT INTO {_IMPORTED} BY NAME {rows_of(kinds)}", [as_list(rows)])


def _refuse(
    reader: Reader, rows: str, parameters: dict[str, Any], problems: Problems, reason: Callable[[Any], str]
) -> None:
    """Delete the rows with the lines in the query ``rows``, and report each with the reason for the second column
    of it; lines beyond MAX_PROBLEMS_KEPT are only counted."""
    reader.execute(f"CREATE OR REPLACE TEMPORARY TABLE refused AS {rows}", parameters)
    count, room = reader.row("SELECT count(*) FROM refused")[0], max(0, MAX_PROBLEMS_KEPT - len(problems.kept))
    if not count:
        return
    reader.execute(f"DELETE FROM {_IMPORTED} WHERE line IN (SELECT line FROM refused)")
    for line, value in reader.rows("SELECT * FROM refused ORDER BY line LIMIT ?", [room]):
        problems.add(line, reason(value))
    problems.count += count - min(count, room)


def _day(moment: datetime) -> str:
    return date_format(clock.day_of(moment), "Y-m-d")


def _erased_rows(source_id: int, emails: Sequence[str]) -> str:
    """Return a query of the lines of erased people, each with the moment of the erasure."""
    hashes = [subjects.duckdb_hash(f"key:{source_id}:", "key")]
    for column in emails:
        text = f"nullif(lower(trim({column}, chr(32) || chr(9) || chr(13) || chr(10))), '')"
        # People erased before emails were stored have the hash of the text in lower case.
        hashes += [subjects.duckdb_hash("email:", f"{column}_email"), subjects.duckdb_hash("email:", text)]
    return f"""
        SELECT line, min(erased.erased_at)
          FROM (SELECT line, unnest([{", ".join(hashes)}]) AS hash FROM {_IMPORTED}) hashed
          JOIN erased ON erased.hash = hashed.hash GROUP BY line
    """
