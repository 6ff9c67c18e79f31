"""Record contacts whose result is unknown: the list may hold them, with the old data or the new.

They count as known on the list, with unknown data, so that the next run sends them again, or removes them when
they have left the segments. A result is unknown when a call was never answered before the run ended early,
when an answer does not tell which contacts it took, and when a late call may follow: a request of a worker that
lost its lease may land after those of later workers and runs, until one read timeout has passed.
"""

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any

from django.db import connection as database
from django.db import transaction
from django.db.models import F, QuerySet, Sum

from config.platform.jobs import clock
from connections.destinations.errors import LEFT_OPEN
from connections.destinations.values import REMOVALS
from exports.models import Batch, DeliveredSet, Origin, Run
from exports.state.known_list import CHANGE_SENDER
from exports.state.plan_action import UNANSWERED, UNKNOWN_DATA, UNMATCHED

_OPEN = [UNANSWERED, *LEFT_OPEN]
# A call that was refused, or never got out, has done nothing. (The worker of one without any code died.)
_RECORD_UNANSWERED = f"""
    WITH unanswered AS (
        UPDATE exports_batch SET code = %(code)s
         WHERE run_id = %(run)s AND operation NOT IN ('mark', 'delete', 'unsubscribe')
           AND (status = 'sending'
                OR status = 'planned' AND (http_status >= 500 OR code = ANY (%(open)s)
                                           OR code = '' AND attempt > 0))
        RETURNING emails)
    INSERT INTO exports_syncedcontact AS contact
           (list_state_id, email, data_hash, sent_by, last_run_id, added_run_id)
    SELECT known.list_state_id, person.email, %(unknown)s, known.export_id, %(run)s, %(run)s
      FROM exports_deliveredset known, unanswered CROSS JOIN unnest(unanswered.emails) AS person (email)
     WHERE known.export_id = %(export)s AND known.account = %(account)s AND known.list_id = %(list)s
       AND person.email <> ''
     ORDER BY person.email
        ON CONFLICT (list_state_id, email) DO UPDATE SET {CHANGE_SENDER}
"""  # noqa: S608 - only our own fragments are put in
_RECORD_UNKNOWN = """
    INSERT INTO exports_outcome (run_id, batch_number, kind, profile_id, email, code, message)
    SELECT %(run)s, batch.number, 'unknown', person.profile_id, person.email, %(code)s, ''
      FROM exports_batch batch, unnest(batch.profile_ids, batch.emails) AS person (profile_id, email)
     WHERE batch.id = %(batch)s AND person.email <> ALL (%(refused)s::text[])
"""
# No call that is answered now was made longer ago.
_LONGEST_CALL = timedelta(days=1)
# A contact that a late send may put on the list is known there, also when a later run has removed it. A contact
# that a late removal may take off is still to be added again.
_MARK_UNKNOWN = """
    WITH late AS (
        SELECT DISTINCT ON (contact.email) contact.email, batch.operation, batch.run_id, run.export_id,
               CASE WHEN batch.operation = 'mark'
                    THEN coalesce(run.snapshot #>> '{removal,mark_field}', '') ELSE '' END AS mark_field
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
           CASE WHEN removed.email IS NULL THEN %(origin_unknown)s ELSE %(added)s END
      FROM late LEFT JOIN exports_removedcontact removed
        ON removed.list_state_id = %(list)s AND removed.email = late.email
     WHERE late.operation <> ALL (%(removals)s) AND late.email NOT IN (SELECT email FROM known)
       AND (removed.email IS NOT NULL OR %(answered_removal)s)
     ORDER BY late.email
        ON CONFLICT (list_state_id, email) DO NOTHING
"""


def record_unknown(run: Run, batch_id: int, refused: Sequence[str]) -> None:
    """Keep the result *unknown* for all contacts of a batch but those ``refused``, since its answer does not tell
    which of them were taken. Call it in the transaction that records the batch."""
    parameters: dict[str, Any] = {"run": run.pk, "batch": batch_id, "refused": list(refused), "code": UNMATCHED}
    with database.cursor() as cursor:
        cursor.execute(_RECORD_UNKNOWN, parameters)


def may_have_arrived(batch: Batch) -> bool:
    """Whether an earlier call may have done the work of a batch, and nothing has answered for it since."""
    return batch.code in _OPEN or (batch.http_status or 0) >= 500


def was_sent_before(batch: Batch) -> bool:
    """Tell whether an earlier call may have sent contacts of a batch that is answered now: a call of its own,
    or of the batch that it is a half of."""
    return batch.attempt > 1 or batch.code == UNANSWERED


def record_unanswered(run: Run) -> None:
    """Keep them, in the transaction that ends the run, before its batches say that they are not sent."""
    with database.cursor() as cursor:
        cursor.execute(
            _RECORD_UNANSWERED,
            {
                "code": UNANSWERED,
                "open": _OPEN,
                "run": run.pk,
                "unknown": UNKNOWN_DATA,
                "export": run.export_id,
                "account": run.account,
                "list": run.list_id,
            },
        )


def expect_late_calls(run: Run, batches: "QuerySet[Batch]") -> None:
    """Note that calls for these batches, which another worker has made, may land for one read timeout from now."""
    if run.connection is not None:
        seconds = run.connection.destination.call_seconds
        batches.update(late_until=clock.now() + timedelta(seconds=seconds))


def count_late(run: Run) -> int:
    """Count the contacts of a run whose result is unknown because a worker stopped answering: its call for them
    may land after the one that was answered."""
    late = run.batches.filter(late_until__gt=F("sent_at"))
    return int(late.aggregate(contacts=Sum("size", default=0))["contacts"])


def record_late(run: Run, delivered_set_id: int, answered: Collection[int]) -> None:
    """Keep the data of contacts unknown whose call has just been answered, where a late call for them may land
    after it. ``answered`` are the ids of batches; call it in the transaction that records them."""
    recent = Batch.objects.filter(late_until__gt=clock.now() - _LONGEST_CALL)
    late = recent.filter(run__account=run.account, run__list_id=run.list_id).values_list("pk", "late_until")
    if not (found := list(late)):
        return
    for batch in Batch.objects.filter(pk__in=answered).only("operation", "sent_at"):
        if may_land := [pk for pk, until in found if batch.sent_at and until and until > batch.sent_at]:
            _mark_unknown(delivered_set_id, may_land, batch)


def record_landed(run: Run, late: Collection[int]) -> None:
    """Keep the data of contacts unknown whose call was still out when ``run`` lost its lease. ``late`` are the ids
    of their batches. It is not fenced, may be repeated, and changes nothing else."""
    known = DeliveredSet.objects.filter(export=run.export_id, account=run.account, list_id=run.list_id).first()
    if known is not None:
        with transaction.atomic():
            expect_late_calls(run, Batch.objects.filter(pk__in=late, run=run.pk))
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
                "added": Origin.ADDED.value,
                "origin_unknown": Origin.UNKNOWN.value,
            },
        )
