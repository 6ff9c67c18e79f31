"""Join the key of a profile from one or several columns, without ambiguity."""

from collections.abc import Sequence
from typing import Final

from segments.sources.column_plan import ColumnPlan
from segments.sources.conversion import BLANKS, given_text
from segments.sources.files.regular_csv import literal

# Stands between the parts of a key of several columns; in a part it follows a backslash.
SEPARATOR: Final = "|"
_ESCAPE: Final = "\\"


def join_key(parts: Sequence[str]) -> str:
    """Return the key of these parts; empty when one is. A key of one column is its value."""
    if len(parts) == 1:
        return parts[0]
    if not all(parts):
        return ""
    return SEPARATOR.join(
        part.replace(_ESCAPE, _ESCAPE * 2).replace(SEPARATOR, _ESCAPE + SEPARATOR) for part in parts
    )


def key_expression(positions: Sequence[int], blanks: str = BLANKS) -> str:
    """Return the SQL of the key from the texts of the columns at these positions; NULL when one has none.
    ``blanks`` are those that texts may begin or end with."""
    texts = [given_text(f"t{at}", ColumnPlan("key"), blanks) for at in positions]
    if len(texts) == 1:
        return texts[0]
    escape, separator = literal(_ESCAPE), literal(SEPARATOR)
    parts = (
        f"replace(replace({text}, {escape}, {literal(_ESCAPE * 2)}), {separator}, {literal(_ESCAPE + SEPARATOR)})"
        for text in texts
    )
    return f" || {separator} || ".join(parts)


def same_columns(columns: Sequence[str], others: Sequence[str]) -> bool:
    """Say whether two lists have the same columns, in any order and case."""
    return sorted(map(str.casefold, columns)) == sorted(map(str.casefold, others))
