"""Unify profiles by identity rules, and compare what is stored with what the rules say."""

from collections.abc import Sequence
from typing import Any

from segments import catalog
from segments.models import DataSource, IdentityRules, NormalForm, ValuePreference
from segments.store import lake
from segments.store.columns import IDENTITY, UNIFIED
from segments.store.lake import Reader
from segments.store.profiles import source_profiles, unify_again
from segments.store.unified.groups import GROUPS, count_groups, drop
from segments.store.unified.rows import unified_rows
from segments.store.unified.rules import newest_rules


def set_rules(
    identifiers: dict[str, NormalForm],
    *,
    order: Sequence[DataSource] = (),
    preference: ValuePreference = ValuePreference.SOURCE_ORDER,
    exceptions: Sequence[str] = (),
) -> None:
    """Store identity rules as applied, and unify the profiles by them."""
    known = {each.name: each.id for each in catalog.attributes()}
    IdentityRules.objects.update_or_create(
        pk=1,
        defaults={
            "identifiers": [{"attribute": known[name], "form": form} for name, form in identifiers.items()],
            "source_order": [each.pk for each in order],
            "preference": preference,
            "exceptions": [known[name] for name in exceptions],
            "is_in_use": True,
            "version": 1,
            "applied_version": 1,
        },
    )
    with lake.writing("test") as writer:
        unify_again(writer)
    IdentityRules.objects.update(is_applied=True)


def unified_differs() -> dict[str, Any]:
    """Return how the unified profiles in the store differ from those that the rules find now; empty when they do
    not."""
    rules = newest_rules()
    assert rules is not None
    with lake.reading() as reader:
        count_groups(reader, rules, source_profiles())
        grouped = (
            f"(SELECT profile.*, unified_id FROM {source_profiles()} AS profile JOIN {GROUPS} ON profile_id = id)"
        )
        attributes = catalog.attributes()
        columns = ", ".join(_columns(reader, unified_rows(rules, attributes, grouped)))
        customers = (
            f"SELECT {columns} FROM ({unified_rows(rules, attributes, grouped)}) UNION ALL"
            f" SELECT {columns} FROM {source_profiles()} WHERE id NOT IN (SELECT profile_id FROM {GROUPS})"
        )
        differences = {
            "identity": _difference(
                reader,
                f"SELECT profile_id, unified_id FROM {IDENTITY}",
                f"SELECT profile_id, unified_id FROM {GROUPS}",
            ),
            "unified": _difference(reader, f"SELECT {columns} FROM {UNIFIED}", customers),
        }
        drop(reader, GROUPS)
    return {name: rows for name, rows in differences.items() if rows}


def unified_ids() -> dict[int, int]:
    """Return the unified profile of each profile that is part of one."""
    with lake.reading() as reader:
        return dict(reader.rows(f"SELECT profile_id, unified_id FROM {IDENTITY}"))


def _columns(reader: Reader, query: str) -> list[str]:
    reader.execute(f"SELECT * FROM ({query}) LIMIT 0")
    return [each[0] for each in reader.connection.description or ()]


def _difference(reader: Reader, one: str, other: str) -> list[Any]:
    return [
        *reader.rows(f"(SELECT * FROM ({one})) EXCEPT ALL (SELECT * FROM ({other}))"),
        *reader.rows(f"(SELECT * FROM ({other})) EXCEPT ALL (SELECT * FROM ({one}))"),
    ]
