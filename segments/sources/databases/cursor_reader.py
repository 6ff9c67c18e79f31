"""Read the rows of a query in batches through a cursor of psycopg2, for servers of PostgreSQL's protocol that
DuckDB's scanner cannot read, such as Redshift. Run as a script; imports nothing of this project: see reader.py.

Values stay as the database writes them, which is nearly as ``reader.py`` does.
"""

import csv
import ctypes
import json
import os
import resource
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import psycopg2
from psycopg2.extensions import UNICODE, new_type, register_type

ANSWER = "answer.json"
_NOT_DUMPABLE = 4  # PR_SET_DUMPABLE: no core file or other process reads the password
_FETCH = "FETCH FORWARD 1000 FROM imported"  # a cluster of one node fetches no more at once
_MOST_DECIMALS = 15
_LONGEST_LINE = 16 << 20
_ROWS = "rows.csv"
# Types of PostgreSQL's protocol by their OIDs.
_BOOLEAN, _BYTES, _MOMENT, _NUMERIC = 16, 17, 1184, 1700
_KINDS = {
    _BOOLEAN: "boolean",
    _BYTES: "binary",
    **dict.fromkeys((20, 21, 23, 26), "integer"),
    **dict.fromkeys((700, 701), "number"),
    1082: "date",
    1114: "datetime",
    _MOMENT: "moment",
}
_DOCUMENTS = (114, 3802)
_TEXTS = (18, 19, 25, 1042, 1043)
_LISTS = (1000, 1005, 1007, 1009, 1014, 1015, 1016, 1021, 1022, 1115, 1182, 1185, 1231)
_UNCHANGED = frozenset({*_KINDS, *_DOCUMENTS, *_TEXTS, _NUMERIC} - {_BOOLEAN, _BYTES, _MOMENT})
# The driver gives values of these types as the database writes them.
_AS_TEXT = new_type((*_KINDS, *_DOCUMENTS, *_TEXTS, _NUMERIC), "AS_TEXT", UNICODE)


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
    register_type(_AS_TEXT, connection)
    with connection.cursor() as cursor:
        cursor.execute(f"SET statement_timeout TO {int(request['milliseconds']):d}")
        cursor.execute("SET timezone TO 'UTC'")
        cursor.execute("SET datestyle TO 'ISO'")
        cursor.execute(f"DECLARE imported CURSOR FOR {request['query']}\n")
        cursor.execute(_FETCH)
        columns = list(cursor.description or [])
        names = [column.name for column in columns]
        check_names(names)
        batches = _batches(cursor, [column.type_code for column in columns], int(request["rows"]))
        shown = int(request["shown"])
        if request["target"]:
            count, first = write_rows(request, names, batches, shown)
        else:
            read = [row for batch in batches for row in batch]
            count, first = len(read), read[:shown]
    rows = [[text or None for text in row] for row in first]
    return {"names": names, "kinds": list(map(kind_of, columns)), "rows": count, "first_rows": rows}


def kind_of(column: Any) -> str:
    """Return the kind of the texts of a column (see column_types.py) by its type in the database."""
    if column.type_code == _NUMERIC:
        scale = column.scale
        if scale is None or not 0 <= scale <= _MOST_DECIMALS:
            return "number"
        return f"number {scale}" if scale else "integer"
    if column.type_code in _KINDS:
        return _KINDS[column.type_code]
    return "list" if column.type_code in _LISTS else "text"


def text_of(value: Any, code: int) -> str | None:
    """Return the text of a value, which the driver gives as the database writes it, or as a list."""
    if value is None or code == _BYTES:
        return None
    if isinstance(value, list):
        return json.dumps([None if each is None else str(each) for each in value], separators=(",", ":"))
    if code == _BOOLEAN:
        return "true" if value == "t" else "false"
    return str(value).removesuffix("+00") if code == _MOMENT else str(value)


def _batches(cursor: Any, codes: list[int], most: int) -> Iterator[list[list[str | None]]]:
    """Fetch the rows batch by batch, as texts; those of most types need no conversion."""
    converted = [(at, code) for at, code in enumerate(codes) if code not in _UNCHANGED]
    left = most
    while left > 0 and (found := cursor.fetchall()):
        batch = list(map(list, found[:left]))
        for row in batch:
            for at, code in converted:
                row[at] = text_of(row[at], code)
        left -= len(batch)
        yield batch
        cursor.execute(_FETCH)


def write_rows(
    request: dict[str, Any], names: list[str], batches: Iterator[list[list[str | None]]], shown: int
) -> tuple[int, list[list[str | None]]]:
    """Write the rows to the Parquet file ``target`` of a request. Returns their number and the first."""
    folder = request["folder"]
    count, first, path = 0, [], Path(folder) / _ROWS
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n")
        for batch in batches:
            writer.writerows(batch)  # a missing value is written as an empty one, which DuckDB reads as missing
            first += batch[: max(0, shown - count)]
            count += len(batch)
    declared = ", ".join(f"{_quoted(name)}: 'VARCHAR'" for name in names)
    source = (
        f"read_csv({_quoted(str(path))}, columns = {{{declared}}}, header = false, auto_detect = false,"
        f" delim = ',', quote = '\"', escape = '\"', nullstr = '', parallel = false,"
        f" max_line_size = {_LONGEST_LINE:d})"
    )
    config: dict[str, Any] = {
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "memory_limit": f"{request['memory_mb']}MB",
        "threads": 1,  # one file is read in order: a second takes twice the memory and time
        "temp_directory": f"{folder}/spill",
    }
    with duckdb.connect(config=config) as connection:
        connection.execute(f"COPY (FROM {source}) TO {_quoted(folder + '/' + request['target'])} (FORMAT parquet)")
    path.unlink()
    return count, first


def check_names(names: list[str]) -> None:
    """Check that no two columns have the same name. Raises ValueError."""
    seen: set[str] = set()
    for name in names:
        if name.casefold() in seen:
            raise ValueError(f'duplicate column name "{name}"')
        seen.add(name.casefold())


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    main()
