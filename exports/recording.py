"""What became of a batch, in one transaction each: the batch, *delivered*, *refused*, the exceptional outcomes and
the run's running counts. Every write is fenced by the run's attempt: a worker that wakes too late changes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection as database
from django.db import transaction
from django.db.models import F

from config.jobs import clock
from config.jobs.leases import LeaseLost, hold_fence
from connections.destinations.errors import DestinationError
from connections.destinations.values import (
    REMOVALS,
    BatchReceipt,
    OutcomeKind,
    ProfileRefusal,
    Violation,
)
from exports import recording_removals, returned
from exports.lines import Sent
from exports.models import Batch, BatchStatus, DeliveredSet, Origin, Outcome, Run
from exports.models import OutcomeKind as Outcomes
from exports.rights import disclosures, forgetting


@dataclass(frozen=True)
class Books:
    """Where it is written down what a list holds, and to which list people were ever sent, by their ids."""

    delivered_set_id: int
    disclosed_list_id: int

    @classmethod
    def of(cls, run: Run) -> "Books":
        known = DeliveredSet.objects.get(export=run.export_id, account=run.account, list_id=run.list_id)
        return cls(known.pk, disclosures.list_of(run.export, run.account, run.list_id, run).pk)


@transaction.atomic
def take_back_unanswered(run: Run) -> None:
    """Batches that were being sent when their worker died go out again: nobody knows whether they arrived, and
    an import is an upsert."""
    hold_fence(run)
    sending = run.batches.filter(status=BatchStatus.SENDING)
    forgetting.drop_blank(run, list(sending.values_list("pk", flat=True)))
    sending.update(status=BatchStatus.PLANNED)


@transaction.atomic
def intend(run: Run, batch_ids: Sequence[int]) -> list[Batch]:
    """Write that these batches are about to be sent, before the requests leave, and read what to send only then:
    somebody may have been taken out of it in between."""
    _add_to_run(run)
    Batch.objects.filter(pk__in=batch_ids, status=BatchStatus.PLANNED).update(
        status=BatchStatus.SENDING, attempt=F("attempt") + 1, sent_at=clock.now()
    )
    intended = Batch.objects.filter(pk__in=batch_ids, status=BatchStatus.SENDING).order_by("number")
    columns = ("number", "size", "attempt", "converted", "emails", "payloads", "run_id", "deed")
    return list(intended.only(*columns))


@transaction.atomic
def record(run: Run, books: Books, answered: Sequence[tuple[int, Sent]]) -> None:
    """Everybody in these batches (by id) has an outcome from here on."""
    hold_fence(run)  # nobody is taken out of the batches meanwhile
    disclosures.write_batches(books.disclosed_list_id, [batch_id for batch_id, _sent in answered])
    for batch_id, sent in answered:
        if sent.violations:
            _keep_violations(run, batch_id, sent.violations)
        _keep_receipt(run, batch_id, books.delivered_set_id, sent.receipt)


def _keep_receipt(run: Run, batch_id: int, delivered_set_id: int, receipt: BatchReceipt) -> None:
    batch = Batch.objects.only("deed", "attempt", "size", "adds").get(pk=batch_id)
    if batch.deed in REMOVALS:
        removals = recording_removals.record(run, batch, delivered_set_id, receipt)
        _add_to_run(run, **removals, progress_done=batch.size)
        return
    refusals = [refusal for refusal in receipt.refusals if refusal.kind != OutcomeKind.DELIVERED]
    taken_back = _keep_refusals(run, batch_id, delivered_set_id, refusals)
    left = sum(kind == OutcomeKind.LEFT for kind in taken_back)
    rejected = len(taken_back) - left
    refused = [refusal.email for refusal in refusals]
    _keep_delivered(run, batch_id, delivered_set_id, refused, _origin(batch, receipt, len(taken_back)))
    returned.record(batch, delivered_set_id, refused)
    Batch.objects.filter(pk=batch_id).update(
        status=BatchStatus.DONE,
        delivered=batch.size - left - rejected,
        new_people=receipt.new,
        left=left,
        rejected=rejected,
        unaccounted=receipt.unaccounted,
        finished_at=clock.now(),
        seconds=receipt.seconds,
        http_status=receipt.http_status,
        bytes_sent=receipt.bytes_sent,
        code="",
        message="",
    )
    _add_to_run(
        run,
        delivered=batch.size - left - rejected,
        new_people=receipt.new,
        left=left,
        rejected=rejected,
        progress_done=batch.size,
    )


def _origin(batch: Batch, receipt: BatchReceipt, refused: int) -> Origin:
    """Whether the export has brought the people of this batch who are new to it. The answer counts and names
    nobody, so it tells only when all of the batch are new to the export, and all of them or nobody to the list."""
    if batch.adds != batch.size or receipt.unaccounted:
        return Origin.UNKNOWN
    if receipt.new == batch.size - refused:
        return Origin.BROUGHT
    return Origin.FOUND_THERE if receipt.new == 0 and batch.attempt == 1 else Origin.UNKNOWN


@transaction.atomic
def put_back(run: Run, batch_id: int, not_before: datetime, trouble: DestinationError) -> None:
    """The batch goes out again, not before that moment."""
    _add_to_run(run)
    Batch.objects.filter(pk=batch_id).update(
        status=BatchStatus.PLANNED,
        not_before=not_before,
        http_status=trouble.http_status,
        code=trouble.code,
        message=trouble.sentence,
    )
    forgetting.drop_blank(run, [batch_id])


@transaction.atomic
def halve(run: Run, batch_id: int, refused: DestinationError) -> None:
    """Let two halves go on for a batch that was refused as a whole."""
    _add_to_run(run)
    forgetting.drop_blank(run, [batch_id])
    batch = Batch.objects.only("label", "size").get(pk=batch_id)
    middle = batch.size // 2
    for half, (first, last) in enumerate([(1, middle), (middle + 1, batch.size)], start=1):
        if first <= last:
            _copy_part(batch_id, f"{batch.label}.{half}", first, last)
    Batch.objects.filter(pk=batch_id).update(
        status=BatchStatus.SPLIT,
        finished_at=clock.now(),
        http_status=refused.http_status,
        code=refused.code,
        message=refused.sentence,
    )


def _copy_part(batch_id: int, label: str, first: int, last: int) -> None:
    with database.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO exports_batch (run_id, number, label, deed, adds, status, attempt, size, profile_ids,
                                       emails, payloads, hashes, converted, delivered, new_people, "left",
                                       rejected, unaccounted, code, message)
            SELECT run_id, (SELECT max(number) + 1 FROM exports_batch b WHERE b.run_id = batch.run_id), %(label)s,
                   deed, CASE WHEN adds = size THEN %(last)s - %(first)s + 1 ELSE 0 END,
                   'planned', 0, %(last)s - %(first)s + 1, profile_ids[%(first)s:%(last)s],
                   emails[%(first)s:%(last)s], payloads[%(first)s:%(last)s], hashes[%(first)s:%(last)s],
                   converted, 0, 0, 0, 0, 0, '', ''
              FROM exports_batch batch WHERE id = %(batch)s
            """,
            {"label": label, "first": first, "last": last, "batch": batch_id},
        )


def _keep_violations(run: Run, batch_id: int, violations: Mapping[str, Violation]) -> None:
    """People whom the list could not hold leave the batch, and are counted as invalid instead of planned."""
    number = Batch.objects.values_list("number", flat=True).get(pk=batch_id)
    found = forgetting.take_out(run, batch_id, list(violations))
    Outcome.objects.bulk_create(
        Outcome(
            run=run,
            batch_number=number,
            kind=Outcomes.INVALID,
            profile_id=profile_id,
            email=email,
            code=violations[email].code,
            message=violations[email].message,
        )
        for email, profile_id in found.items()
    )
    _add_to_run(run, members=len(found), invalid=len(found))


def _keep_delivered(
    run: Run, batch_id: int, delivered_set_id: int, refused: Sequence[str], origin: Origin
) -> None:
    parameters: dict[str, Any] = {
        "batch": batch_id,
        "set": delivered_set_id,
        "run": run.pk,
        "refused": list(refused),
        "origin": origin,
    }
    with database.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO exports_delivered
                   (delivered_set_id, email, data_hash, last_run_id, first_run_id, origin)
            SELECT %(set)s, person.email, person.data_hash, %(run)s, %(run)s, %(origin)s
              FROM exports_batch batch, unnest(batch.emails, batch.hashes) AS person (email, data_hash)
             WHERE batch.id = %(batch)s AND person.email <> ALL (%(refused)s::text[]) AND person.email <> ''
             ORDER BY person.email
                ON CONFLICT (delivered_set_id, email)
                DO UPDATE SET data_hash = excluded.data_hash, last_run_id = excluded.last_run_id
            """,
            parameters,
        )
        cursor.execute(
            """
            DELETE FROM exports_refused refused USING exports_batch batch
             WHERE (SELECT EXISTS (SELECT FROM exports_refused known WHERE known.delivered_set_id = %(set)s))
               AND batch.id = %(batch)s AND refused.delivered_set_id = %(set)s
               AND refused.email = ANY (batch.emails) AND refused.email <> ALL (%(refused)s::text[])
            """,
            parameters,
        )


def _keep_refusals(
    run: Run, batch_id: int, delivered_set_id: int, refusals: Sequence[ProfileRefusal]
) -> list[OutcomeKind]:
    """Keep an outcome for each refusal that names somebody of this batch; their kinds."""
    if not refusals:
        return []
    parameters: dict[str, Any] = {
        "batch": batch_id,
        "set": delivered_set_id,
        "run": run.pk,
        "emails": [refusal.email for refusal in refusals],
        "kinds": [refusal.kind.value for refusal in refusals],
        "codes": [refusal.code for refusal in refusals],
        "messages": [refusal.message for refusal in refusals],
        "passing": [refusal.may_pass for refusal in refusals],
    }
    with database.cursor() as cursor:
        cursor.execute(
            """
            WITH refusal AS (
                SELECT DISTINCT ON (person.email) person.*, said.kind, said.code, said.message, said.may_pass
                  FROM exports_batch batch,
                       unnest(batch.profile_ids, batch.emails, batch.hashes)
                           AS person (profile_id, email, data_hash),
                       unnest(%(emails)s::text[], %(kinds)s::text[], %(codes)s::text[], %(messages)s::text[],
                              %(passing)s::boolean[]) AS said (email, kind, code, message, may_pass)
                 WHERE batch.id = %(batch)s AND said.email = person.email
            ), known AS (
                SELECT email, data_hash, code FROM exports_refused
                 WHERE delivered_set_id = %(set)s AND email = ANY (%(emails)s) AND last_run_id <> %(run)s
            ), remembered AS (
                INSERT INTO exports_refused
                       (delivered_set_id, email, data_hash, code, ask_again, last_run_id, "left")
                SELECT %(set)s, email, data_hash, code, may_pass, %(run)s, kind = 'left'
                  FROM refusal WHERE email <> ''
                    ON CONFLICT (delivered_set_id, email)
                    DO UPDATE SET data_hash = excluded.data_hash, code = excluded.code,
                                  ask_again = excluded.ask_again, last_run_id = excluded.last_run_id,
                                  "left" = excluded."left"
            )
            INSERT INTO exports_outcome (run_id, batch_number, kind, profile_id, email, code, message, is_new)
            SELECT %(run)s, batch.number, kind, profile_id, email, refusal.code, refusal.message,
                   kind = 'rejected' AND NOT EXISTS (
                       SELECT FROM known WHERE (known.email, known.data_hash, known.code)
                                             = (refusal.email, refusal.data_hash, refusal.code))
              FROM refusal, exports_batch batch WHERE batch.id = %(batch)s
            RETURNING kind
            """,
            parameters,
        )
        return [OutcomeKind(kind) for (kind,) in cursor.fetchall()]


def _add_to_run(run: Run, **increments: int) -> None:
    """Count onto the run's row if it is still ours; raises LeaseLost, and with it this transaction is undone."""
    values: dict[str, Any] = {name: F(name) + increment for name, increment in increments.items()}
    if not Run.objects.filter(pk=run.pk, attempt=run.attempt).update(**values or {"attempt": F("attempt")}):
        raise LeaseLost(f"run {run.pk}: attempt {run.attempt} is no longer the current one")
