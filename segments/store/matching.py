"""Compile the rules of a segment to a query of the profiles that match them."""

from zoneinfo import ZoneInfo

import sqlglot
from django.utils import timezone
from sqlglot import exp

from config.platform.jobs import clock
from segments import catalog
from segments.models import Segment
from segments.rules.compile import ColumnRef, CompileContext, compile_rules, to_sql
from segments.rules.tree import Tree
from segments.store import lake
from segments.store.members import MATCHING, members_sql
from segments.store.profiles import visible_profiles


def matching_sql(rules: Tree) -> str:
    """Return a query of the IDs of the profiles that match rules, with the column ``id``. Raises InvalidRules."""
    columns = {each.name: ColumnRef(each.column, each.data_type) for each in catalog.attributes()}
    zone = timezone.get_default_timezone()
    assert isinstance(zone, ZoneInfo)  # noqa: S101 - the setting TIME_ZONE is the name of a zone
    context = CompileContext(moment=clock.now(), zone=zone, member_of=_members_of)
    condition = to_sql(compile_rules(rules, columns, context), "duckdb")
    return f"SELECT id FROM {visible_profiles()} WHERE {condition}"


def count_matches(rules: Tree) -> int:
    """Count the profiles that match rules. Raises InvalidRules."""
    sql = matching_sql(rules)
    with lake.reading() as reader:
        return int(reader.row(f"SELECT count(*) FROM ({sql})")[0])


def find_matching(reader: lake.Reader, rules: Tree) -> None:
    """Fill the temporary table MATCHING with the IDs of the profiles that match rules. Raises InvalidRules."""
    reader.execute(f"CREATE OR REPLACE TEMPORARY TABLE {MATCHING} AS {matching_sql(rules)}")


def _members_of(segment_id: int) -> exp.Expression:
    set_id = Segment.objects.filter(pk=segment_id).values_list("member_set", flat=True).first()
    query = sqlglot.parse_one(members_sql([set_id] if set_id else []), dialect="duckdb")
    assert isinstance(query, exp.Expression)  # noqa: S101
    return query
