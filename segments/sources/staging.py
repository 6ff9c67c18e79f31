"""Stage encoded rows in a temporary table and upsert them into profiles by set-based statements."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import DatabaseError, connection
from django.db.backends.utils import CursorWrapper
from django.utils.translation import gettext as _

from config.platform import db
from segments.sources.copy_encoder import MAX_PROBLEMS_KEPT, CopyStream, Problems


@dataclass(frozen=True)
class Upserted:
    """How many profiles an import created, updated and left unchanged."""

    created: int
    updated: int
    unchanged: int


def stage(pieces: Iterable[bytes]) -> None:
    """Copy encoded lines into a temporary table: ``line``, ``key``, ``attributes``, ``emails``."""
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS staging, superseded")
        cursor.execute(
            "CREATE TEMPORARY TABLE staging (line bigint, key text, attributes jsonb, emails jsonb) ON COMMIT DROP"
        )
        _copy(cursor, CopyStream(pieces))
        cursor.execute("ANALYZE staging")


def keep_last_of_each_key(problems: Problems) -> None:
    """Delete all rows but the last of each key from the staging table, and report them as problems."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            CREATE TEMPORARY TABLE superseded ON COMMIT DROP AS
            SELECT staging.line, repeated.last_line
              FROM (SELECT key, max(line) AS last_line FROM staging GROUP BY key HAVING count(*) > 1) repeated
              JOIN staging ON staging.key = repeated.key AND staging.line < repeated.last_line
            """
        )
        count = cursor.rowcount
        if not count:
            return
        cursor.execute("DELETE FROM staging USING superseded WHERE staging.line = superseded.line")
        room = max(0, MAX_PROBLEMS_KEPT - len(problems.kept))
        cursor.execute("SELECT line, last_line FROM superseded ORDER BY line LIMIT %s", [room])
        for line, last_line in cursor.fetchall():
            problems.add(line, _("The same key stands on line %(line)d, which counts.") % {"line": last_line})
        problems.count += count - min(count, room)


def upsert(source_id: int, columns: Sequence[str], *, moment: datetime) -> Upserted:
    """Write the staging table into the profiles of a source, which the caller has locked. Attributes without a
    column stay; unchanged profiles are not written."""
    with db.without_nested_loops(), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM staging")
        total = cursor.fetchone()[0]
        cursor.execute(
            """
            UPDATE segments_profile profile
               SET attributes = merged.attributes, emails = merged.emails, updated_at = %s
              FROM (SELECT known.id, (known.attributes - %s::text[]) || staging.attributes AS attributes,
                           (known.emails - %s::text[]) || staging.emails AS emails
                      FROM staging
                      JOIN segments_profile known ON known.source_id = %s AND known.key = staging.key) merged
             WHERE profile.id = merged.id AND profile.attributes IS DISTINCT FROM merged.attributes
            """,
            [moment, list(columns), list(columns), source_id],
        )
        updated = cursor.rowcount
        cursor.execute(
            """
            INSERT INTO segments_profile (source_id, key, attributes, emails, created_at, updated_at)
            SELECT %s, staging.key, staging.attributes, staging.emails, %s, %s
              FROM staging
             WHERE NOT EXISTS (SELECT FROM segments_profile known
                                WHERE known.source_id = %s AND known.key = staging.key)
            """,
            [source_id, moment, moment, source_id],
        )
        created = cursor.rowcount
    return Upserted(created=created, updated=updated, unchanged=total - updated - created)


def _copy(cursor: CursorWrapper, stream: CopyStream) -> None:
    try:
        with connection.wrap_database_errors:
            cursor.copy_expert("COPY staging FROM STDIN", stream)
    except DatabaseError as error:
        if stream.failure is not None:
            raise stream.failure from error
        raise
