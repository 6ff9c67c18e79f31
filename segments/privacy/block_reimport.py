"""Keeping out of an import whoever was erased: set-based, and only where anybody was."""

from collections.abc import Sequence
from typing import Any

from django.db import connection
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from config.platform.jobs import clock
from segments.audience import email_sql
from segments.models import ErasedHash
from segments.privacy import erasure_barrier, personal_data, subjects
from segments.privacy import hashes as privacy_hashes
from segments.sources.copy_encoder import MOST_PROBLEMS_KEPT, Problems


def refuse_erased(source_id: int, columns: Sequence[str], problems: Problems) -> None:
    """Take the rows of people who were erased out of staging and report them. From here to the end of the
    transaction nobody is erased."""
    erasure_barrier.enter()
    if not ErasedHash.objects.exists():
        return
    privacy_hashes.ready_sql()
    known = personal_data.known_email_attributes()
    emails = [name for name in columns if subjects.is_email_attribute(name, known)]
    with connection.cursor() as cursor:
        cursor.execute(*_find(source_id, emails))
        count = cursor.rowcount
        if not count:
            return
        cursor.execute("DELETE FROM staging USING erased WHERE staging.line = erased.line")
        room = max(0, MOST_PROBLEMS_KEPT - len(problems.kept))
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
        # Who was erased before emails were stored has the hash of the text as it was lower-cased then.
        before = "nullif(lower(btrim(attributes ->> %s, E' \\t\\r\\n')), " + f"({email}))"
        hashes += [privacy_hashes.email_sql(email), privacy_hashes.email_sql(before)]  # of NULL it is NULL
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
