"""Plan the columns of a query by the types of the database, which need no guess."""

from collections.abc import Sequence
from typing import Final

from config.platform.text.addresses import comparable_email
from segments.sources.column_plan import ColumnFormat, ColumnPlan, ColumnType
from segments.sources.import_plan import MAX_NAME_LENGTH

_ALMOST_ALL: Final = 0.8
# By what the reader says of the texts of a column; “number 2” has two decimals.
_TYPES: Final = {
    "integer": ColumnType.INTEGER,
    "number": ColumnType.NUMBER,
    "boolean": ColumnType.BOOLEAN,
    "date": ColumnType.DATE,
    "datetime": ColumnType.DATETIME,
    "moment": ColumnType.DATETIME,
    "list": ColumnType.LIST,
    "text": ColumnType.TEXT,
    "binary": ColumnType.TEXT,
}


def plan_columns(
    names: Sequence[str], kinds: Sequence[str], first_rows: Sequence[Sequence[str | None]]
) -> list[ColumnPlan]:
    """Return one plan for each column. Texts that are addresses in the first rows are emails; columns of bytes are
    not imported."""
    plans = []
    for position, (name, kind) in enumerate(zip(names, kinds, strict=True)):
        word, _blank, decimals = kind.partition(" ")
        spelling = ColumnFormat(
            decimals=int(decimals) if decimals else None, time_zone="UTC" if word == "moment" else ""
        )
        is_text = word == "text"
        is_email = is_text and _are_addresses([row[position] for row in first_rows])
        plans.append(
            ColumnPlan(
                name,
                attribute=name[:MAX_NAME_LENGTH],
                type=_TYPES[word],
                format=spelling,
                is_email=is_email,
                is_ignored=word == "binary",
            )
        )
    return plans


def as_key(plan: ColumnPlan) -> ColumnPlan:
    """Return the plan of a key column: keys are texts."""
    return ColumnPlan(
        plan.column, attribute=plan.attribute, is_email=plan.is_email, is_searchable=plan.is_searchable
    )


def _are_addresses(values: Sequence[str | None]) -> bool:
    filled = [value for value in values if value]
    addresses = sum(1 for value in filled if comparable_email(value) is not None)
    return bool(filled) and addresses >= _ALMOST_ALL * len(filled)
