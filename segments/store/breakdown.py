"""Count the members of a set by the values of an attribute."""

from collections.abc import Sequence
from dataclasses import dataclass

from segments.catalog import Attribute
from segments.models import AttributeType
from segments.store import lake
from segments.store.lake import Reader
from segments.store.members import members_sql
from segments.store.profiles import visible_profiles

MOST_VALUES = 10
_RANGES = 8


@dataclass(frozen=True)
class Share:
    """Members with a value: a text, yes or no, a year, or the bounds of a range of numbers."""

    value: str | bool | int | tuple[float, float]
    members: int


@dataclass(frozen=True)
class Breakdown:
    """The members of a set by the values of an attribute. ``others`` have other values than those of ``shares``;
    with lists, a member counts for each item."""

    shares: Sequence[Share]
    others: int
    without_value: int


def count_by(set_id: int, attribute: Attribute) -> Breakdown:
    """Count the members of a set by the values of an attribute."""
    members = (
        f"(SELECT {attribute.column} AS value FROM {visible_profiles()} WHERE id IN ({members_sql([set_id])}))"
    )
    with lake.reading() as reader:
        total, filled = reader.row(f"SELECT count(*), count(value) FROM {members}")
        counted = filled
        match attribute.data_type:
            case AttributeType.NUMBER | AttributeType.INTEGER:
                shares = _by_range(reader, members)
            case AttributeType.DATE | AttributeType.DATETIME:
                shares = _by_year(reader, members)
            case AttributeType.LIST:
                items = f"(SELECT unnest(value) AS value FROM {members})"
                shares = _by_value(reader, items)
                counted = reader.row(f"SELECT count(value) FROM {items}")[0]
            case _:
                shares = _by_value(reader, members)
    return Breakdown(shares, counted - sum(each.members for each in shares), total - filled)


def _by_value(reader: Reader, members: str) -> list[Share]:
    rows = reader.rows(
        f"SELECT value, count(*) FROM {members} WHERE value IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1"
        f" LIMIT {MOST_VALUES:d}"
    )
    return [Share(*row) for row in rows]


def _by_year(reader: Reader, members: str) -> list[Share]:
    """Count by year, the latest years first."""
    rows = reader.rows(
        f"SELECT year(value), count(*) FROM {members} WHERE value IS NOT NULL GROUP BY 1 ORDER BY 1 DESC"
        f" LIMIT {MOST_VALUES:d}"
    )
    return [Share(*row) for row in rows]


def _by_range(reader: Reader, members: str) -> list[Share]:
    """Count by ranges of equal width between the lowest and the highest number."""
    low, high = reader.row(f"SELECT CAST(min(value) AS DOUBLE), CAST(max(value) AS DOUBLE) FROM {members}")
    if low is None:
        return []
    width = (high - low) / _RANGES
    place = f"least({_RANGES - 1:d}, CAST(floor((value - $low) / $width) AS INTEGER))" if width else "0"
    rows = reader.rows(
        f"SELECT {place} AS place, count(*) FROM {members} WHERE value IS NOT NULL GROUP BY 1 ORDER BY 1",
        {"low": low, "width": width} if width else {},
    )
    return [Share((low + place * width, low + (place + 1) * width), count) for place, count in rows]
