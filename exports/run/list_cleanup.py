"""Check and plan a list cleanup: remove the contacts that an export added to a list that it no longer uses.

Its batches are delivered and completed like those of every run.
"""

from dataclasses import replace

from django.db import transaction
from django.utils.translation import gettext as _

from config.platform.jobs.leases import HeldLease
from config.platform.jobs.models import JobStatus
from connections.destinations.values import ListDetails, ListOptIn
from connections.models import Connection
from exports.batches.writer import BatchWriter
from exports.models import DeliveredSet, Run
from exports.models.snapshot import RemovalSettings, RunOptions, RunSnapshot
from exports.privacy import erasure
from exports.removal import list_cleanup, removal_plan
from exports.run import check as run_check
from exports.state import run_settings
from exports.state.claim import enter_delivery
from exports.state.status import Reason, StopRun
from segments.privacy import erase


def check(run: Run) -> bool:
    """Freeze the settings and take the list that is cleaned up. Returns False when the run has to wait for another
    run to that list. Raises StopRun, or what the destination raises."""
    left = run.cleanup.delivered_set
    connection = run_check.usable_connection(run.connection)
    if why := _why_not_any_more(run, left, connection):
        raise StopRun(JobStatus.CANCELED, Reason.CLEANUP_NOT_NEEDED, why)
    details = run_check.look_up_list(connection, left.list_id, run)
    snapshot = _snapshot(run, connection, details)
    if missing := _missing_field(snapshot):
        raise StopRun(JobStatus.FAILED, Reason.FIELDS_MISSING, run_settings.missing_fields_sentence([missing]))
    return run_check.take_list(run, connection, snapshot)


@transaction.atomic
def plan(run: Run, lease: HeldLease) -> None:
    """Write the batches and let the run enter delivery. Raises LeaseLost when another worker has the run."""
    left = run.cleanup.delivered_set
    erased_until = erase.last_erasure()
    writer = BatchWriter(run, run.destination.capabilities, lease)
    removals = removal_plan.plan(run, left, writer)
    erase.enter_erasure_barrier()
    erased = erasure.drop_unknown(run, left.list_state_id) if erase.last_erasure() != erased_until else 0
    enter_delivery(
        run,
        lease,
        to_remove=removals.to_remove - erased,
        removals_held=removals.held,
        removal_guard=removals.removal_guard,
    )


def _why_not_any_more(run: Run, left: DeliveredSet, connection: Connection) -> str:
    """Say what forbids the cleanup by now; empty when nothing does."""
    export = run.export
    if connection.account != left.account:
        return _("The connection now uses another account.")
    if (
        not export.is_being_removed
        and export.connection
        and list_cleanup.is_at(left, export.connection, export.list_id)
    ):
        return _("The export sends to this list again.")
    return list_cleanup.why_forbidden(connection, left.list_id, list_cleanup.CleanupSettings.asked_of(run).how)


def _snapshot(run: Run, connection: Connection, details: ListDetails) -> RunSnapshot:
    """Return the settings that the cleanup depends on."""
    options = RunOptions.kept(run.options)
    removal = RemovalSettings(**options.removal or {})
    return RunSnapshot(
        run=str(run.pk),
        export_version=run.export.version,
        connection=str(connection),
        list_title=details.title,
        confirmed_opt_in=details.opt_in == ListOptIn.CONFIRMED,
        fields=details.fields,
        options=options,
        removal=replace(removal, unsubscribe_scope=details.unsubscribe_scope),
        clock_there=details.clock,
        clock_zone_known=details.clock_zone_known,
    )


def _missing_field(snapshot: RunSnapshot) -> str:
    """The field to mark in, if the list does not have it."""
    mark = run_settings.mark_of(snapshot.removal)
    known = {field.key for field in snapshot.fields}
    return mark.field_key if mark and mark.field_key not in known else ""
