"""Count how many profiles have a value of each attribute, and give samples of the values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from segments.catalog import Attribute
from segments.store import lake
from segments.store.profiles import visible_profiles

_SAMPLED_PROFILES = 1_000
SAMPLES = 3


@dataclass(frozen=True)
class Fill:
    """How many profiles have a value of an attribute, and some of the values."""

    profiles: int
    samples: Sequence[object]


def count_filled(attributes: Sequence[Attribute]) -> tuple[int, Mapping[int, Fill]]:
    """Return how many profiles there are, and the fill of each attribute by its ID: all of them are counted, the
    samples are of the first ones."""
    if not attributes:
        return 0, {}
    profiles = visible_profiles()
    counts = ", ".join(f"count({each.column})" for each in attributes)
    samples = ", ".join(
        f"list_slice(list_sort(list(DISTINCT {name}) FILTER (WHERE {name} IS NOT NULL)), 1, {SAMPLES:d})"
        for name in (each.column for each in attributes)
    )
    with lake.reading() as reader:
        total, *filled = reader.row(f"SELECT count(*), {counts} FROM {profiles}")
        found = reader.row(f"SELECT {samples} FROM (SELECT * FROM {profiles} LIMIT {_SAMPLED_PROFILES:d})")
    rows = zip(attributes, filled, found, strict=True)
    return total, {each.id: Fill(count, tuple(values or ())) for each, count, values in rows}
