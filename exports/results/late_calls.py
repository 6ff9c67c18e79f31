"""Late calls: requests of a worker that lost its lease, which may land after those of later workers and runs.

No answer to another request settles what the list holds of their contacts, until one read timeout has passed:
their data counts as unknown, so that the next run sends them again.
"""

from collections.abc import Collection
from datetime import timedelta

from django.db import connection as database
from django.db import transaction
from django.db.models import F, QuerySet, Sum

from config.platform.jobs import clock
from connections.destinations.values import REMOVALS
from exports.models import Batch, DeliveredSet, Origin, Run
from exports.state.result_codes import UNKNOWN_DATA

# No call that is answered now was made longer ago.
_LONGEST_CALL = timedelta(days=1)

# A contact that a late send may put on the list is known there, also when a later run has removed it. A contact
# that a late removal may take off is still to be added again.
_MARK_UNKNOWN = """
    WITH late AS (
        SELECT DISTINCT ON (contact.email) contact.email, batch.operation, batch.run_id, run.export_id,
               CASE WHEN batch.operation = 'mark'
                    THEN coalesce(run.frozen #>> '{removal,mark_field}', '') ELSE '' END AS mark_field
          FROM exports_batch batch JOIN exports_run run ON run.id = batch.run_id
               CROSS JOIN unnest(batch.emails) AS contact (email)
         WHERE batch.id = ANY (%(late)s) AND contact.email <> ''
           AND (%(answered)s::bigint IS NULL
                OR contact.email IN (SELECT unnest(emails) FROM exports_batch WHERE id = %(answered)s))
         ORDER BY contact.email, batch.id DESC
    ), known AS (
        UPDATE exports_syncedcontact contact
           SET data_hash = %(unknown)s,
               other_hashes = CASE WHEN contact.other_hashes IS NOT NULL
                                   THEN array_fill(%(unknown)s::uuid, ARRAY[cardinality(contact.other_hashes)]) END
          FROM late
         WHERE contact.list_state_id = %(list)s AND contact.email = late.email
        RETURNING late.*, contact.sent_by || contact.other_exports AS exports
    ), to_bring_back AS (
        INSERT INTO exports_removedcontact (list_state_id, email, operation, mark_field, run_id, exports)
        SELECT %(list)s, email, operation, mark_field, run_id, exports
          FROM known WHERE operation = ANY (%(removals)s)
            ON CONFLICT (list_state_id, email) DO NOTHING
    )
    INSERT INTO exports_syncedcontact
           (list_state_id, email, data_hash, sent_by, last_run_id, added_run_id, origin)
    SELECT %(list)s, late.email, %(unknown)s, late.export_id, late.run_id, late.run_id,
           CASE WHEN removed.email IS NULL THEN %(origin_unknown)s ELSE %(brought)s END
      FROM late LEFT JOIN exports_removedcontact removed
        ON removed.list_state_id = %(list)s AND removed.email = late.email
     WHERE late.operation <> ALL (%(removals)s) AND late.email NOT IN (SELECT email FROM known)
       AND (removed.email IS NOT NULL OR %(answered_removal)s)
     ORDER BY late.email
        ON CONFLICT (list_state_id, email) DO NOTHING
"""


def expect(run: Run, batches: "QuerySet[Batch]") -> None:
    """Note that calls for these batches, which another worker has made, may land for one read timeout from now."""
    if run.connection is not None:
        seconds = run.connection.destination.call_seconds
        batches.update(late_until=clock.now() + timedelta(seconds=seconds))


def count_unknown(run: Run) -> int:
    """Count the contacts of a run whose result is unknown because a worker stopped answering: its call for them
    may land after the one that was answered."""
    late = run.batches.filter(late_until__gt=F("sent_at"))
    return int(late.aggregate(contacts=Sum("size", default=0))["contacts"])


def keep_unknown(run: Run, delivered_set_id: int, answered: Collection[int]) -> None:
    """Keep the data of contacts unknown whose call has just been answered, where a late call for them may land
    after it. ``answered`` are the ids of batches; call it in the transaction that records them."""
    recent = Batch.objects.filter(late_until__gt=clock.now() - _LONGEST_CALL)
    late = recent.filter(run__account=run.account, run__list_id=run.list_id).values_list("pk", "late_until")
    if not (found := list(late)):
        return
    for batch in Batch.objects.filter(pk__in=answered).only("operation", "sent_at"):
        if may_land := [pk for pk, until in found if batch.sent_at and until and until > batch.sent_at]:
            _mark_unknown(delivered_set_id, may_land, batch)


def keep_landed(run: Run, late: Collection[int]) -> None:
    """Keep the data of contacts unknown whose call was still out when ``run`` lost its lease. ``late`` are the ids
    of their batches. It is not fenced, may be repeated, and changes nothing else."""
    known = DeliveredSet.objects.filter(export=run.export_id, account=run.account, list_id=run.list_id).first()
    if known is not None:
        with transaction.atomic():
            expect(run, Batch.objects.filter(pk__in=late, run=run.pk))
            _mark_unknown(known.pk, late, None)


def _mark_unknown(delivered_set_id: int, late: Collection[int], answered: Batch | None) -> None:
    with database.cursor() as cursor:
        cursor.execute(
            _MARK_UNKNOWN,
            {
                "late": list(late),
                "answered": answered.pk if answered else None,
                "answered_removal": answered is not None and answered.operation in REMOVALS,
                "list": DeliveredSet.objects.values_list("list_state", flat=True).get(pk=delivered_set_id),
                "unknown": UNKNOWN_DATA,
                "removals": [operation.value for operation in REMOVALS],
                "brought": Origin.ADDED.value,
                "origin_unknown": Origin.UNKNOWN.value,
            },
        )
