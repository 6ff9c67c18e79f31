"""Keys of one and of several columns."""

from collections.abc import Sequence

import duckdb
import pytest

from segments.sources.keys import join_key, key_expression, same_columns


@pytest.mark.parametrize(
    ("parts", "key"),
    [
        (["a"], "a"),
        (["a|b\\"], "a|b\\"),
        (["a", "b"], "a|b"),
        (["a|b", "c"], "a\\|b|c"),
        (["a", "b|c"], "a|b\\|c"),
        (["a\\", "b"], "a\\\\|b"),
        (["a", "\\b"], "a|\\\\b"),
        (["", "b"], ""),
        (["it's", "ä", "3"], "it's|ä|3"),
    ],
)
def test_a_key_is_joined_in_python_and_in_sql(parts: Sequence[str], key: str) -> None:
    assert join_key(parts) == key
    columns = ", ".join(f"? AS t{at}" for at in range(len(parts)))
    row = duckdb.execute(f"SELECT {key_expression(range(len(parts)))} FROM (SELECT {columns})", parts).fetchone()
    assert row == (key or None,)


def test_different_parts_have_different_keys() -> None:
    signs = ["a", "|", "\\", "a|", "|a", "\\|", "|\\", "\\\\", "a\\|a"]
    keys = [join_key(parts) for first in signs for second in signs for parts in ([first, second],)]
    assert len(set(keys)) == len(signs) ** 2


@pytest.mark.parametrize(
    ("columns", "others", "expected"),
    [
        (["id"], ["ID"], True),
        (["shop", "id"], ["Id", "Shop"], True),
        (["shop", "id"], ["id"], False),
        (["a", "a"], ["a"], False),
    ],
)
def test_key_columns_are_the_same_in_any_order(columns: list[str], others: list[str], expected: bool) -> None:
    assert same_columns(columns, others) is expected
