"""Explain a unified profile: which profiles it is made of, why they are one customer, and where its values are
from."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from segments import catalog
from segments.store import profiles
from segments.store.columns import PROFILES
from segments.store.lake import Reader, as_list, listed, reading
from segments.store.profiles import Profile
from segments.store.unified.rows import value_origins
from segments.store.unified.rules import MOST_SHARED, Identifier, UnifyRules, newest_rules


@dataclass(frozen=True)
class Link:
    """An identifying attribute whose value a profile shares with another profile of the customer."""

    attribute: str
    other: Profile


@dataclass(frozen=True)
class Part:
    """A profile of a data source that is part of a unified profile. ``link`` says why; None for the first one, and
    when the rules were saved and not applied yet."""

    profile: Profile
    link: Link | None


@dataclass(frozen=True)
class Explanation:
    """The parts of a unified profile, and the profile that each value is of, by the name of the attribute."""

    parts: Sequence[Part]
    origins: Mapping[str, Profile]


def explain(customer_id: int) -> Explanation | None:
    """Explain the unified profile with an ID; None when it is not made of several profiles."""
    rules = newest_rules()
    parts = profiles.source_profiles_of([customer_id]) if rules is not None else []
    if rules is None or len(parts) < 2:
        return None
    by_id = {each.id: each for each in parts}
    with reading() as reader:
        shared = _shared_values(reader, rules, list(by_id))
        origins = _origins(reader, rules, customer_id, by_id)
    return Explanation(_linked(parts, shared), origins)


def _linked(parts: Sequence[Profile], shared: Sequence[tuple[str, Sequence[int]]]) -> list[Part]:
    """Put the parts in an order in which each shares a value with one before it."""
    by_id = {each.id: each for each in parts}
    found = [Part(parts[0], None)]
    seen = {parts[0].id: 0}
    place = 0
    while place < len(found):
        here = found[place].profile
        for attribute, ids in shared:
            if here.id not in ids:
                continue
            for pk in sorted(set(ids) - seen.keys()):
                seen[pk] = len(found)
                found.append(Part(by_id[pk], Link(attribute, here)))
        place += 1
    return [*found, *(Part(each, None) for each in parts if each.id not in seen)]


def _shared_values(reader: Reader, rules: UnifyRules, ids: Sequence[int]) -> list[tuple[str, Sequence[int]]]:
    """Return the profiles that share each value that identifies, with the name of the attribute."""
    found: list[tuple[str, Sequence[int]]] = []
    for identifier in rules.identifiers:
        by_value: defaultdict[str, list[int]] = defaultdict(list)
        mine = f"(SELECT * FROM {PROFILES} WHERE id IN {listed('BIGINT')})"
        for pk, value in reader.rows(identifier.values(mine), [as_list(ids)]):
            by_value[value].append(pk)
        by_value = defaultdict(list, {value: pks for value, pks in by_value.items() if len(pks) > 1})
        ignored = _ignored(reader, identifier, list(by_value))
        found += [(identifier.attribute.name, pks) for value, pks in by_value.items() if value not in ignored]
    return found


def _ignored(reader: Reader, identifier: Identifier, values: Sequence[str]) -> set[str]:
    """Return which of these values too many profiles share."""
    if not values:
        return set()
    rows = reader.rows(
        f"SELECT value FROM ({identifier.values(profiles.source_profiles())}) WHERE value IN {listed('VARCHAR')}"
        f" GROUP BY value HAVING count(*) > {MOST_SHARED:d}",
        [as_list(values)],
    )
    return {value for (value,) in rows}


def _origins(
    reader: Reader, rules: UnifyRules, customer_id: int, parts: Mapping[int, Profile]
) -> dict[str, Profile]:
    attributes = catalog.attributes()
    if not attributes:
        return {}
    grouped = f"(SELECT *, {int(customer_id)} AS unified_id FROM {PROFILES} WHERE id IN {listed('BIGINT')})"
    _pk, *ids = reader.row(value_origins(rules, attributes, grouped), [as_list(parts)])
    return {each.name: parts[pk] for each, pk in zip(attributes, ids, strict=True) if pk is not None}
