"""The keys of rows that could not be read: their profiles are not missing in the file."""

from pathlib import Path

import duckdb
import pytest

from segments.sources import present_keys
from segments.sources.files.detect import detect
from segments.sources.files.file_format import FileFormat
from segments.sources.files.read import load
from segments.sources.keys import key_expression
from segments.store.leaving import PRESENT


@pytest.mark.parametrize(
    ("line", "keys", "found"),
    [
        ("3,too,many,values", [0], {"3", "too"}),
        ("2,too few", [0], {"2"}),
        ("Smith, Jane,7,x", [1], {"Jane", "7"}),  # a comma before the key, or after it
        (' " 4\u00a0" ,x', [0], {"4"}),
        (",4,x,y", [0], {"4"}),
        (",no key", [0], set()),
        ("x", [2], {"x"}),
        ("", [0], set()),
        ("7,FI,x,y", [0, 1], {"7|FI", "FI|x"}),
        ("7,,x,y", [0, 1], set()),
        ("x,7", [1, 2], {"x|7"}),
    ],
)
def test_a_key_is_found_in_a_line_that_is_no_record(line: str, keys: list[int], found: set[str]) -> None:
    assert present_keys.keys_of_line(line, ",", keys, 3) == found


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ('{"id": "7", "name": ', {"7"}),
        ('{"name": "a" "id" : 8}', {"8"}),
        ('{"id": "M\\u00fcller \\"7\\"", "name": ', {'Müller "7'}),
        ('{"id": "a\\x", "name": ', {"a\\x"}),
        ('{"id": "', set()),
        ("nothing", set()),
    ],
)
def test_a_key_is_found_in_json_that_is_not_valid(line: str, found: set[str]) -> None:
    assert present_keys.keys_of_json(line, ["id"]) == found


def test_a_key_of_several_columns_is_found_in_json_that_is_not_valid() -> None:
    assert present_keys.keys_of_json('{"id": 7, "land": "FI", ', ["land", "id"]) == {"FI|7"}
    assert present_keys.keys_of_json('{"id": 7, ', ["land", "id"]) == set()


@pytest.mark.parametrize(
    ("name", "content", "keys"),
    [
        ("a.csv", "id,name\n 1 ,a\n2\n3,b,c\n,no key\n1,again\n", ["1", "1", "2", "3", "b", None]),
        ("a.csv", "name;id\na;1\nb;2\n", ["1", "2"]),
        ("a.csv", 'id,name\n1,a\n2,"open\n', ["1", "2"]),
        ("a.jsonl", '{"id": 1}\n{"id": "2", oops}\n{"name": "x"}\n', ["1", "2", None]),
        ("a.jsonl", '{"id": 1}\n{"id": "\\u0000"}\n{"id": "\\ud800"}\n', ["1", "\ufffd", "\ufffd", None, None]),
    ],
)
def test_all_keys_of_a_file_are_collected(tmp_path: Path, name: str, content: str, keys: list[str | None]) -> None:
    path = tmp_path / name
    path.write_text(content)
    with duckdb.connect(":memory:") as connection:
        loaded = load(path, detect(path, name=name), connection, "loaded", folder=tmp_path)
        key = loaded.names.index("id")
        present_keys.collect(connection, loaded, [key], f"SELECT {key_expression([key])} AS key FROM loaded")
        found = connection.execute(f"SELECT key FROM {PRESENT} ORDER BY key NULLS LAST").fetchall()
    assert [key for (key,) in found] == keys


def test_a_key_with_bytes_that_are_no_text_is_not_readable(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"id,name\n1,a\n\xe4,b\n")
    with duckdb.connect(":memory:") as connection:
        loaded = load(path, FileFormat(), connection, "loaded", folder=tmp_path)
        present_keys.collect(connection, loaded, [0], f"SELECT {key_expression([0])} AS key FROM loaded")
        found = connection.execute(f"SELECT count(*) FROM {PRESENT} WHERE key IS NULL").fetchone()
    assert found == (1,)
