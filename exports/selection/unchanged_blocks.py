"""Write the unchanged contacts of a plan in blocks of many: the most of a list, whose rows take long to write."""

from django.db import connection as database

from exports.state.plan_action import BLOCK_ROWS, UNCHANGED_BLOCK
from segments.audience import ProfileQuery

_COLUMNS = {"profile_ids": "bigint[]", "emails": "text[]"}
# Addresses as an array of PostgreSQL reads them.
_QUOTED = """'"' || replace(replace(email, '\\', '\\\\'), '"', '\\"') || '"'"""
# A query of DuckDB for these columns, of its table ``plan_action``.
_SELECT = f"""
    SELECT '{{' || string_agg(CAST(profile_id AS VARCHAR), ',' ORDER BY place) || '}}',
           '{{' || string_agg({_QUOTED}, ',' ORDER BY place) || '}}'
      FROM (SELECT profile_id, email, row_number() OVER (ORDER BY email) - 1 AS place
              FROM plan_action WHERE action = 'unchanged') contact
     GROUP BY place // {BLOCK_ROWS} ORDER BY place // {BLOCK_ROWS}
"""  # noqa: S608 - only our own fragments are put in


def write(members: ProfileQuery) -> None:
    """Write the temporary table of blocks, from the table ``plan_action`` of DuckDB."""
    members.write(UNCHANGED_BLOCK, _SELECT, _COLUMNS)


def drop() -> None:
    """Drop the temporary table, where a plan was computed in this transaction before."""
    with database.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS pg_temp.{UNCHANGED_BLOCK}")
