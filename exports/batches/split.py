"""Cutting what a plan sends into numbered batches, by one statement that goes through the plan twice: once for
where each batch begins and ends, once for its members. (Sorting the members by batch takes longer than all that.)
"""

from django.db import connection as database

from connections.destinations.values import BatchOperation
from exports.models import Run

# The plan lies in the order of addresses, so a batch is what lies between two places (ctid) of each kind: those
# who are new come first, and the last batch of them is filled up with others. When no more new ones are found
# their place is the end of any table, so that they are not looked for again.
_BATCHES = """
    WITH RECURSIVE batch AS (
        SELECT 0 AS number, 1 AS size, 0 AS adds, '(0,0)'::tid AS add_after, '(0,0)'::tid AS add_until,
               '(0,0)'::tid AS update_after, '(0,0)'::tid AS update_until
         UNION ALL
        SELECT number + 1, found.size, found.adds,
               add_until, CASE WHEN found.adds = %(rows)s THEN found.last_add ELSE '(4294967295,0)'::tid END,
               update_until, coalesce(found.last_update, update_until)
          FROM batch, LATERAL (
               SELECT count(*)::int AS size, count(*) FILTER (WHERE is_new)::int AS adds,
                      max(place) FILTER (WHERE is_new) AS last_add,
                      max(place) FILTER (WHERE NOT is_new) AS last_update
                 FROM (SELECT ctid AS place, true AS is_new
                         FROM plan WHERE action = 'add' AND ctid > batch.add_until
                        UNION ALL
                       SELECT ctid, false FROM plan WHERE action = 'update' AND ctid > batch.update_until
                        LIMIT %(rows)s) person) found
         WHERE batch.size > 0)
"""
_WRITE = f"""
    {_BATCHES}
    INSERT INTO exports_batch
           (run_id, number, label, operation, adds, size, profile_ids, emails, payloads, hashes, converted)
    SELECT %(run)s, number, number::text, %(operation)s, adds, size, members.profile_ids, members.emails,
           members.payloads, members.hashes, false
      FROM batch, LATERAL (
           SELECT array_agg(profile_id) AS profile_ids, array_agg(email) AS emails,
                  array_agg(mapped) AS payloads, array_agg(data_hash) AS hashes
             FROM (SELECT profile_id, email, mapped, data_hash FROM plan
                    WHERE action = 'add' AND ctid > batch.add_after AND ctid <= batch.add_until
                    UNION ALL
                   SELECT profile_id, email, mapped, data_hash FROM plan
                    WHERE action = 'update' AND ctid > batch.update_after AND ctid <= batch.update_until)
                  person) members
     WHERE number > 0 AND size > 0 RETURNING size
"""  # noqa: S608 - only our own fragments are put in


def cut(run: Run, *, rows: int) -> list[int]:
    """Write the contacts to add or update as batches of up to ``rows`` contacts, with mapped values. Returns
    the sizes of the batches."""
    with database.cursor() as cursor:
        cursor.execute(_WRITE, {"run": run.pk, "operation": BatchOperation.SEND.value, "rows": rows})
        return [size for (size,) in cursor.fetchall()]
