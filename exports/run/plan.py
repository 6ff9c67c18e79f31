"""Plan a run: compare the members of the segments with the list state, and write batches of what is to be sent.

PostgreSQL writes all members into a temporary table, each with an *action* (selection/diff.py), and splits
those to send into batches of mapped values (batches/writer.py). Contacts that left the segments become
batches of removals (removal/removal_plan.py). Values are encoded for the list when a batch is sent
(batches/encode.py), where it costs no time of its own. All of it is one transaction. The preview runs the same
code and rolls it back.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import closing

import orjson
from django.conf import settings
from django.db import connection as database
from django.db import transaction
from django.utils.translation import gettext as _

from config.platform.jobs.leases import HeldLease
from config.platform.jobs.models import JobStatus
from connections.destinations.base import Destination
from connections.destinations.values import Incomplete, Mark, SendSettings, Violation
from connections.models import Connection
from exports.batches.writer import BatchContact, BatchWriter, cut_into_batches
from exports.models import DeliveredSet, OutcomeKind, Run
from exports.models.snapshot import RunSnapshot
from exports.privacy import erasure
from exports.removal import removal_plan
from exports.results import contact_blocks, left_out_values
from exports.selection import diff, wants
from exports.selection.diff import UnchangedRows
from exports.selection.plan_counts import PlanCounts
from exports.state import known_list, run_settings
from exports.state.claim import enter_delivery, stop_if_canceled
from exports.state.known_list import KnownList
from exports.state.plan_action import (
    EXCLUDED,
    EXCLUDED_CODE,
    ON_LIST,
    OPERATIONS,
    RETURNING,
    SENT,
    PlanAction,
)
from exports.state.status import Reason, StopRun
from segments.privacy import erase

_FETCH = 2000


@transaction.atomic
def plan(run: Run, lease: HeldLease) -> None:
    """Write the run's batches and its exceptional outcomes, and let it enter delivery. Raises StopRun when the
    plan must not be sent, LeaseLost when another worker has the run."""
    delivered_set = _delivered_set(run)
    known = KnownList.of(delivered_set)
    erased_until = erase.last_erasure()
    left_out_values.send_again(known, _fields_to_check_again(run))
    is_shared = wants.is_shared(run, known)
    unchanged = _unchanged_rows(run, known, is_shared=is_shared)
    counts = diff.compute_diff(run.snapshot, known, unchanged=unchanged)
    _check_limits(run, counts)
    stop_if_canceled(run, lease)
    _record_excluded(run)
    still_suppressed = contact_blocks.keep_of_run(run, known)
    left_out_values.list_unchanged(run, known)
    writer = BatchWriter(run, run.destination.capabilities, lease)
    _cut_into_batches(run, writer)
    violations = _write_returning(run, writer) if writer.written < counts.to_send else 0
    planned = writer.written
    if is_shared:  # by then another export may send to the list; the plan would lack the unchanged contacts
        wants.record_wants(run, known)
    wants.record_overwritten(run, known)
    removals = removal_plan.plan(run, delivered_set, writer)
    erased, staying = _drop_erased(run, known, erased_until)
    enter_delivery(
        run,
        lease,
        planned=planned - erased,
        to_remove=removals.to_remove - staying,
        members=counts.members - erased,
        invalid=counts.invalid + violations,
        duplicates=counts.duplicate,
        excluded_by_segment=counts.exclusion,
        without_consent=counts.no_consent,
        held_out=counts.control,
        unchanged=counts.unchanged,
        still_refused=counts.kept_out,
        still_suppressed=still_suppressed,
        to_add=counts.to_add,
        to_update=counts.to_update,
        removals_held=removals.held,
        removal_guard=removals.removal_guard,
    )


def _fields_to_check_again(run: Run) -> Sequence[str]:
    """List the fields of which left-out values are judged again: those that can hold more by now, or all that are
    mapped where contacts with such values are excluded."""
    destination = run.destination
    snapshot: RunSnapshot = run.snapshot
    if destination.leaves_out_values(snapshot.answers):
        return snapshot.extended_fields
    return snapshot.mapped_fields


def _drop_erased(run: Run, known: KnownList, erased_until: int) -> tuple[int, int]:
    """Take contacts out of the plan that were erased after the erasure with the ID ``erased_until``. Returns how
    many of these were to be sent, and to be removed."""
    erase.enter_erasure_barrier()
    if erase.last_erasure() == erased_until:
        return 0, 0
    return erasure.drop_gone(run), erasure.drop_unknown(run, known.list_state_id)


def _delivered_set(run: Run) -> DeliveredSet:
    delivered_set, _created = DeliveredSet.objects.update_or_create(
        export_id=run.export_id,
        account=run.account,
        list_id=run.list_id,
        defaults={"list_title": str(run.snapshot.list_title)[:200]},
    )
    return delivered_set


def _check_limits(run: Run, counts: PlanCounts) -> None:
    unique = counts.people
    if unique > settings.MAX_PROFILES_PER_EXPORT:
        sentence = _("The segments have %(unique)d contacts with a valid email. The limit is %(limit)d.") % {
            "unique": unique,
            "limit": settings.MAX_PROFILES_PER_EXPORT,
        }
        raise StopRun(JobStatus.FAILED, Reason.TOO_MANY_PROFILES, sentence)
    _check_contract(run)
    emailed = counts.add + counts.readd
    if emailed and run.snapshot.confirmed_opt_in and not run.snapshot.opt_in_mail_accepted:
        sentence = _("%(type)s would email %(new)d new contacts to confirm.") % {
            "type": run.destination.label,
            "new": emailed,
        }
        raise StopRun(JobStatus.NEEDS_CONFIRMATION, Reason.OPT_IN_MAIL, sentence)


def _check_contract(run: Run) -> None:
    """Fail the run when exports over its connection would hold more contacts than the contract allows."""
    connection = run.export.connection
    limit = connection.limited.most_people if connection else None
    if connection is None or limit is None:
        return
    people = contacts_over(connection)
    if people > limit:
        sentence = _(
            "With this run, exports would have added %(people)d contacts with this connection. Its "
            "contract allows %(limit)d."
        ) % {"people": people, "limit": limit}
        raise StopRun(JobStatus.FAILED, Reason.TOO_MANY_PROFILES, sentence)


def contacts_over(connection: Connection) -> int:
    """Count the contacts that exports have sent over the connection, with those of the present plan."""
    with database.cursor() as cursor:
        cursor.execute(
            """
            SELECT count(*) FROM (
                SELECT email FROM plan WHERE action = ANY (%s)
                 UNION
                SELECT contact.email
                  FROM exports_syncedcontact contact,
                       (SELECT array_agg(id) AS ids FROM exports_export WHERE connection_id = %s) export
                 WHERE contact.list_state_id IN (SELECT list_state_id FROM exports_deliveredset
                                                  WHERE export_id = ANY (export.ids))
                   AND (contact.sent_by = ANY (export.ids) OR contact.other_exports && export.ids)) people
            """,
            [list(ON_LIST), connection.pk],
        )
        return int(cursor.fetchone()[0])


def compute_diff(
    snapshot: RunSnapshot,
    account: str,
    list_id: str,
    export_id: int | None,
    *,
    unchanged: UnchangedRows = UnchangedRows.NONE,
) -> PlanCounts:
    """Compute the actions of a plan that is not run, in a temporary table of this transaction."""
    return diff.compute_diff(snapshot, known_list.find(export_id, account, list_id), unchanged=unchanged)


def rows_for_contract(connection: Connection | None) -> UnchangedRows:
    """Return which unchanged contacts ``contacts_over`` needs in the plan; blocks where it needs none."""
    limit = connection.limited.most_people if connection else None
    return UnchangedRows.BLOCKS if limit is None else UnchangedRows.WITHOUT_VALUES


def _unchanged_rows(run: Run, known: KnownList, *, is_shared: bool) -> UnchangedRows:
    """Return which unchanged contacts the steps of the plan need."""
    if is_shared or left_out_values.exist(known):
        return UnchangedRows.WITHOUT_VALUES
    return rows_for_contract(run.export.connection)


def _record_excluded(run: Run) -> None:
    """Write outcomes for members that are excluded. Batches tell of all others."""
    with database.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO exports_outcome (run_id, kind, profile_id, email, code, message)
            SELECT %s, action, profile_id, coalesce(email, ''), {EXCLUDED_CODE}, ''
              FROM plan WHERE action = ANY (%s)
            """,  # noqa: S608 - only our own fragments are put in
            [run.pk, list(EXCLUDED)],
        )


def contacts_to_send(
    destination: Destination,
    settings: SendSettings,
    *,
    actions: Collection[PlanAction] = SENT,
    limit: int | None = None,
) -> Iterator[BatchContact | tuple[int, str, Violation]]:
    """Everyone to be sent by these actions, in the destination's form and in a stable order; or who cannot be,
    and why."""
    prepare = destination.preparer(settings)
    statement = "SELECT profile_id, email, mapped, data_hash::text, action, mark_field FROM plan"
    statement += " WHERE action = ANY (%s) ORDER BY array_position(%s, action), profile_id"
    if limit is not None:
        statement += f" LIMIT {int(limit)}"
    with closing(database.chunked_cursor()) as cursor:
        cursor.execute(statement, [list(actions), list(SENT)])
        while rows := cursor.fetchmany(_FETCH):
            for profile_id, email, mapped, data_hash, action, mark_field in rows:
                prepared = prepare(email, orjson.loads(mapped))
                left_out: Sequence[Violation] = ()
                if isinstance(prepared, Violation):
                    yield profile_id, email, prepared
                    continue
                if isinstance(prepared, Incomplete):
                    left_out, prepared = prepared.left_out, prepared.payload
                if mark_field:
                    prepared = destination.payload_without_mark(prepared, Mark(mark_field, ""))
                is_new, operation = action == PlanAction.ADD, OPERATIONS[action]
                yield BatchContact(profile_id, email, prepared, data_hash, is_new, operation, left_out=left_out)


def _cut_into_batches(run: Run, writer: BatchWriter) -> None:
    sizes = cut_into_batches(run, rows=writer.capabilities.batch_rows)
    writer.go_on_after(len(sizes), people=sum(sizes))
    stop_if_canceled(run, writer.lease)


def _write_returning(run: Run, writer: BatchWriter) -> int:
    """Batches of those who are sent in a way of their own; how many of them could not be converted."""
    destination = run.destination
    violations = 0
    settings = run_settings.send_settings(run.list_id, run.snapshot)
    for found in contacts_to_send(destination, settings, actions=RETURNING):
        if isinstance(found, BatchContact):
            writer.add(found)
            left_out_values.add_to_plan(run, found.profile_id, found.email, found.left_out)
        else:
            _record_violation(run, *found)
            violations += 1
    writer.flush()
    return violations


def _record_violation(run: Run, profile_id: int, email: str, violation: Violation) -> None:
    run.outcomes.create(
        kind=OutcomeKind.INVALID,
        profile_id=profile_id,
        email=email,
        code=violation.code,
        message=violation.message,
    )
