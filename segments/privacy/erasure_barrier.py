"""Keep erased people out of imports and plans: a lock between erasures and transfers, and the check of imported
rows.

A transfer (an import, a plan) enters the barrier before it looks at erasures the last time, and stays until its
transaction ends. An erasure closes the barrier and so waits for open transfers. Either the transfer sees the
erasure, or the erasure finds what was transferred.
"""

from collections.abc import Sequence
from typing import Any

from django.db import connection
from django.db.models import Max
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from config.platform.jobs import clock
from segments import hooks
from segments.audience import email_sql
from segments.models import ErasedHash, Erasure
from segments.privacy import hashes as privacy_hashes
from segments.privacy import subjects
from segments.sources.copy_encoder import MAX_PROBLEMS_KEPT, Problems

LOCK = 7_365_676_101


def enter() -> None:
    """Enter the barrier until this transaction ends. Waits while an erasure holds it."""
    _lock("pg_advisory_xact_lock_shared")


def close() -> None:
    """Close the barrier until this transaction ends. Waits for the transfers inside."""
    _lock("pg_advisory_xact_lock")


def last_erasure() -> int:
    """Return the ID of the last erasure, which changes with every erasure."""
    return Erasure.objects.aggregate(last=Max("pk"))["last"] or 0


def _lock(function: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s)", [LOCK])


def refuse_erased(source_id: int, columns: Sequence[str], problems: Problems) -> None:
    """Delete the rows of erased people from the staging table and report them as problems. Enters the barrier."""
    enter()
    if not ErasedHash.objects.exists():
        return
    privacy_hashes.ready_sql()
    known = hooks.personal_data.email_attributes()
    emails = [name for name in columns if subjects.is_email_attribute(name, known)]
    with connection.cursor() as cursor:
        cursor.execute(*_find(source_id, emails))
        count = cursor.rowcount
        if not count:
            return
        cursor.execute("DELETE FROM staging USING erased WHERE staging.line = erased.line")
        room = max(0, MAX_PROBLEMS_KEPT - len(problems.kept))
        cursor.execute("SELECT line, erased_at FROM erased ORDER BY line LIMIT %s", [room])
        for line, erased_at in cursor.fetchall():
            day = date_format(clock.day_of(erased_at), "Y-m-d")
            problems.add(line, _("This person was erased on %(day)s and stays so.") % {"day": day})
        problems.count += count - min(count, room)


def _find(source_id: int, attributes: Sequence[str]) -> tuple[str, list[Any]]:
    hashes = [privacy_hashes.key_sql(source_id, "key")]
    values: list[Any] = []
    for attribute in attributes:
        email, parameters = email_sql(attribute)
        # People erased before emails were stored have the hash of the text in lower case.
        before = "nullif(lower(btrim(attributes ->> %s, E' \\t\\r\\n')), " + f"({email}))"
        hashes += [privacy_hashes.email_sql(email), privacy_hashes.email_sql(before)]  # NULL for NULL
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
