"""Stage encoded rows in a temporary table and upsert them into profiles by set-based statements."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import DatabaseError, connection
from django.db.backends.utils import CursorWrapper
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from config.platform import db
from config.platform.jobs import clock
from segments import hooks
from segments.models import ErasedHash
from segments.models.profile import email_sql
from segments.privacy import erase, subjects
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
        if cursor.rowcount:
            sentence = _("Duplicate key. Line %(line)d was used.")
            _refuse(cursor, "superseded", "last_line", problems, lambda line: sentence % {"line": line})


def refuse_erased(source_id: int, columns: Sequence[str], problems: Problems) -> None:
    """Delete the rows of erased people from the staging table and report them as problems. Enters the barrier."""
    erase.enter_erasure_barrier()
    if not ErasedHash.objects.exists():
        return
    subjects.pass_hash_key_to_sql()
    email_attributes = hooks.personal_data.email_attributes()
    emails = [name for name in columns if subjects.is_email_attribute(name, email_attributes)]
    with connection.cursor() as cursor:
        cursor.execute(*_erased_rows_sql(source_id, emails))
        if cursor.rowcount:
            sentence = _("This customer was erased on %(day)s. Imports are blocked.")
            _refuse(cursor, "erased", "erased_at", problems, lambda at: sentence % {"day": _day(at)})


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


def _refuse(
    cursor: CursorWrapper, table: str, column: str, problems: Problems, reason: Callable[[Any], str]
) -> None:
    """Delete the rows with the lines in ``table`` from the staging table, and report each with the reason for its
    value of ``column``; lines beyond MAX_PROBLEMS_KEPT are only counted."""
    cursor.execute(f"DELETE FROM staging USING {table} WHERE staging.line = {table}.line")  # noqa: S608
    count, room = cursor.rowcount, max(0, MAX_PROBLEMS_KEPT - len(problems.kept))
    cursor.execute(f"SELECT line, {column} FROM {table} ORDER BY line LIMIT %s", [room])  # noqa: S608
    for line, value in cursor.fetchall():
        problems.add(line, reason(value))
    problems.count += count - min(count, room)


def _day(moment: datetime) -> str:
    return date_format(clock.day_of(moment), "Y-m-d")


def _erased_rows_sql(source_id: int, attributes: Sequence[str]) -> tuple[str, list[Any]]:
    hashes = [subjects.key_hash_sql(source_id, "key")]
    values: list[Any] = []
    for attribute in attributes:
        email, parameters = email_sql(attribute)
        # People erased before emails were stored have the hash of the text in lower case.
        before = "nullif(lower(btrim(attributes ->> %s, E' \\t\\r\\n')), " + f"({email}))"
        hashes += [subjects.email_hash_sql(email), subjects.email_hash_sql(before)]  # NULL for NULL
        values += [*parameters, attribute, *parameters]
    sql = f"""
        CREATE TEMPORARY TABLE erased ON COMMIT DROP AS
        WITH hashed AS MATERIALIZED (SELECT line, unnest(ARRAY[{", ".join(hashes)}]) AS hash FROM staging)
        SELECT hashed.line, min(erasure.erased_at) AS erased_at
          FROM hashed
          JOIN segments_erasedhash known ON known.hash = hashed.hash
          JOIN segments_erasure erasure ON erasure.id = known.erasure_id
         GROUP BY hashed.line
    """  # noqa: S608 - only our own fragments are put in; every value is a parameter
    return sql, values
