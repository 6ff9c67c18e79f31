"""What became of a batch, in one transaction each: the batch, the list's state, *refused*, the exceptional
outcomes and the run's running counts. Every write is fenced by the run's attempt: a worker that wakes too late
changes nothing.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from django.db import IntegrityError, transaction
from django.db import connection as database
from django.db.models import Case, F, When

from config.platform.jobs import clock
from config.platform.jobs.leases import LeaseLost, lock_attempt
from connections.destinations.errors import DestinationError
from connections.destinations.values import (
    MAKE_ACTIVE,
    MARK_CHANGED,
    NOT_ACTIVE,
    ON_LIST_AGAIN,
    OWN_UNSUBSCRIBE,
    REMOVALS,
    BatchReceipt,
    ProfileRefusal,
    RefusalKind,
    Violation,
)
from exports.batches.writer import BatchResult, write_part
from exports.models import Batch, BatchStatus, Origin, Outcome, OutcomeKind, Run, StatusSource
from exports.privacy import erasure
from exports.results import left_out_values, rejections, removals, unknown_results
from exports.results import removals as results_removals
from exports.results.rejections import MatchedRows, match_rows
from exports.state.known_list import CHANGE_SENDER
from exports.state.plan_action import UNANSWERED, UNKNOWN_DATA

_READ = ("operation", "attempt", "size", "adds", "code", "converted")
# Batches of these kinds may add contacts to a list although they are known there.
_ADDING = [operation.value for operation in MAKE_ACTIVE]

# What the list holds of the contacts of a batch that were not refused, where the list state has none of them yet.
_INSERT_DELIVERED = """
    INSERT INTO exports_syncedcontact AS contact
           (list_state_id, email, data_hash, sent_by, last_run_id, added_run_id, origin, left_out)
    SELECT known.list_state_id, person.email, coalesce(%(unknown)s::uuid, person.data_hash),
           known.export_id, %(run)s, %(run)s,
           coalesce((%(origins)s::jsonb ->> person.email)::smallint, %(origin)s),
           %(left_out)s::jsonb -> person.email
      FROM exports_deliveredset known, exports_batch batch,
           unnest(batch.emails, batch.hashes) AS person (email, data_hash)
     WHERE known.id = %(set)s AND batch.id = %(batch)s AND person.email <> ALL (%(refused)s::text[])
       AND person.email <> ''
     ORDER BY person.email
"""

# The same where it may have some: the export becomes their last sender. A contact that an earlier run had added
# again already keeps the run that added it.
_UPSERT_DELIVERED = f"""
    {_INSERT_DELIVERED}
        ON CONFLICT (list_state_id, email)
        DO UPDATE SET {CHANGE_SENDER}, left_out = {left_out_values.MERGED},
                      origin = coalesce((%(origins)s::jsonb ->> contact.email)::smallint, contact.origin),
                      added_run_id = CASE WHEN (SELECT operation FROM exports_batch WHERE id = %(batch)s)
                                               = ANY (%(adding)s)
                                           AND contact.email <> ALL (%(already_active)s::text[])
                                          THEN excluded.added_run_id ELSE contact.added_run_id END
"""  # noqa: S608 - only our own fragments are put in


# Which of the rare facts about the list and the export are known at all, asked once for several batches.
_HISTORY = """
    SELECT EXISTS (SELECT FROM exports_removedcontact WHERE list_state_id = known.list_state_id),
           EXISTS (SELECT FROM exports_refused WHERE delivered_set_id = known.id),
           EXISTS (SELECT FROM exports_subscriberstatus WHERE list_state_id = known.list_state_id)
      FROM exports_deliveredset known WHERE known.id = %s
"""


@dataclass(frozen=True)
class _History:
    """Whether a removed contact, a refusal or a subscriber state is known from before these batches."""

    removals: bool
    refusals: bool
    subscriber_states: bool


@dataclass(frozen=True)
class _Delivered:
    """The contacts of a batch that the list holds now, as the parameters of the statement that writes them;
    whether the plan knew none of them."""

    parameters: Mapping[str, Any]
    all_new: bool


@transaction.atomic
def requeue_interrupted(run: Run) -> None:
    """Plan the batches again that were being sent when their worker died. It is unknown whether they arrived,
    and an import is an upsert. That worker may only be snapshot, so its calls may land even after these."""
    lock_attempt(run)
    sending = run.batches.filter(status=BatchStatus.SENDING)
    unknown_results.expect_late_calls(run, sending)
    erasure.drop_blank(run, list(sending.values_list("pk", flat=True)))
    sending.update(status=BatchStatus.PLANNED, code=UNANSWERED)


@transaction.atomic
def mark_sending(run: Run, batch_ids: Sequence[int]) -> list[Batch]:
    """Mark batches as being sent before their requests leave, and read what to send only then: contacts may
    have been taken out meanwhile."""
    lock_attempt(run)
    Batch.objects.filter(pk__in=batch_ids, status=BatchStatus.PLANNED).update(
        status=BatchStatus.SENDING, attempt=F("attempt") + 1, sent_at=clock.now()
    )
    intended = Batch.objects.filter(pk__in=batch_ids, status=BatchStatus.SENDING).order_by("number")
    columns = ("number", "size", "attempt", "converted", "emails", "payloads", "run_id", "operation")
    return list(intended.only(*columns))


@transaction.atomic
def unmark_sending(run: Run, batch_ids: Sequence[int]) -> None:
    """These batches have not left after all: they stand as before they were intended."""
    lock_attempt(run)
    never_left = Case(When(attempt__lte=1, then=None), default=F("sent_at"))
    Batch.objects.filter(pk__in=batch_ids, status=BatchStatus.SENDING).update(
        status=BatchStatus.PLANNED, attempt=F("attempt") - 1, sent_at=never_left
    )
    erasure.drop_blank(run, batch_ids)


@transaction.atomic
def record(run: Run, delivered_set_id: int, answered: Sequence[tuple[int, BatchResult]]) -> None:
    """Record the results of batches, by id: outcomes, list state and counts. Raises LeaseLost when another
    worker has the run."""
    lock_attempt(run)  # no contact is taken out of the batches meanwhile
    for batch_id, sent in answered:
        if sent.violations:
            _keep_violations(run, batch_id, sent.violations)
    batches = Batch.objects.only(*_READ).in_bulk([pk for pk, _sent in answered])
    history = _history_of(delivered_set_id)
    counts: Counter[str] = Counter()
    sent_to: list[int] = []
    delivered: list[_Delivered] = []
    for batch_id, sent in answered:
        batch = batches[batch_id]
        if batch.operation in REMOVALS:
            counts.update(results_removals.record_removals(run, batch, delivered_set_id, sent.receipt))
            counts["progress_done"] += batch.size
            continue
        added, contacts = _keep_receipt(run, batch, delivered_set_id, sent, had_removals=history.removals)
        counts.update(added)
        delivered.append(contacts)
        if not added["unknown"]:
            sent_to.append(batch_id)
    _keep_delivered(delivered)
    if history.refusals:
        rejections.forget_earlier_rejections(run, sent_to, delivered_set_id)
    if history.subscriber_states:
        rejections.forget_subscriber_states(run, sent_to)
    unknown_results.record_late(run, delivered_set_id, list(batches))
    _add_to_run(run, **counts)


def _history_of(delivered_set_id: int) -> _History:
    with database.cursor() as cursor:
        cursor.execute(_HISTORY, [delivered_set_id])
        return _History(*cursor.fetchone())


def _kept_out(refusals: Sequence[ProfileRefusal]) -> dict[str, str]:
    """Why the list keeps contacts out, by address."""
    return {
        each.email: NOT_ACTIVE if each.code == OWN_UNSUBSCRIBE else each.code
        for each in refusals
        if each.kind == RefusalKind.SUPPRESSED and each.code not in (ON_LIST_AGAIN, MARK_CHANGED)
    }


def _keep_receipt(
    run: Run, batch: Batch, delivered_set_id: int, sent: BatchResult, *, had_removals: bool
) -> tuple[Mapping[str, int], _Delivered]:
    """Record the receipt of a batch that sent contacts. Returns what it adds to the counts of the run, and the
    contacts that the list holds now, which are still to be written."""
    receipt = sent.receipt
    refusals = list(receipt.refusals)
    rows = match_rows(batch.emails, refusals) if refusals else MatchedRows((), 0)
    is_unknown = bool(rows.unmatched or receipt.unaccounted)
    taken_back = rejections.record_rejections(run, batch.pk, delivered_set_id, rows.refusals)
    rejections.record_subscriber_states(run, batch.pk, _kept_out(rows.refusals), StatusSource.SENDING)
    left = sum(kind == RefusalKind.SUPPRESSED for kind in taken_back)
    rejected = len(taken_back) - left
    others = batch.size - left - rejected
    contacts = _taken(run, batch, delivered_set_id, sent, rows, is_unknown=is_unknown, had_removals=had_removals)
    counts = {
        "delivered": 0 if is_unknown else others,
        "new_people": 0 if is_unknown else receipt.new,
        "left": left,
        "rejected": rejected,
    }
    unknown = others if is_unknown else 0
    Batch.objects.filter(pk=batch.pk).update(
        **counts,
        status=BatchStatus.DONE,
        unaccounted=unknown,
        finished_at=clock.now(),
        seconds=receipt.seconds,
        http_status=receipt.http_status,
        bytes_sent=receipt.bytes_sent,
        code="",
        message="",
    )
    return {**counts, "unknown": unknown, "progress_done": batch.size}, contacts


def _taken(
    run: Run,
    batch: Batch,
    delivered_set_id: int,
    sent: BatchResult,
    rows: MatchedRows,
    *,
    is_unknown: bool,
    had_removals: bool,
) -> _Delivered:
    """Return what the list holds now of the contacts that no row refuses, and forget their removals."""
    refused = [refusal.email for refusal in rows.refusals]
    reactivated = removals.Reactivated()
    if is_unknown:
        unknown_results.record_unknown(run, batch.pk, refused)
    elif had_removals:
        restores = bool(run.options.get("restores"))
        reactivated = removals.record_reactivations(
            batch, delivered_set_id, sent.receipt, rows.refusals, restores=restores
        )
    left_out = _keep_left_out(run, batch, sent, refused, is_unknown=is_unknown)
    parameters: dict[str, Any] = {
        "batch": batch.pk,
        "already_active": list(_already_active(batch, sent.receipt, reactivated)),
        "set": delivered_set_id,
        "run": run.pk,
        "refused": refused,
        "left_out": orjson.dumps(left_out).decode() if left_out else None,
        "fields": run.snapshot.mapped_fields,
        "origin": Origin.UNKNOWN if is_unknown else _origin(batch, sent.receipt, len(refused)),
        "origins": orjson.dumps(reactivated.origins).decode() if reactivated.origins else None,
        "unknown": UNKNOWN_DATA if is_unknown else None,
        "adding": _ADDING,
    }
    return _Delivered(parameters, all_new=batch.adds == batch.size)


def _keep_left_out(
    run: Run, batch: Batch, sent: BatchResult, refused: Sequence[str], *, is_unknown: bool
) -> Mapping[str, left_out_values.Stored]:
    """Keep the values that contacts were sent without; the codes by field of each contact."""
    left_out = left_out_values.planned(run, batch) if batch.converted else sent.left_out
    if not left_out:
        return {}
    return left_out_values.record(run, batch, left_out, list(left_out) if is_unknown else refused)


def _origin(batch: Batch, receipt: BatchReceipt, refused: int) -> Origin:
    """Tell the origin of the contacts of a batch that are new to the export. The answer gives counts, not
    contacts, so it tells only when all of the batch are new to the export, and all or none of them are new
    to the list."""
    if batch.adds != batch.size:
        return Origin.UNKNOWN
    if receipt.new == batch.size - refused:
        return Origin.ADDED
    none_new = receipt.new == 0 and not unknown_results.was_sent_before(batch)
    return Origin.PRE_EXISTING if none_new else Origin.UNKNOWN


@transaction.atomic
def requeue(run: Run, batch_id: int, not_before: datetime, trouble: DestinationError) -> None:
    """The batch goes out again, not before that moment. That an earlier call may have arrived is not forgotten."""
    lock_attempt(run)
    batch = Batch.objects.only("code", "http_status").get(pk=batch_id)
    Batch.objects.filter(pk=batch_id).update(
        status=BatchStatus.PLANNED,
        not_before=not_before,
        http_status=trouble.http_status,
        code=UNANSWERED if unknown_results.may_have_arrived(batch) else trouble.code,
        message=trouble.sentence,
    )
    erasure.drop_blank(run, [batch_id])


@transaction.atomic
def split(run: Run, batch_id: int, refused: DestinationError) -> None:
    """Let two halves go on for a batch that was refused as a whole."""
    lock_attempt(run)
    erasure.drop_blank(run, [batch_id])
    batch = Batch.objects.only("label", "size", "code", "http_status").get(pk=batch_id)
    code = UNANSWERED if unknown_results.may_have_arrived(batch) else ""
    middle = batch.size // 2
    for half, (first, last) in enumerate([(1, middle), (middle + 1, batch.size)], start=1):
        if first <= last:
            write_part(batch_id, f"{batch.label}.{half}", code, first=first, last=last)
    Batch.objects.filter(pk=batch_id).update(
        status=BatchStatus.SPLIT,
        finished_at=clock.now(),
        http_status=refused.http_status,
        code=refused.code,
        message=refused.sentence,
    )


def _keep_violations(run: Run, batch_id: int, violations: Mapping[str, Violation]) -> None:
    """Take contacts that the list cannot hold out of the batch, and count them as invalid instead of planned."""
    number = Batch.objects.values_list("number", flat=True).get(pk=batch_id)
    found = erasure.take_out(run, batch_id, list(violations))
    Outcome.objects.bulk_create(
        Outcome(
            run=run,
            batch_number=number,
            kind=OutcomeKind.INVALID,
            profile_id=profile_id,
            email=email,
            code=violations[email].code,
            message=violations[email].message,
        )
        for email, profile_id in found.items()
    )
    _add_to_run(run, members=len(found), invalid=len(found))


def _keep_delivered(batches: Sequence[_Delivered]) -> None:
    """Write the delivered contacts of batches to the list state."""
    if all(batch.all_new for batch in batches) and _insert_delivered(batches):
        return
    with database.cursor() as cursor:
        for batch in batches:
            cursor.execute(_UPSERT_DELIVERED, batch.parameters)


def _insert_delivered(batches: Sequence[_Delivered]) -> bool:
    """Insert the contacts of batches that were all new to the list state when the run was planned. An INSERT
    without ON CONFLICT takes 40 % less time. Returns False, with nothing inserted, when the list state has one
    of them by now: an earlier attempt may have sent it, or another export."""
    try:
        with transaction.atomic(), database.cursor() as cursor:
            for batch in batches:
                cursor.execute(_INSERT_DELIVERED, batch.parameters)
    except IntegrityError:
        return False
    return True


def _already_active(batch: Batch, receipt: BatchReceipt, reactivated: removals.Reactivated) -> Sequence[str]:
    """Return the contacts of a batch that an earlier run had added again already: its call stays the one that did.
    Where the batch was sent before, its own earlier call may have done so, unless a run had since the removal."""
    if receipt.added_again is None or unknown_results.was_sent_before(batch):
        return reactivated.added_earlier
    return sorted(set(batch.emails) - set(receipt.added_again))


def _add_to_run(run: Run, **increments: int) -> None:
    """Count onto the run's row if it is still ours; raises LeaseLost, and with it this transaction is undone."""
    values: dict[str, Any] = {name: F(name) + increment for name, increment in increments.items()}
    if not Run.objects.filter(pk=run.pk, attempt=run.attempt).update(**values):
        raise LeaseLost(f"run {run.pk}: attempt {run.attempt} is no longer the current one")
