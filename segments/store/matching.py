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
from segments.store.assumed import is_assumed
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
    conditions = Conditions()
    return f"SELECT id FROM {visible_profiles()} WHERE {conditions.compile(rules)}"


def count_rules(rules: Tree, *, first: int = 0) -> RuleCounts:
    """Count the profiles that match rules, and each condition and group alone, in one scan; find the ``first``
    profiles that match all. Raises InvalidRules."""
    rule_trees.check(rules, catalog.types_by_name())
    conditions, by_path = Conditions(), dict[Path, str]()
    total = conditions.add(rules, by_path)
    results = [f"coalesce(count_if({condition}), 0)" for condition in (total, *by_path.values())]
    if first:
        results.append(f"min(CASE WHEN {total} THEN id END, {first:d})")
    with lake.reading() as reader:
        row = reader.row(f"SELECT {', '.join(results)} FROM ({conditions.query()})")
    counts = dict(zip(by_path, row[1 : len(by_path) + 1], strict=True))
    return RuleCounts(row[0], counts, profiles_by_id((row[-1] or []) if first else []))


def find_matching(reader: lake.Reader, conditions: "Conditions", rules: Sequence[str]) -> None:
    """Fill the temporary table MATCHING with profiles and the rules that each matches, in one scan: the bits of
    ``bits``, from the lowest, are the rules in their order. ``rules`` are results of ``conditions.add``."""
    if len(rules) == 1:
        found = f"SELECT id, 1::BIGINT AS bits FROM ({conditions.query()}) WHERE {rules[0]}"
    else:
        bits = " | ".join(f"CASE WHEN {sql} THEN {1 << bit} ELSE 0 END" for bit, sql in enumerate(rules))
        found = f"SELECT id, ({bits})::BIGINT AS bits FROM ({conditions.query()})"
    reader.execute(f"CREATE OR REPLACE TEMPORARY TABLE {MATCHING} AS {found}")


class Conditions:
    """The conditions of rules in SQL of DuckDB, all for the same moment. Rules that are evaluated in one scan
    share the columns of their conditions."""

    def __init__(self) -> None:
        zone = timezone.get_default_timezone()
        assert isinstance(zone, ZoneInfo)  # noqa: S101 - the setting TIME_ZONE is the name of a zone
        self._attributes = {each.name: ColumnRef(each.column, each.data_type) for each in catalog.attributes()}
        self._context = CompileContext(moment=clock.now(), zone=zone, member_of=_members_of)
        self._columns: dict[str, str] = {}

    def compile(self, rules: Tree) -> str:
        """Return the condition that rules are, over the columns of profiles. Raises InvalidRules."""
        return to_sql(compile_rules(rules, self._attributes, self._context), "duckdb")

    def add(self, rules: Tree, by_path: dict[Path, str] | None = None) -> str:
        """Return the condition that rules are, over the columns of ``query``. ``by_path`` gets those of each
        condition and group by its path. Raises InvalidRules."""
        expression = self._add(rules, (), {} if by_path is None else by_path)
        return to_sql(expression or exp.true(), "duckdb")

    def _add(self, group: Tree, path: Path, by_path: dict[Path, str]) -> exp.Expression | None:
        parts: list[exp.Expression | None] = []
        for number, rule in enumerate(rule_trees.rules_of(group)):
            here = (*path, number)
            part = self._add(rule, here, by_path) if "rules" in rule else self._column_of(rule)
            parts.append(part)
            if part is not None:
                by_path[here] = to_sql(part.copy(), "duckdb")
        return combine(group, parts)

    def _column_of(self, condition: Tree) -> exp.Expression:
        sql = self.compile({"join": "and", "rules": [condition]})
        return exp.column(self._columns.setdefault(sql, f"c{len(self._columns)}"), quoted=True)

    def query(self) -> str:
        """Return the query of the customers, with the columns ``id`` and those of the conditions."""
        columns = ["id", *(f"{sql} AS {name}" for sql, name in self._columns.items())]
        return f"SELECT {', '.join(columns)} FROM {visible_profiles()}"


def _members_of(segment_id: int) -> exp.Expression:
    if is_assumed(segment_id):
        rules = Segment.objects.filter(pk=segment_id).values_list("rules", flat=True).first()
        return _parsed(matching_sql(rules or {}))
    set_id = Segment.objects.filter(pk=segment_id).values_list("member_set", flat=True).first()
    return _parsed(members_sql([set_id] if set_id else []))


def _parsed(sql: str) -> exp.Expression:
    query = sqlglot.parse_one(sql, dialect="duckdb")
    assert isinstance(query, exp.Expression)  # noqa: S101
    return query
