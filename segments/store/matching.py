"""Compile the rules of a segment to a query of the profiles that match them; count them, and show the first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import sqlglot
from django.utils import timezone
from sqlglot import exp

from config.platform.jobs import clock
from segments import catalog
from segments.models import Segment
from segments.rules import tree as rule_trees
from segments.rules.compile import ColumnRef, CompileContext, combine, compile_rules, to_sql
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
    rule_trees.check(rules, catalog.types_by_name())
    parts = _Parts.of(rules)
    conditions = _conditions(list(parts.conditions.values()))
    evaluated = ", ".join(["id", *(f"{sql} AS c{number}" for number, sql in enumerate(conditions))])
    total = to_sql(parts.total, "duckdb")
    counted = [total, *(to_sql(part, "duckdb") for part in parts.by_path.values())]
    results = [f"count_if({condition})" for condition in counted]
    if first:
        results.append(f"min(CASE WHEN {total} THEN id END, {first:d})")
    with lake.reading() as reader:
        row = reader.row(f"SELECT {', '.join(results)} FROM (SELECT {evaluated} FROM {visible_profiles()})")
    numbers = row[1 : len(counted)]
    ids = row[-1] or [] if first else []
    return RuleCounts(row[0], dict(zip(parts.by_path, numbers, strict=True)), profiles_by_id(ids))


def find_matching(reader: lake.Reader, rules: Tree) -> None:
    """Fill the temporary table MATCHING with the IDs of the profiles that match rules. Raises InvalidRules."""
    reader.execute(f"CREATE OR REPLACE TEMPORARY TABLE {MATCHING} AS {matching_sql(rules)}")


@dataclass(frozen=True)
class _Parts:
    """The parts of rules that are counted alone. ``conditions`` are evaluated as columns ``c0``, ``c1`` …; the
    conditions of ``by_path`` and ``total`` are over these columns."""

    conditions: dict[Path, Tree]
    by_path: dict[Path, exp.Expression]
    total: exp.Expression

    @classmethod
    def of(cls, rules: Tree) -> "_Parts":
        conditions: dict[Path, Tree] = {}
        by_path: dict[Path, exp.Expression] = {}

        def add(group: Tree, path: Path) -> exp.Expression | None:
            parts: list[exp.Expression | None] = []
            for number, rule in enumerate(rule_trees.rules_of(group)):
                here = (*path, number)
                if "rules" in rule:
                    parts.append(add(rule, here))
                else:
                    parts.append(exp.column(f"c{len(conditions)}", quoted=True))
                    conditions[here] = {"join": "and", "rules": [rule]}
                if (part := parts[-1]) is not None:
                    by_path[here] = part.copy()
            return combine(group, parts)

        return cls(conditions, by_path, add(rules, ()) or exp.true())


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
