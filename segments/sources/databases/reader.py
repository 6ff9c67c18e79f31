"""Read the rows of a query with DuckDB in a process of its own. Run as a script; imports nothing of this project.

So a query reaches neither the environment nor the memory of the workers, and is ended with its process. The
request comes as one line of JSON on standard input, which stays open: the process ends when the one that started
it does. The answer is written as JSON to the file ``answer.json`` in the folder of the request.
"""

import ctypes
import json
import os
import resource
import sys
import threading
from pathlib import Path
from typing import Any

import duckdb

ANSWER = "answer.json"
_NOT_DUMPABLE = 4  # PR_SET_DUMPABLE: no core file or other process reads the password
_INTEGERS = ("tinyint", "smallint", "integer", "bigint", "hugeint")
# By the types of DuckDB; others are texts.
_KINDS = {
    **{name: "integer" for each in _INTEGERS for name in (each, f"u{each}")},
    "float": "number",
    "double": "number",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "datetime",
    "timestamp_s": "datetime",
    "timestamp_ms": "datetime",
    "timestamp_ns": "datetime",
    "timestamp with time zone": "moment",
    "list": "list",
    "array": "list",
    "blob": "binary",
}
# How values become texts, by the type of DuckDB or else by the kind.
_TEXTS = {
    **dict.fromkeys(("integer", "decimal", "boolean", "date"), "CAST({0} AS VARCHAR)"),
    **dict.fromkeys(("struct", "map", "union", "variant"), "CAST(to_json({0}) AS VARCHAR)"),
    "number": "CASE WHEN {0} = trunc({0}) AND abs({0}) < 1e15 THEN CAST(CAST({0} AS BIGINT) AS VARCHAR)"
    " ELSE CAST({0} AS VARCHAR) END",
    "datetime": "CAST(CAST({0} AS TIMESTAMP) AS VARCHAR)",
    "moment": "CAST(make_timestamp(epoch_us({0})) AS VARCHAR)",  # in UTC
    "list": "CAST(to_json(CAST({0} AS VARCHAR[])) AS VARCHAR)",
    "binary": "CASE WHEN {0} IS NULL THEN NULL::VARCHAR END",
    "text": "nullif(replace(CAST({0} AS VARCHAR), chr(0), ''), '')",
}
_DECODED = "nullif(replace(try(decode({0})), chr(0), ''), '')"
_MOST_DECIMALS = 15


def main() -> None:
    """Read the request, run it, and write the answer."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.CDLL(None).prctl(_NOT_DUMPABLE, 0, 0, 0, 0)
    request = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        answer = run(request)
    except Exception as error:  # DuckDB raises errors of many kinds
        answer = {"error": str(error), "kind": type(error).__name__}
    path = Path(request["folder"]) / ANSWER
    path.write_text(json.dumps(answer), encoding="utf-8")
    sys.stdout.flush()
    os._exit(0)  # does not wait for sessions to end


def run(request: dict[str, Any]) -> dict[str, Any]:
    """Execute the statements of ``setup``, lock DuckDB, and read from ``source`` at most ``rows`` rows as text: to
    the Parquet file ``target``, or into the answer. Returns names, kinds, number and first rows."""
    folder = request["folder"]
    connection = duckdb.connect(
        config={
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "memory_limit": f"{request['memory_mb']}MB",
            "threads": request["threads"],
            "temp_directory": f"{folder}/spill",
        }
    )
    for statement in request["setup"]:
        connection.execute(statement)
    if request["writing"] and (writing := connection.execute(request["writing"]).fetchall()):
        return {"error": f'function "{writing[0][0]}" may write', "kind": "writes"}
    flags = _find_flags(connection, request)
    connection.execute(f"SET allowed_directories = ['{folder}/']")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    source, most = request["source"], int(request["rows"])
    described = connection.execute(f"SELECT * FROM {source} LIMIT 0").description or []
    names = [column[0] for column in described]
    columns = [
        _as_text(_quoted(column[0]), column[1], request["bytes_are_text"], is_flag=at in flags)
        for at, column in enumerate(described)
    ]
    selected = ", ".join(f"{text} AS {_quoted(name)}" for (text, _kind), name in zip(columns, names, strict=True))
    query = f"SELECT {selected} FROM {source} LIMIT {most:d}"
    shown = int(request["shown"])
    if request["target"]:
        target = f"'{folder}/{request['target']}'"
        ((count,),) = connection.execute(f"COPY ({query}) TO {target} (FORMAT parquet)").fetchall()
        first = connection.execute(f"SELECT * FROM read_parquet({target}) LIMIT {shown:d}").fetchall()
    else:
        first = connection.execute(query).fetchall()
        count = len(first)
    return {"names": names, "kinds": [kind for _text, kind in columns], "rows": count, "first_rows": first[:shown]}


def _find_flags(connection: duckdb.DuckDBPyConnection, request: dict[str, Any]) -> frozenset[int]:
    """Return the positions of the columns that the database declares as yes/no and stores as numbers, and let
    DuckDB read them as numbers: it would read 2 as yes."""
    if not request["flag_setting"]:
        return frozenset()
    described = connection.execute(f"SELECT * FROM {request['source']} LIMIT 0").description or []
    connection.execute(f"SET {request['flag_setting']} = false")
    return frozenset(at for at, column in enumerate(described) if column[1].id == "boolean")


def _as_text(
    column: str, declared: Any, bytes_are_text: bool = False, *, is_flag: bool = False
) -> tuple[str, str]:
    """Return the expression of a value as text, and the kind of the text (see column_types.py): such that a value
    of the type of that kind gives the text back. A flag that is neither 0 nor 1 stays a number, which does not
    fit."""
    name = declared.id
    if is_flag and name != "boolean":
        number = f"CAST({column} AS VARCHAR)"
        return f"CASE {column} WHEN 1 THEN 'true' WHEN 0 THEN 'false' ELSE {number} END", "boolean"
    if name == "decimal":
        scale = int(str(declared).rpartition(",")[2].strip(" )"))
        kind = "integer" if not scale else f"number {scale}" if scale <= _MOST_DECIMALS else "number"
        return _TEXTS["decimal"].format(column), kind
    kind = _KINDS.get(name, "text")
    if kind == "binary" and bytes_are_text:
        return _DECODED.format(column), "text"
    return _TEXTS.get(name, _TEXTS[kind]).format(column), kind


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    main()
