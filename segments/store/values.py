"""Find the values that profiles have for an attribute."""

from collections.abc import Sequence

from segments import catalog
from segments.store import lake
from segments.store.profiles import visible_profiles

# A text attribute with more values offers no list of them.
MAX_VALUES = 200


def common_values(names: Sequence[str]) -> dict[str, list[str]]:
    """Return the sorted different values of text attributes, from all profiles; an empty list for an attribute
    with more than MAX_VALUES."""
    known = {each.name: each.column for each in catalog.attributes()}
    found: dict[str, list[str]] = {name: [] for name in names}
    if not found:
        return found
    profiles = visible_profiles()
    with lake.reading() as reader:
        for name in found.keys() & known.keys():
            column = known[name]
            rows = reader.rows(
                f"SELECT DISTINCT {column} FROM {profiles} WHERE {column} IS NOT NULL LIMIT {MAX_VALUES + 1}"
            )
            values = sorted(value for (value,) in rows)
            found[name] = values if len(values) <= MAX_VALUES else []
    return found
