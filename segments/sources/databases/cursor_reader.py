"""Read the rows of a query in batches through a cursor of psycopg2, for servers of PostgreSQL's protocol that
DuckDB's scanner cannot read, such as Redshift. Run as a script; imports nothing of this project: see reader.py.

Values become texts as ``reader.py`` writes them. What kind a column is, its values say.
"""

import csv
import ctypes
import json
import os
import resource
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb
import psycopg2
from psycopg2.extras import register_default_json, register_default_jsonb

ANSWER = "answer.json"
_NOT_DUMPABLE = 4  # PR_SET_DUMPABLE: no core file or other process reads the password
_BATCH = 1_000  # a cluster of one node fetches no more at once
_MOST_DECIMALS = 15
_LONGEST_LINE = 16 << 20
_ROWS = "rows.csv"


def main() -> None:
    """Read the request, run it, and write the answer."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.CDLL(None).prctl(_NOT_DUMPABLE, 0, 0, 0, 0)
    request = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        answer = run(request)
    except Exception as error:  # of the driver, or of DuckDB
        answer = {"error": str(error), "kind": type(error).__name__}
    path = Path(request["folder"]) / ANSWER
    path.write_text(json.dumps(answer), encoding="utf-8")
    sys.stdout.flush()
    os._exit(0)


def run(request: dict[str, Any]) -> dict[str, Any]:
    """Connect, and read at most ``rows`` rows of the query in a read-only transaction: to the Parquet file
    ``target``, or into the answer. Returns names, kinds, number and first rows."""
    connection = psycopg2.connect(**request["connect"])
    connection.set_session(readonly=True)
    for register in (register_default_json, register_default_jsonb):  # documents stay as they are written
        register(connection, loads=lambda text: text)
    with connection.cursor() as cursor:
        cursor.execute(f"SET statement_timeout TO {int(request['milliseconds']):d}")
        cursor.execute(f"DECLARE imported CURSOR FOR {request['query']}\n")
        cursor.execute(f"FETCH FORWARD {_BATCH:d} FROM imported")
        names = [column[0] for column in cursor.description or []]
        _check_names(names)
        columns = [_Column() for _name in names]
        rows = islice(_rows(cursor), int(request["rows"]))
        texts = ([column.text(value) for column, value in zip(columns, row, strict=True)] for row in rows)
        shown = int(request["shown"])
        if request["target"]:
            count, first = _write(request, names, texts, shown)
        else:
            first = list(texts)
            count, first = len(first), first[:shown]
    kinds = [column.kind for column in columns]
    return {"names": names, "kinds": kinds, "rows": count, "first_rows": first}


def _rows(cursor: Any) -> Iterator[tuple[Any, ...]]:
    while batch := cursor.fetchall():
        yield from batch
        cursor.execute(f"FETCH FORWARD {_BATCH:d} FROM imported")


def _write(
    request: dict[str, Any], names: list[str], texts: Iterator[list[str | None]], shown: int
) -> tuple[int, list[list[str | None]]]:
    """Write the rows to the target. Returns their number and the first."""
    folder = request["folder"]
    count, first, path = 0, [], Path(folder) / _ROWS
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n")
        for row in texts:
            writer.writerow(["" if text is None else text for text in row])  # no text is empty
            count += 1
            if count <= shown:
                first.append(row)
    declared = ", ".join(f"{_quoted(name)}: 'VARCHAR'" for name in names)
    source = (
        f"read_csv({_quoted(str(path))}, columns = {{{declared}}}, header = false, auto_detect = false,"
        f" delim = ',', quote = '\"', escape = '\"', nullstr = '', parallel = false,"
        f" max_line_size = {_LONGEST_LINE:d})"
    )
    config = {
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "memory_limit": f"{request['memory_mb']}MB",
        "threads": request["threads"],
        "temp_directory": f"{folder}/spill",
    }
    with duckdb.connect(config=config) as connection:
        connection.execute(f"COPY (FROM {source}) TO {_quoted(folder + '/' + request['target'])} (FORMAT parquet)")
    path.unlink()
    return count, first


def _check_names(names: list[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name.casefold() in seen:
            raise ValueError(f'duplicate column name "{name}"')
        seen.add(name.casefold())


class _Column:
    """Converts the values of a column to texts, and notes what kind they are."""

    def __init__(self) -> None:
        self._kinds: set[str] = set()

    def text(self, value: Any) -> str | None:
        """Return the text of a value; None for a missing one and for bytes."""
        if value is None:
            return None
        kind, text = _as_text(value)
        self._kinds.add(kind)
        return text or None

    @property
    def kind(self) -> str:
        """Return the kind of the texts (see column_types.py): such that a value of its type gives them back."""
        kinds = self._kinds
        if len(kinds) == 1:
            return next(iter(kinds))
        if kinds and all(each.partition(" ")[0] in ("integer", "number") for each in kinds):
            return "number"
        return "text"


def _as_text(value: Any) -> tuple[str, str]:
    """Return the kind of a value and its text."""
    for types, convert in _CONVERSIONS:
        if isinstance(value, types):
            return convert(value)
    return "text", str(value).replace("\0", "")


def _float(value: float) -> tuple[str, str]:
    is_whole = value.is_integer() and abs(value) < 1e15
    return "number", str(int(value)) if is_whole else repr(value)


def _decimal(value: Decimal) -> tuple[str, str]:
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int):  # NaN
        return "number", str(value).lower()
    scale = max(0, -exponent)
    kind = "integer" if not scale else f"number {scale}" if scale <= _MOST_DECIMALS else "number"
    return kind, format(value, "f")


def _moment(value: datetime) -> tuple[str, str]:
    kind = "datetime" if value.tzinfo is None else "moment"
    plain = value if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)
    text = plain.isoformat(sep=" ")
    return kind, text.rstrip("0") if plain.microsecond else text


def _list(values: list[Any]) -> tuple[str, str]:
    texts = [None if each is None else _as_text(each)[1] for each in values]
    return "list", json.dumps(texts, ensure_ascii=False, separators=(",", ":"))


# The first that fits counts: a boolean is an integer for Python, and a moment a date.
_CONVERSIONS: Sequence[tuple[type | tuple[type, ...], Callable[[Any], tuple[str, str]]]] = (
    (bool, lambda value: ("boolean", "true" if value else "false")),
    (int, lambda value: ("integer", str(value))),
    (float, _float),
    (Decimal, _decimal),
    (datetime, _moment),
    (date, lambda value: ("date", value.isoformat())),
    (list, _list),
    ((bytes, memoryview), lambda _value: ("binary", "")),
)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    main()
