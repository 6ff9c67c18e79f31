"""Collect the keys in a file, those of rejected rows too: a row that cannot be imported is not a missing row."""

import json
import re
from collections.abc import Iterator, Sequence
from itertools import islice, product
from typing import Final

import duckdb

from segments.sources.conversion import BLANKS
from segments.sources.files.csv_records import is_storable
from segments.sources.files.read import LoadedFile
from segments.sources.keys import join_key
from segments.store.lake import as_list, listed
from segments.store.leaving import PRESENT

_LINES_AT_ONCE: Final = 10_000
_NOT_TEXT: Final = "\ufffd"  # stands for bytes that are no text


def collect(connection: duckdb.DuckDBPyConnection, loaded: LoadedFile, keys: Sequence[int], query: str) -> None:
    """Fill the temporary table PRESENT with the keys of a loaded file, before any of its rows is rejected
    afterwards. ``keys`` are the positions of the key columns, ``query`` gives the keys of all kept rows."""
    connection.execute(f"CREATE OR REPLACE TEMPORARY TABLE {PRESENT} AS SELECT key FROM ({query})")
    rejected = _rejected_keys(loaded, keys)
    while part := list(islice(rejected, _LINES_AT_ONCE)):
        connection.execute(f"INSERT INTO {PRESENT} SELECT * FROM {listed('VARCHAR')}", [as_list(part)])


def _rejected_keys(loaded: LoadedFile, keys: Sequence[int]) -> Iterator[str | None]:
    """Iterate over what may be the keys of the rows that could not be read; None for a line that has none."""
    if not loaded.rejected.path.is_file():
        return
    with loaded.rejected.path.open("rb") as lines:
        if loaded.rejected.header:
            next(lines, None)
        for line in lines:
            text = line.decode("utf-8", "replace")
            if loaded.delimiter:
                found = keys_of_line(text, loaded.delimiter, keys, len(loaded.names))
            else:
                found = keys_of_json(text, [loaded.names[at] for at in keys])
            yield from found
            if not found or any(_NOT_TEXT in key for key in found):
                yield None


def keys_of_line(line: str, delimiter: str, keys: Sequence[int], width: int) -> set[str]:
    """Return what may be the key in a line of delimited text that is no record of ``width`` fields. Where fields
    are missing or added, the key may be as far from the end as it should be."""
    fields = [_trimmed(field) for field in line.split(delimiter)]
    found = set()
    for shift in (0, len(fields) - width):
        positions = [at + shift for at in keys]
        if all(0 <= at < len(fields) for at in positions):
            found.add(join_key([fields[at] for at in positions]))
    return found - {""}


def keys_of_json(line: str, names: Sequence[str]) -> set[str]:
    """Return what may be the keys in a line that is no valid JSON, by the names of the key columns."""
    return {key for parts in product(*(_values_in(line, name) for name in names)) if (key := join_key(parts))}


def _values_in(line: str, name: str) -> set[str]:
    spelled = re.escape(json.dumps(name, ensure_ascii=False))
    found = re.findall(rf'{spelled}\s*:\s*(?:"((?:[^"\\]|\\.)*)"|([^",}}\]\s]+))', line)
    return {_trimmed(_unescaped(text) or bare) for text, bare in found}


def _unescaped(text: str) -> str:
    """Return a text that stands between quotation marks in JSON, without escapes if they are valid."""
    try:
        found = str(json.loads(f'"{text}"', strict=False))
    except ValueError:
        return text
    return found if is_storable(found) else _NOT_TEXT


def _trimmed(field: str) -> str:
    return field.strip(BLANKS + '"').strip(BLANKS)
