"""What became of a batch of removals: who is off the list, who stays and why, and what is known of them now."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.db import connection as database

from config.platform.jobs import clock
from connections.destinations.values import (
    ALREADY_REMOVED,
    FOUND_THERE,
    NOT_ACTIVE,
    BatchOperation,
    BatchReceipt,
    ProfileRefusal,
    RefusalKind,
)
from exports.models import Batch, BatchStatus, DeliveredSet, Origin, OutcomeKind, Run, StatusSource
from exports.results import subscriber_states
from exports.results.failure_rows import match_rows
from exports.results.unacknowledged import was_sent_before
from exports.state.result_codes import UNANSWERED, UNKNOWN_DATA, UNMATCHED

# Pre-existing contacts stay known, and are never looked up again. Contacts that are off the list, or on it in a
# state that receives no mail, are not known to be there because of the export any more. Contacts that had been
# marked and are deleted now still carry the mark; marked ones that stay as they are will not be removed any more.
# (But that a contact was deleted by a call without an answer stays known: it may be why the contact stays.)
_KEEP = """
    WITH said AS (
        SELECT * FROM unnest(%(emails)s::text[], %(kinds)s::text[], %(codes)s::text[], %(messages)s::text[])
                   AS said (email, kind, code, message)
         WHERE NOT (code = %(already)s
                    AND (%(sent_before)s
                         OR EXISTS (SELECT FROM exports_removedcontact uncertain
                                     WHERE uncertain.list_state_id = %(list)s AND uncertain.email = said.email
                                       AND uncertain.operation = %(operation)s)))
    ), taken_off AS (
        SELECT batch.number, person.email, coalesce(said.kind, %(removed)s) AS kind,
               coalesce(said.code, batch.operation) AS code, coalesce(said.message, '') AS message
          FROM exports_batch batch CROSS JOIN unnest(batch.emails) AS person (email)
          LEFT JOIN said ON said.email = person.email
         WHERE batch.id = %(batch)s
    ), retained AS (
        UPDATE exports_syncedcontact contact SET origin = %(found_there)s FROM taken_off
         WHERE list_state_id = %(list)s AND contact.email = taken_off.email AND taken_off.code = %(found)s
    ), uncertain AS (  -- an answer that cannot be matched to its contacts leaves open which of them it refuses
        UPDATE exports_syncedcontact contact
           SET data_hash = %(unknown)s,
               other_hashes = CASE WHEN contact.other_hashes IS NOT NULL
                                   THEN array_fill(%(unknown)s::uuid, ARRAY[cardinality(contact.other_hashes)]) END
          FROM taken_off
         WHERE list_state_id = %(list)s AND contact.email = taken_off.email AND taken_off.code = %(unmatched)s
        RETURNING contact.email, contact.sent_by || contact.other_exports AS exports
    ), forgotten AS (
        DELETE FROM exports_syncedcontact contact USING taken_off
         WHERE list_state_id = %(list)s AND contact.email = taken_off.email
           AND taken_off.code <> %(found)s AND taken_off.kind <> %(rejected)s
        RETURNING contact.email, contact.sent_by || contact.other_exports AS exports
    ), not_ours AS (
        DELETE FROM exports_removedcontact removed USING said  -- the few, with which a scan may be compared
         WHERE list_state_id = %(list)s AND removed.email = said.email AND said.kind = %(kept)s
           AND removed.operation = 'mark'
    ), remembered AS (
        INSERT INTO exports_removedcontact AS removed
               (list_state_id, email, operation, mark_field, run_id, exports)
        SELECT %(list)s, taken_off.email, %(operation)s, %(mark_field)s, %(run)s,
               coalesce(forgotten.exports, uncertain.exports, ARRAY[%(export)s::bigint])
          FROM taken_off LEFT JOIN forgotten ON forgotten.email = taken_off.email
               LEFT JOIN uncertain ON uncertain.email = taken_off.email
         WHERE (kind = %(removed)s OR code = %(unmatched)s) AND taken_off.email <> '' ORDER BY taken_off.email
            ON CONFLICT (list_state_id, email)
            DO UPDATE SET operation = excluded.operation, run_id = excluded.run_id,
                          mark_field = coalesce(nullif(excluded.mark_field, ''), removed.mark_field),
                          exports = CASE WHEN removed.exports @> excluded.exports THEN removed.exports
                                         ELSE removed.exports || excluded.exports END
    ), told AS (
        INSERT INTO exports_outcome (run_id, batch_number, kind, email, code, message)
        SELECT %(run)s, number, CASE WHEN kind = %(removed)s THEN kind ELSE %(kept)s END, email, code, message
          FROM taken_off)
    SELECT kind, count(*) FROM taken_off GROUP BY kind
"""

_KEEP_UNCERTAIN = """
    WITH uncertain AS (
        SELECT DISTINCT known.list_state_id, person.email, batch.operation
          FROM exports_batch batch CROSS JOIN unnest(batch.emails) AS person (email)
          JOIN exports_deliveredset known
            ON known.export_id = %(export)s AND known.account = %(account)s AND known.list_id = %(list)s
         WHERE batch.run_id = %(run)s AND batch.status = 'not_sent'
           AND (batch.attempt > 0 OR batch.code = %(unanswered)s)
           AND batch.operation IN ('mark', 'delete', 'unsubscribe')
    ), known AS (
        UPDATE exports_syncedcontact contact
           SET data_hash = %(unknown)s,
               other_hashes = CASE WHEN contact.other_hashes IS NOT NULL
                                   THEN array_fill(%(unknown)s::uuid, ARRAY[cardinality(contact.other_hashes)]) END
          FROM uncertain
         WHERE contact.list_state_id = uncertain.list_state_id AND contact.email = uncertain.email
        RETURNING uncertain.*, contact.sent_by || contact.other_exports AS exports)
    INSERT INTO exports_removedcontact AS removed (list_state_id, email, operation, mark_field, run_id, exports)
    SELECT list_state_id, email, operation,
           CASE WHEN operation = 'mark' THEN %(mark_field)s ELSE '' END, %(run)s, exports
      FROM known
        ON CONFLICT (list_state_id, email)
        DO UPDATE SET operation = excluded.operation, run_id = excluded.run_id WHERE removed.operation = 'mark'
"""


def record(run: Run, batch: Batch, delivered_set_id: int, receipt: BatchReceipt) -> dict[str, int]:
    """Keep it all, in the caller's transaction; how many were removed, kept, and rejected, for the run's row."""
    receipt = replace(receipt, refusals=_matched(batch, receipt))
    with database.cursor() as cursor:
        cursor.execute(_KEEP, _parameters(run, batch, delivered_set_id, receipt))
        counts = dict(cursor.fetchall())
    kept_out = {each.email: each.code for each in receipt.refusals if each.code == NOT_ACTIVE}
    subscriber_states.record(run, batch.pk, kept_out, StatusSource.REMOVING)
    removed, kept, rejected = (
        counts.get(kind.value, 0) for kind in (OutcomeKind.REMOVED, OutcomeKind.KEPT, OutcomeKind.REJECTED)
    )
    Batch.objects.filter(pk=batch.pk).update(
        status=BatchStatus.DONE,
        delivered=removed,
        left=kept,
        rejected=rejected,
        finished_at=clock.now(),
        seconds=receipt.seconds,
        http_status=receipt.http_status,
        bytes_sent=receipt.bytes_sent,
        code="",
        message="",
    )
    return {"removed": removed, "kept": kept, "not_removed": rejected}


def _matched(batch: Batch, receipt: BatchReceipt) -> Sequence[ProfileRefusal]:
    """Match the refusals of an answer to the contacts of the batch. Where rows name no contact of the batch, all
    contacts that no row names count as refused, so that the next run removes them again."""
    said = list(receipt.refusals)
    rows = match_rows(batch.emails, said)
    if not rows.unmatched and not receipt.unaccounted:
        return rows.refusals
    unnamed = set(batch.emails) - {refusal.email for refusal in rows.refusals} - {""}
    unknown = [ProfileRefusal(email, RefusalKind.REJECTED, UNMATCHED, "") for email in sorted(unnamed)]
    return [*rows.refusals, *unknown]


def record_uncertain_removals(run: Run) -> None:
    """Record that contacts may have been removed whose batch was sent and never answered before the run ended.
    When they become members again, they are sent as contacts that come back. Call it while the run ends."""
    with database.cursor() as cursor:
        cursor.execute(
            _KEEP_UNCERTAIN,
            {
                "run": run.pk,
                "export": run.export_id,
                "account": run.account,
                "list": run.list_id,
                "mark_field": run.frozen.get("removal", {}).get("mark_field", ""),
                "unknown": UNKNOWN_DATA,
                "unanswered": UNANSWERED,
            },
        )


def _parameters(run: Run, batch: Batch, delivered_set_id: int, receipt: BatchReceipt) -> dict[str, Any]:
    """Who is already as the removal makes them was removed by this very batch, if it was sent before, or by one of
    an earlier run: its answer was lost."""
    said = receipt.refusals
    removal = run.frozen.get("removal", {})
    return {
        "batch": batch.pk,
        "operation": batch.operation,
        "mark_field": removal.get("mark_field", "") if batch.operation == BatchOperation.MARK else "",
        "run": run.pk,
        "list": DeliveredSet.objects.values_list("list_state", flat=True).get(pk=delivered_set_id),
        "export": run.export_id,
        "already": ALREADY_REMOVED,
        "unmatched": UNMATCHED,
        "unknown": UNKNOWN_DATA,
        "sent_before": was_sent_before(batch),
        "found": FOUND_THERE,
        "found_there": Origin.PRE_EXISTING.value,
        "removed": OutcomeKind.REMOVED.value,
        "kept": OutcomeKind.KEPT.value,
        "rejected": OutcomeKind.REJECTED.value,
        "emails": [refusal.email for refusal in said],
        "kinds": [
            (OutcomeKind.REJECTED if refusal.kind == RefusalKind.REJECTED else OutcomeKind.KEPT).value
            for refusal in said
        ],
        "codes": [refusal.code for refusal in said],
        "messages": [refusal.message for refusal in said],
    }
