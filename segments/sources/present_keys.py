"""Collect the keys in a file, those of rejected rows too: a row that cannot be imported is not a missing row."""

import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Final

import duckdb

from segments.sources.conversion import BLANKS
from segments.sources.files.read import LoadedFile
from segments.store.lake import as_list, listed
from segments.store.leaving import PRESENT

_LINES_AT_ONCE: Final = 10_000


def collect(connection: duckdb.DuckDBPyConnection, loaded: LoadedFile, key: int, keys: str) -> None:
    """Fill the temporary table PRESENT with the keys of a loaded file, before any of its rows is rejected
    afterwards. ``key`` is the position of the key column, ``keys`` the query of the keys of all kept rows."""
    connection.execute(f"CREATE OR REPLACE TEMPORARY TABLE {PRESENT} AS SELECT key FROM ({keys})")
    rejected = _rejected_keys(loaded, key)
    while part := list(islice(rejected, _LINES_AT_ONCE)):
        connection.execute(f"INSERT INTO {PRESENT} SELECT * FROM {listed('VARCHAR')}", [as_list(part)])


def _rejected_keys(loaded: LoadedFile, key: int) -> Iterator[str | None]:
    """Iterate over what may be the keys of the rows that could not be read; None for a line that has none."""
    if not loaded.rejected.path.is_file():
        return
    with loaded.rejected.path.open("rb") as lines:
        if loaded.rejected.header:
            next(lines, None)
        for line in lines:
            text = line.decode("utf-8", "replace")
            if loaded.delimiter:
                found = keys_of_line(text, loaded.delimiter, key, len(loaded.names))
            else:
                found = keys_of_json(text, loaded.names[key])
            yield from found or [None]


def keys_of_line(line: str, delimiter: str, key: int, width: int) -> set[str]:
    """Return what may be the key in a line of delimited text that is no record of ``width`` fields. Where fields
    are missing or added, the key may be as far from the end as it should be."""
    fields = [_trimmed(field) for field in line.split(delimiter)]
    positions = {key, len(fields) - (width - key)}
    return {fields[at] for at in positions if 0 <= at < len(fields) and fields[at]}


def keys_of_json(line: str, name: str) -> set[str]:
    """Return the values of a name in a line that is no valid JSON."""
    spelled = re.escape(json.dumps(name, ensure_ascii=False))
    found = re.findall(rf'{spelled}\s*:\s*(?:"((?:[^"\\]|\\.)*)"|([^",}}\]\s]+))', line)
    return {key for text, bare in found if (key := _trimmed(text or bare))}


def _trimmed(field: str) -> str:
    return field.strip(BLANKS + '"').strip(BLANKS)
