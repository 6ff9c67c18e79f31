"""Keep the notes of commits when their versions expire.

DuckLake stores a note with its version. Maintenance forgets versions, perhaps before the job of a killed worker is
concluded; so it copies the notes into a table beside the catalog first. Notes hold counts and names of columns.
"""

import json
from typing import Any

from django.db import connection as database

# Longer than a job can be open.
_KEEP_DAYS = 30


def find_kept_note(job: str) -> dict[str, Any] | None:
    """Return the note of a job whose version has expired, or None when there is none."""
    with database.cursor() as cursor:
        cursor.execute("SELECT to_regclass('lake.kept_note')")
        if cursor.fetchone()[0] is None:
            return None
        cursor.execute("SELECT note FROM lake.kept_note WHERE job = %s", [job])
        row = cursor.fetchone()
        return dict(json.loads(row[0])) if row else None


def keep_notes() -> None:
    """Copy the notes of all versions, before some of them expire; delete old copies."""
    with database.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE IF NOT EXISTS lake.kept_note"
            " (job text PRIMARY KEY, note text NOT NULL, kept_at timestamptz NOT NULL DEFAULT clock_timestamp())"
        )
        cursor.execute(
            "INSERT INTO lake.kept_note (job, note)"
            " SELECT DISTINCT ON (1) commit_extra_info::jsonb ->> 'job', commit_extra_info"
            " FROM lake.ducklake_snapshot_changes WHERE strpos(commit_extra_info, '\"job\":') > 0"
            " ORDER BY 1, snapshot_id DESC ON CONFLICT (job) DO UPDATE SET note = EXCLUDED.note"
        )
        cursor.execute(
            "DELETE FROM lake.kept_note WHERE kept_at < clock_timestamp() - make_interval(days => %s)",
            [_KEEP_DAYS],
        )
