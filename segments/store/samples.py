"""Read samples of values as profiles have them and as they are sent to a list."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from config.platform.text.value_format import MappedValue
from segments import catalog
from segments.store import lake
from segments.store.formatting import formatted_sql, given_sql
from segments.store.lake import as_list, listed
from segments.store.profiles import visible_profiles

_SAMPLED_PROFILES = 1000


@dataclass(frozen=True)
class Sample:
    """A value as a profile has it, empty without one, and as it is sent."""

    given: str
    sent: str


def read_given(ids: Collection[int], values: Sequence[MappedValue]) -> dict[int, list[str]]:
    """Return the values of these profiles as they are, by the ID of the profile; an empty text for each that is
    missing."""
    if not ids or not values:
        return {}
    known = {each.name: each for each in catalog.attributes()}
    columns = ", ".join(["id", *(given_sql(value, known) for value in values)])
    with lake.reading() as reader:
        rows = reader.rows(
            f"SELECT {columns} FROM {visible_profiles()} WHERE id IN {listed('BIGINT')}", [as_list(ids)]
        )
    return {pk: [text or "" for text in texts] for pk, *texts in rows}


def read_samples(values: Sequence[MappedValue], *, most: int) -> list[list[Sample]]:
    """Return for each of these values up to ``most`` different samples of the first profiles; those without a
    value only where the format has a default."""
    if not values:
        return []
    known = {each.name: each for each in catalog.attributes()}
    columns = ", ".join(f"{given_sql(value, known)}, {formatted_sql(value, known)}" for value in values)
    with lake.reading() as reader:
        rows = reader.rows(
            f"SELECT {columns} FROM (SELECT * FROM {visible_profiles()} LIMIT {_SAMPLED_PROFILES:d})"
        )
    samples: list[dict[Sample, None]] = [{} for _value in values]
    for row in rows:
        for found, given, sent in zip(samples, row[::2], row[1::2], strict=True):
            if sent is not None and len(found) < most:
                found[Sample(given or "", sent)] = None
    return [list(found) for found in samples]
