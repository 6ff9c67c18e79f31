"""Restore the subscribers that a run removed: deleted ones are added again with the data last sent, marks are
cleared, and unsubscribed ones are subscribed again where the list dates their unsubscribe to the calls of the
run.

A restore is a run of the export that sends these contacts alone, with the lease, the guard of each request and
the results of every run. The state of each subscriber is looked up right before: those who have unsubscribed,
bounced or signed up since are left as they are. Restored contacts count as pre-existing: no run removes them
again.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection as database
from django.db import transaction
from django.utils.translation import gettext as _

from config.platform.jobs.leases import HeldLease
from config.platform.jobs.models import JobStatus
from connections.destinations.values import BatchOperation, Mark, RemovalTrace
from exports import policies
from exports.batches import encode
from exports.batches.writer import BatchContact, BatchWriter
from exports.models import DeliveredSet, ListState, Run
from exports.state.claim import enter_delivery
from exports.state.status import Reason, StopRun
from segments.privacy import erase

# When the run's calls that unsubscribed each contact went out and were answered, by the clock of the list's dates.
_CALLS = r"""
    SELECT person.email,
           to_char((run.snapshot ->> 'clock_there')::timestamp + (batch.sent_at - run.checked_at),
                   'YYYY-MM-DD HH24:MI:SS') AS since,
           to_char((run.snapshot ->> 'clock_there')::timestamp + (batch.finished_at - run.checked_at),
                   'YYYY-MM-DD HH24:MI:SS') AS until
      FROM exports_batch batch JOIN exports_run run ON run.id = batch.run_id
           CROSS JOIN unnest(batch.emails) AS person (email)
     WHERE batch.run_id = %(run)s AND batch.operation = 'unsubscribe' AND batch.status = 'done'
       AND coalesce(run.snapshot ->> 'clock_zone_known', 'true') = 'true'
       AND run.snapshot ->> 'clock_there' ~ '^\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?$'
"""
# The contacts that the run removed last, with what is known of them now; the first reason that applies counts.
# Whether a contact that the run unsubscribed has unsubscribed as well, only the list can tell.
_JUDGED = f"""
    SELECT removed.email, removed.operation, removed.mark_field, call.since, call.until,
           CASE WHEN contact.email IS NOT NULL THEN 'on_list'
                WHEN removed.operation = 'unsubscribe' AND coalesce(call.since, '') = '' THEN 'undated'
                WHEN imported.email IS NOT NULL THEN 'kept_out'
                WHEN status.email IS NOT NULL AND removed.operation <> 'unsubscribe' THEN 'kept_out'
                ELSE 'restorable' END AS verdict
      FROM exports_removedcontact removed
      LEFT JOIN ({_CALLS}) call ON call.email = removed.email
      LEFT JOIN exports_syncedcontact contact
        ON contact.list_state_id = removed.list_state_id AND contact.email = removed.email
      LEFT JOIN exports_subscriberstatus status
        ON status.list_state_id = removed.list_state_id AND status.email = removed.email
      LEFT JOIN exports_importedsuppression imported
        ON imported.list_state_id = removed.list_state_id AND imported.email = removed.email
     WHERE removed.list_state_id = %(list)s AND removed.run_id = %(run)s
"""  # noqa: S608 - only our own fragments are put in
# With the data that were sent last, as long as a batch still keeps them.
_WITH_DATA = f"""
    WITH judged AS ({_JUDGED}), sent AS (
        SELECT DISTINCT ON (person.email) person.email, person.profile_id, person.payload,
               person.data_hash::text AS data_hash, batch.converted, batch.run_id
          FROM exports_batch batch JOIN exports_run run ON run.id = batch.run_id
               CROSS JOIN unnest(batch.profile_ids, batch.emails, batch.payloads, batch.hashes)
                          AS person (profile_id, email, payload, data_hash)
         WHERE run.account = %(account)s AND run.list_id = %(list_id)s AND batch.status = 'done'
           AND batch.operation NOT IN ('mark', 'delete', 'unsubscribe') AND person.payload <> ''
           AND person.email IN (SELECT email FROM judged WHERE verdict = 'restorable')
         ORDER BY person.email, batch.id DESC)
"""  # noqa: S608 - only our own fragments are put in


@dataclass(frozen=True)
class Restorable:
    """How many of the subscribers that a run removed can be restored, and how many not, by reason."""

    deleted: int = 0
    marked: int = 0
    unsubscribed: int = 0  # by the run: if the list dates that to the run
    undated: int = 0  # unsubscribed by the run, and it is not known when by the list's clock
    kept_out: int = 0  # unsubscribed, bounced or suppressed since
    on_list: int = 0
    without_data: int = 0
    gone: int = 0  # erased, or removed again by a later run

    @property
    def people(self) -> int:
        """How many are restored."""
        return self.deleted + self.marked + self.unsubscribed


def count(run: Run) -> Restorable:
    """Count them as things are known now; the list has the last word when they are restored."""
    state = ListState.objects.filter(account=run.account, list_id=run.list_id).first()
    if state is None or not run.removed:
        return Restorable()
    with database.cursor() as cursor:
        cursor.execute(
            f"""{_WITH_DATA}
            SELECT CASE WHEN verdict = 'restorable' AND sent.email IS NULL THEN 'without_data'
                        WHEN verdict = 'restorable' AND operation = 'mark' THEN 'marked'
                        WHEN verdict = 'restorable' AND operation = 'unsubscribe' THEN 'unsubscribed'
                        WHEN verdict = 'restorable' THEN 'deleted' ELSE verdict END AS found, count(*)
              FROM judged LEFT JOIN sent ON sent.email = judged.email GROUP BY found
            """,  # noqa: S608 - only our own fragments are put in
            _parameters(run, state.pk),
        )
        counts: dict[str, int] = dict(cursor.fetchall())
    return Restorable(**counts, gone=max(0, run.removed - sum(counts.values())))


def check(run: Run) -> None:
    """Raise Refusal unless subscribers that the run removed can be restored now."""
    export = run.export
    if not run.removed:
        raise policies.Refusal(_("Run %(number)s removed no subscribers.") % {"number": run.number})
    policies.check_can_run(export)
    connection = export.connection
    if connection is None or (connection.account, export.list_id) != (run.account, run.list_id):
        raise policies.Refusal(_("The export no longer sends to the list of this run."))
    if BatchOperation.RESTORE not in connection.destination.capabilities.operations:
        raise policies.Refusal(_("This destination does not support restoring subscribers."))


def can_restore(run: Run) -> bool:
    """Whether the page of a run offers it."""
    if not run.removed or run.is_open or run.is_cleanup:
        return False
    try:
        check(run)
    except policies.Refusal:
        return False
    return True


@transaction.atomic
def plan(run: Run, lease: HeldLease) -> None:
    """Write the batches of the contacts to restore and let the run enter delivery. Raises LeaseLost, and
    StopRun when the list would email them."""
    erase.enter_erasure_barrier()
    removing_run = Run.objects.get(pk=run.options["restores"])
    known, _created = DeliveredSet.objects.get_or_create(
        export_id=run.export_id, account=run.account, list_id=run.list_id
    )
    writer = BatchWriter(run, run.destination.capabilities, lease)
    for person in _people(removing_run, known.list_state_id):
        writer.add(person)
    writer.flush()
    if writer.written and run.snapshot.confirmed_opt_in and not run.snapshot.opt_in_mail_accepted:
        sentence = _("The list emails restored subscribers to confirm. Accept that in the settings of the export.")
        raise StopRun(JobStatus.FAILED, Reason.OPT_IN_MAIL, sentence)
    enter_delivery(run, lease, planned=writer.written, members=writer.written, to_update=writer.written)


def _people(removing_run: Run, list_state_id: int) -> Iterator[BatchContact]:
    with database.cursor() as cursor:
        cursor.execute(
            f"""{_WITH_DATA}
            SELECT judged.email, operation, mark_field, since, until, profile_id, payload, data_hash, converted,
                   sent.run_id
              FROM judged JOIN sent ON sent.email = judged.email ORDER BY operation, judged.email
            """,  # noqa: S608 - only our own fragments are put in
            _parameters(removing_run, list_state_id),
        )
        rows = cursor.fetchall()
    runs = Run.objects.in_bulk({row[-1] for row in rows})
    readers = {pk: encode.reader(run.account, run.list_id, run.snapshot) for pk, run in runs.items()}
    destination = removing_run.destination
    mark_value = removing_run.snapshot.removal.mark_value
    for email, operation, mark_field, since, until, profile_id, payload, data_hash, converted, run_id in rows:
        data = payload if converted else readers[run_id](email, payload)
        trace = RemovalTrace(since or "", until or "")
        if operation == BatchOperation.MARK:
            data = destination.payload_without_mark(data, Mark(mark_field, ""))
            trace = RemovalTrace(mark=Mark(mark_field, mark_value))
        data = destination.restore_payload(data, trace)
        yield BatchContact(
            profile_id, email, data, data_hash, is_new=False, operation=BatchOperation.RESTORE, single=True
        )


def _parameters(removing_run: Run, list_state_id: int) -> dict[str, Any]:
    return {
        "list": list_state_id,
        "run": removing_run.pk,
        "account": removing_run.account,
        "list_id": removing_run.list_id,
    }
