"""Build unified profiles in SQL: each attribute has the value of one of the profiles, by the preferences of the
identity rules."""

from collections.abc import Sequence

from segments.catalog import Attribute
from segments.models import ValuePreference
from segments.store.unified.rules import UnifyRules

# More than a unified profile has profiles: an original text without a value comes after all values.
_LAST = 1 << 40
_PLACES = {ValuePreference.SOURCE_ORDER: "by_order", ValuePreference.MOST_RECENT: "by_time"}


def unified_rows(rules: UnifyRules, attributes: Sequence[Attribute], grouped: str) -> str:
    """Return a query of unified profiles with the columns of profiles. ``grouped`` is a query of profiles in
    parentheses that have ``unified_id`` as well. The key and the data source are those of the profile whose data
    source comes first."""
    columns = [
        "unified_id AS id",
        "arg_min(source_id, by_order) AS source_id",
        "arg_min(key, by_order) AS key",
        "min(created_at) AS created_at",
        "max(updated_at) AS updated_at",
        *(column for each in attributes for column in _columns(each, rules)),
    ]
    return f"SELECT {', '.join(columns)} FROM {_ranked(rules, attributes, grouped)} GROUP BY unified_id"


def value_origins(rules: UnifyRules, attributes: Sequence[Attribute], grouped: str) -> str:
    """Return a query of the IDs of the profiles that the values of unified profiles are of: the column ``id``, and
    one for each attribute, by its column; NULL without a value."""
    columns = [f"arg_min(CASE WHEN {_has(each)} THEN id END, {_place(each, rules)})" for each in attributes]
    named = [f"{column} AS {each.column}" for column, each in zip(columns, attributes, strict=True)]
    ranked = _ranked(rules, attributes, grouped)
    return f"SELECT {', '.join(['unified_id AS id', *named])} FROM {ranked} GROUP BY unified_id"


def _ranked(rules: UnifyRules, attributes: Sequence[Attribute], grouped: str) -> str:
    """Return profiles with their places by the order of data sources and, if an attribute needs it, by time."""
    ranks = " ".join(f"WHEN {int(pk)} THEN {place}" for place, pk in enumerate(rules.source_order))
    rank = f"CASE source_id {ranks} ELSE {len(rules.source_order)} END" if ranks else "0"
    within = "row_number() OVER (PARTITION BY unified_id ORDER BY"
    places = [f"{within} rank, updated_at DESC, id) AS by_order"]
    if any(rules.preference_of(each) == ValuePreference.MOST_RECENT for each in attributes):
        places.append(f"{within} updated_at DESC, rank, id) AS by_time")
    return f"(SELECT *, {', '.join(places)} FROM (SELECT *, {rank} AS rank FROM {grouped}))"


def _columns(attribute: Attribute, rules: UnifyRules) -> list[str]:
    value, place = attribute.column, _place(attribute, rules)
    columns = [f"arg_min({value}, {place}) AS {value}"]  # which passes over NULL
    if attribute.has_emails:
        email = attribute.email_column
        columns.append(f"arg_min_null({email}, {place}) FILTER ({value} IS NOT NULL) AS {email}")
    if attribute.has_originals:
        text = attribute.text_column
        columns.append(f"arg_min_null({text}, {place}) FILTER ({_has(attribute)}) AS {text}")
    return columns


def _has(attribute: Attribute) -> str:
    has_text = f" OR {attribute.text_column} IS NOT NULL" if attribute.has_originals else ""
    return f"({attribute.column} IS NOT NULL{has_text})"


def _place(attribute: Attribute, rules: UnifyRules) -> str:
    """Return the place of the profile for an attribute. A text that could not be converted gives way to values."""
    place = _PLACES[rules.preference_of(attribute)]
    if not attribute.has_originals:
        return place
    return f"{place} + CASE WHEN {attribute.column} IS NULL THEN {_LAST:d} ELSE 0 END"
