"""Find the values that profiles have for an attribute, with the number of profiles that have each."""

from collections.abc import Mapping, Sequence

from segments import catalog
from segments.catalog import ValueCount
from segments.models import AttributeType
from segments.store import lake
from segments.store.profiles import visible_profiles

# A text attribute with more values offers no list of them.
MAX_VALUES = 200


def common_values(names: Sequence[str]) -> dict[str, list[str]]:
    """Return the sorted different values of text attributes, from all profiles; an empty list for an attribute
    with more than MAX_VALUES."""
    return {name: sorted(each.value for each in found) for name, found in value_counts(names).items()}


def value_counts(names: Sequence[str]) -> Mapping[str, list[ValueCount]]:
    """Return the different values of text attributes, from all profiles, the most frequent first; an empty list
    for an attribute with more than MAX_VALUES."""
    known = {each.name: each.column for each in catalog.attributes()} if names else {}
    found: dict[str, list[ValueCount]] = {name: [] for name in names}
    if not found:
        return found
    profiles = visible_profiles()
    with lake.reading() as reader:
        for name in found.keys() & known.keys():
            values = _counted(reader, f"SELECT {known[name]} AS value FROM {profiles}", {}, MAX_VALUES + 1)
            found[name] = values if len(values) <= MAX_VALUES else []
    return found


def find_values(name: str, text: str, *, limit: int) -> list[ValueCount]:
    """Return the values of a text attribute that contain a text in any case, the most frequent first."""
    attribute = catalog.find([name]).get(name)
    if attribute is None or attribute.data_type != AttributeType.TEXT:
        return []
    query = (
        f"SELECT {attribute.column} AS value FROM {visible_profiles()}"
        f" WHERE contains(lower({attribute.column}), lower($text))"
    )
    with lake.reading() as reader:
        return _counted(reader, query, {"text": text}, limit)


def _counted(reader: lake.Reader, values: str, parameters: Mapping[str, object], limit: int) -> list[ValueCount]:
    """Count the values of a query with the column ``value``, the most frequent first."""
    rows = reader.rows(
        f"SELECT value, count(*) FROM ({values}) WHERE value IS NOT NULL"
        f" GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {limit:d}",
        parameters,
    )
    return [ValueCount(value, profiles) for value, profiles in rows]
