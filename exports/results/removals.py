"""Record the results of removals, and of contacts that are sent again after a removal (reactivations)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.db import connection as database

from config.platform.jobs import clock
from connections.destinations.values import (
    ALREADY_REMOVED,
    FOUND_THERE,
    MARK_CHANGED,
    NOT_ACTIVE,
    BatchOperation,
    BatchReceipt,
    ProfileRefusal,
    RefusalKind,
)
from exports.models import (
    Batch,
    BatchStatus,
    DeliveredSet,
    Origin,
    OutcomeKind,
    RemovedContact,
    Run,
    StatusSource,
    SyncedContact,
)
from exports.results import rejections
from exports.results.rejections import match_rows
from exports.results.unknown_results import was_sent_before
from exports.state.plan_action import UNANSWERED, UNKNOWN_DATA, UNMATCHED

# Pre-existing contacts stay known, and are never looked up again. Contacts that are off the list, or on it in a
# state that receives no mail, are not known to be there because of the export any more. Contacts that had been
# marked and are deleted now still carry the mark; marked ones that stay as they are will not be removed any more.
# (But that a contact was deleted by a call without an answer stays known: it may be why the contact stays.)
_RECORD_REMOVALS = """
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
_RECORD_UNCERTAIN = """
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
# The contacts of a batch that had been removed; whether they are known to be on the list all the same: their
# removal was never answered; and whether an earlier run has added them again since: the removal is remembered
# because a call of it may land late.
_FORGET_REMOVALS = """
    DELETE FROM exports_removedcontact removed
     USING exports_deliveredset known,
           (SELECT unnest(emails) AS email FROM exports_batch WHERE id = %(batch)s) person
     WHERE known.id = %(set)s AND removed.list_state_id = known.list_state_id AND removed.email = person.email
       AND removed.email <> ALL (%(stay)s::text[])
       AND NOT (removed.operation = 'mark' AND removed.email = ANY (%(still_marked)s::text[]))
    RETURNING removed.email, EXISTS (SELECT FROM exports_syncedcontact contact
                                      WHERE contact.list_state_id = removed.list_state_id
                                        AND contact.email = removed.email),
              EXISTS (SELECT FROM exports_syncedcontact contact
                       WHERE contact.list_state_id = removed.list_state_id AND contact.email = removed.email
                         AND contact.added_run_id > removed.run_id)
"""


@dataclass(frozen=True)
class Reactivated:
    """What is known of the contacts of a batch that had been removed: the new origin by address, and the contacts
    that an earlier run had added again already, where it can only be assumed."""

    origins: Mapping[str, Origin] = field(default_factory=dict)
    added_earlier: Sequence[str] = ()


def record_removals(run: Run, batch: Batch, delivered_set_id: int, receipt: BatchReceipt) -> dict[str, int]:
    """Keep it all, in the caller's transaction; how many were removed, kept, and rejected, for the run's row."""
    receipt = replace(receipt, refusals=_matched(batch, receipt))
    with database.cursor() as cursor:
        cursor.execute(_RECORD_REMOVALS, _parameters(run, batch, delivered_set_id, receipt))
        counts = dict(cursor.fetchall())
    kept_out = {each.email: each.code for each in receipt.refusals if each.code == NOT_ACTIVE}
    rejections.record_subscriber_states(run, batch.pk, kept_out, StatusSource.REMOVING)
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
            _RECORD_UNCERTAIN,
            {
                "run": run.pk,
                "export": run.export_id,
                "account": run.account,
                "list": run.list_id,
                "mark_field": run.snapshot.removal.mark_field,
                "unknown": UNKNOWN_DATA,
                "unanswered": UNANSWERED,
            },
        )


def _parameters(run: Run, batch: Batch, delivered_set_id: int, receipt: BatchReceipt) -> dict[str, Any]:
    """Who is already as the removal makes them was removed by this very batch, if it was sent before, or by one of
    an earlier run: its answer was lost."""
    said = receipt.refusals
    removal = run.snapshot.removal
    return {
        "batch": batch.pk,
        "operation": batch.operation,
        "mark_field": removal.mark_field if batch.operation == BatchOperation.MARK else "",
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


def record_reactivations(
    batch: Batch,
    delivered_set_id: int,
    receipt: BatchReceipt,
    refusals: Sequence[ProfileRefusal],
    *,
    restores: bool = False,
) -> Reactivated:
    """Forget that the contacts of a batch had been removed, apart from those whose refusal leaves them so.

    Call it in the transaction that records the batch, before its contacts are kept. Returns the new origin of
    contacts, by address; others keep the origin that they have. A contact that this batch has made active again
    counts as added by us; one to restore as found there. One that was active already keeps its origin where the
    removal may not have happened, and signed up without us where it did. Where the answer of an earlier call of
    the batch was lost, the run that had added a contact since the removal counts as the one that did."""
    forgotten = _forget(batch, delivered_set_id, refusals)
    if restores:
        list_state_id = DeliveredSet.objects.values_list("list_state", flat=True).get(pk=delivered_set_id)
        contacts = SyncedContact.objects.filter(list_state=list_state_id, email__in=forgotten)
        contacts.update(origin=Origin.PRE_EXISTING)
        return Reactivated(dict.fromkeys(forgotten, Origin.PRE_EXISTING))
    added_again = receipt.added_again or ()
    is_told = receipt.added_again is not None and not was_sent_before(batch)
    found = {
        email: _origin(email in added_again or (False if is_told else None), is_known=is_known)
        for email, (is_known, _was_added) in forgotten.items()
    }
    origins = {email: origin for email, origin in found.items() if origin is not None}
    earlier = [] if is_told else [email for email, (_is_known, was_added) in forgotten.items() if was_added]
    return Reactivated(origins, earlier)


def _forget(
    batch: Batch, delivered_set_id: int, refusals: Sequence[ProfileRefusal]
) -> Mapping[str, tuple[bool, bool]]:
    """Forget the removals. Returns by address whether the list state holds the contact (nothing answered for the
    removal), and whether a run after the removal has added it."""
    parameters: dict[str, Any] = {
        "batch": batch.pk,
        "set": delivered_set_id,
        "stay": [
            refusal.email for refusal in refusals if _stays_removed(BatchOperation(batch.operation), refusal.kind)
        ],
        "still_marked": [each.email for each in refusals if each.code != MARK_CHANGED],
    }
    with database.cursor() as cursor:
        cursor.execute(_FORGET_REMOVALS, parameters)
        return {email: (is_known, was_added) for email, is_known, was_added in cursor.fetchall()}


def _origin(was_added: bool | None, *, is_known: bool) -> Origin | None:
    """Tell the new origin of a contact; ``was_added`` is None when no answer tells whether we added it again."""
    if was_added:
        return Origin.ADDED
    if is_known:
        return None
    return Origin.ADDED if was_added is None else Origin.PRE_EXISTING


def record_one_reactivation(
    list_state_id: int,
    email: str,
    operation: BatchOperation,
    refused: RefusalKind | None,
    *,
    is_known: bool,
    was_added: bool | None,
) -> None:
    """Record the same of one contact that was sent manually; ``refused`` is None when the contact was taken."""
    if refused and _stays_removed(operation, refused):
        return
    gone, _models = RemovedContact.objects.filter(list_state=list_state_id, email=email).delete()
    origin = _origin(was_added, is_known=is_known) if gone and not refused else None
    if origin is not None:
        SyncedContact.objects.filter(list_state=list_state_id, email=email).update(origin=origin)


def _stays_removed(operation: BatchOperation, refused: RefusalKind) -> bool:
    """Tell whether a contact that was refused is still as the removal has left it."""
    return operation not in (BatchOperation.READD, BatchOperation.RESTORE) or refused != RefusalKind.SUPPRESSED
