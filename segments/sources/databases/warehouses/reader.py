"""Read the rows of a query in a warehouse by its driver, in a process of its own. Run as a script: see
``databases/reader.py``. Of this project it imports only what knows no settings.

Before the driver is loaded, the process is limited to the checked addresses, and to so much memory.
"""

import ctypes
import importlib
import json
import os
import resource
import sys
import threading
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

ANSWER = "answer.json"
_NOT_DUMPABLE = 4  # PR_SET_DUMPABLE: no core file or other process reads the password
_CLOSING_SECONDS = 5
_PACKAGE = "segments.sources.databases"


def main() -> None:
    """Read the request, run it, and write the answer."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.CDLL(None).prctl(_NOT_DUMPABLE, 0, 0, 0, 0)
    request = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    most = (int(request["memory_mb"]) + int(request["overhead_mb"])) << 20
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    sys.path.append(request["root"])
    try:
        answer = run(request)
    except BaseException as error:  # of the driver, or of DuckDB; a panic of compiled code is no Exception
        answer = {"error": str(error), "kind": type(error).__name__}
    path = Path(request["folder"]) / ANSWER
    path.write_text(json.dumps(answer), encoding="utf-8")
    sys.stdout.flush()
    os._exit(0)  # does not wait for the driver's threads


def run(request: dict[str, Any]) -> dict[str, Any]:
    """Connect, and read at most ``rows`` rows of the query: to the Parquet file ``target``, or into the answer.
    Returns names, kinds, number and first rows."""
    written = importlib.import_module(f"{_PACKAGE}.cursor_reader")
    rows_module = importlib.import_module(f"{_PACKAGE}.warehouses.rows")
    guard = importlib.import_module(f"{_PACKAGE}.warehouses.address_guard")
    guard.allow_only(request["hosts"], request["login"]["port"], request["suffixes"])
    warehouse = importlib.import_module(f"{_PACKAGE}.warehouses.{request['module']}")
    rows = warehouse.open_rows(rows_module.Login(**request["login"]), request["query"])
    try:
        names = [column.name for column in rows.columns]
        written.check_names(names)
        batches = _limited(rows.batches, int(request["rows"]))
        shown = int(request["shown"])
        if request["target"]:
            count, first = written.write_rows(request, names, batches, shown)
        else:
            read = [row for batch in batches for row in batch]
            count, first = len(read), read[:shown]
    finally:
        _close(rows.close)
    kinds = [column.kind for column in rows.columns]
    return {"names": names, "kinds": kinds, "rows": count, "first_rows": first}


def _close(close: Callable[[], None]) -> None:
    """Let the warehouse end the query, and do not wait long for it."""
    closing = threading.Thread(target=close, daemon=True)
    closing.start()
    closing.join(_CLOSING_SECONDS)


def _limited(batches: Any, most: int) -> Any:
    left = most
    for batch in batches:
        yield list(islice(batch, left))
        left -= len(batch)
        if left <= 0:
            return


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    main()
