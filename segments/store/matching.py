"""Compile the rules of a segment to a query of the profiles that match them; count them, and show the first."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import sqlglot
from django.utils import timezone
from sqlglot import exp

from config.platform.jobs import clock
from segments import catalog
from segments.models import Segment
from segments.rules import tree as rule_trees
from segments.rules.compile import ColumnRef, CompileContext, compile_rules, to_sql
from segments.rules.tree import Path, Tree
from segments.store import lake
from segments.store.members import MATCHING, members_sql
from segments.store.profiles import Profile, profiles_by_id, visible_profiles


@dataclass(frozen=True)
class RuleCounts:
    """How many profiles match rules, and each condition and group alone, by its path. ``first`` are the first
    profiles that match all."""

    total: int
    by_path: Mapping[Path, int]
    first: Sequence[Profile] = ()


def matching_sql(rules: Tree) -> str:
    """Return a query of the IDs of the profiles that match rules, with the column ``id``. Raises InvalidRules."""
    return f"SELECT id FROM {visible_profiles()} WHERE {_conditions([rules])[0]}"


def count_rules(rules: Tree, *, first: int = 0) -> RuleCounts:
    """Count the profiles that match rules, and each condition and group alone, in one scan; find the ``first``
    profiles that match all. Raises InvalidRules."""
    parts = dict(_parts(rules, ()))
    total, *conditions = _conditions([rules, *parts.values()])
    counts = ", ".join(f"count_if({condition})" for condition in (total, *conditions))
    profiles = visible_profiles()
    with lake.reading() as reader:
        numbers = reader.row(f"SELECT {counts} FROM {profiles}")
        ids = reader.rows(f"SELECT id FROM {profiles} WHERE {total} ORDER BY id LIMIT {first:d}") if first else []
    return RuleCounts(
        numbers[0], dict(zip(parts, numbers[1:], strict=True)), profiles_by_id([pk for (pk,) in ids])
    )


def find_matching(reader: lake.Reader, rules: Tree) -> None:
    """Fill the temporary table MATCHING with the IDs of the profiles that match rules. Raises InvalidRules."""
    reader.execute(f"CREATE OR REPLACE TEMPORARY TABLE {MATCHING} AS {matching_sql(rules)}")


def _parts(rules: Tree, path: Path) -> Iterator[tuple[Path, Tree]]:
    """Yield each condition and each group with conditions inside rules, as rules of its own."""
    for number, rule in enumerate(rule_trees.rules_of(rules)):
        here = (*path, number)
        if "rules" not in rule:
            yield here, {"join": "and", "rules": [rule]}
        elif any(rule_trees.conditions(rule)):
            yield here, rule
            yield from _parts(rule, here)


def _conditions(trees: Sequence[Tree]) -> list[str]:
    """Compile rules to conditions in SQL of DuckDB. Raises InvalidRules."""
    columns = {each.name: ColumnRef(each.column, each.data_type) for each in catalog.attributes()}
    zone = timezone.get_default_timezone()
    assert isinstance(zone, ZoneInfo)  # noqa: S101 - the setting TIME_ZONE is the name of a zone
    context = CompileContext(moment=clock.now(), zone=zone, member_of=_members_of)
    return [to_sql(compile_rules(tree, columns, context), "duckdb") for tree in trees]


def _members_of(segment_id: int) -> exp.Expression:
    set_id = Segment.objects.filter(pk=segment_id).values_list("member_set", flat=True).first()
    query = sqlglot.parse_one(members_sql([set_id] if set_id else []), dialect="duckdb")
    assert isinstance(query, exp.Expression)  # noqa: S101
    return query
