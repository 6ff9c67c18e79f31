"""Before anything is planned: can this export run at all, and to which list?"""

from dataclasses import replace

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from config.platform.jobs import clock
from config.platform.jobs.models import JobStatus
from connections import credentials, vault
from connections.destinations.errors import PermanentError
from connections.destinations.values import ListDetails
from connections.models import Connection
from connections.policies import why_it_cannot_run
from exports import policies
from exports.models import DeliveredSet, Export, Run, Stage
from exports.models.snapshot import RunOptions, RunSnapshot
from exports.reporting import run_events
from exports.run import list_changes
from exports.state import claim, run_settings
from exports.state.status import Reason, StopRun, change_status
from segments import audience

LOOK_AGAIN_SECONDS = 2.0
_LONGEST_TITLE = 200


def check(run: Run) -> bool:
    """Take the snapshot of an export run, and its list. Returns False when the run has to wait: for a
    refresh of what it reads, or for another run to that list. Raises StopRun, or what the destination raises."""
    checked = _check_export(run)
    if checked is None:
        return False
    connection, snapshot = checked
    changes = list_changes.find(run, connection, snapshot)
    snapshot = replace(snapshot, emptied_fields=changes.emptied, extended_fields=changes.extended)
    if changes.changed:
        options = replace(snapshot.options, everyone=True)
        snapshot = replace(snapshot, changed_fields=changes.changed, options=options)
    return take_list(run, connection, snapshot)


def check_restore(run: Run) -> bool:
    """Do the same for a run that restores subscribers: it sends what was sent before, so that the fields of the
    list need not be compared."""
    checked = _check_export(run)
    return checked is not None and take_list(run, *checked)


def _check_export(run: Run) -> tuple[Connection, RunSnapshot] | None:
    """Return the connection and the snapshot of an export; None while the run waits for a refresh."""
    export = run.export
    connection = usable_connection(export.connection)
    _check_limits(run, connection)
    if _waits_for_refresh(run):
        return None
    _check_segments(export)
    details = look_up_list(connection, export.list_id, run)
    store_list_title(connection, details)
    _check_fields(export, details)
    snapshot = replace(
        run_settings.freeze(export, details),
        run=str(run.pk),
        options=RunOptions.kept(run.options),
        asked_in=run.asked_in.pk,
        clock_there=details.clock,
        clock_zone_known=details.clock_zone_known,
    )
    return connection, snapshot


def usable_connection(connection: Connection | None) -> Connection:
    """Return the connection of a run. Raises StopRun when there is none, or it cannot be used."""
    if connection is None:
        raise StopRun(JobStatus.FAILED, Reason.NO_CONNECTION)
    obstacle = why_it_cannot_run(connection)
    if obstacle is not None:
        raise StopRun(JobStatus.FAILED, Reason.CONNECTION_NOT_READY, str(obstacle.sentence))
    return connection


def _check_limits(run: Run, connection: Connection) -> None:
    """An export may be older than the limits, and so may what is asked of the run."""
    sentences = [breach.sentence for breach in policies.breaches_of(run.export, connection)]
    if run.options.get("resubscribe") and not connection.limited.may_resubscribe:
        sentences.append(policies.nobody_is_subscribed_again())
    if sentences:
        raise StopRun(JobStatus.FAILED, Reason.LIMITS, " ".join(sentences))


def _waits_for_refresh(run: Run) -> bool:
    """Whether a refresh of its segments, or of a data source, was asked for before the run. One that is asked for
    later does not hold it up: refresh after refresh would keep it waiting for good."""
    segments = list(run.export.segments.values_list("pk", flat=True))
    names = audience.open_refreshes(segments, asked_until=run.created_at)
    if names:
        waits_for = _("Waiting for: %(names)s.") % {"names": ", ".join(names)}
        claim.defer(run, LOOK_AGAIN_SECONDS, reason=Reason.REFRESH_UNDER_WAY, message=waits_for)
    return bool(names)


def _check_segments(export: Export) -> None:
    segments = list(export.segments.all())
    if not segments:
        raise StopRun(JobStatus.FAILED, Reason.NO_SEGMENTS)
    never = [segment.name for segment in segments if segment.refreshed_at is None]
    if never:
        raise StopRun(JobStatus.SKIPPED, Reason.SEGMENTS_NOT_REFRESHED, ", ".join(never))


def look_up_list(connection: Connection, list_id: str, run: Run) -> ListDetails:
    """The list with the clock of its dates. Which client it belongs to, the export knows from its last look-up."""
    group_id = run.export.list_group if run.export else ""
    try:
        access = credentials.access(connection)
        details = connection.destination.list_details(
            access, list_id, with_group=False, with_clock=True, group_id=group_id
        )
    except PermanentError as refused:
        raise StopRun(JobStatus.FAILED, Reason.LIST_REFUSED, refused.sentence) from refused
    except credentials.Paused:
        raise  # the run waits
    except vault.NotConnected as not_connected:
        raise StopRun(JobStatus.FAILED, Reason.CONNECTION_NOT_READY, str(not_connected)) from not_connected
    return details


def _check_fields(export: Export, details: ListDetails) -> None:
    missing = run_settings.missing_fields(export, details)
    if missing:
        sentence = run_settings.missing_fields_sentence(missing)
        raise StopRun(JobStatus.FAILED, Reason.FIELDS_MISSING, sentence)
    if export.connection is None:
        return
    unanswered = run_settings.unanswered(export, export.connection.destination.questions())
    if unanswered:
        sentence = _("Choose: %(questions)s.") % {"questions": ", ".join(unanswered)}
        raise StopRun(JobStatus.FAILED, Reason.FIELDS_MISSING, sentence)


def take_list(run: Run, connection: Connection, snapshot: RunSnapshot) -> bool:
    """Let the run have the list. The database allows one working run per list; another one waits in the queue."""
    try:
        with transaction.atomic():
            change_status(
                run,
                JobStatus.PROCESSING,
                stage=Stage.PLAN,
                checked_at=clock.now(),
                account=connection.account,
                list_id=run.target.list_id,
                snapshot=snapshot,
                resume_at=None,
            )
            run_events.emit_status(run)
    except IntegrityError:
        run.refresh_from_db()
        claim.defer(run, LOOK_AGAIN_SECONDS, reason=Reason.LIST_BUSY)
        return False
    return True


def store_list_title(connection: Connection, details: ListDetails) -> None:
    """Store the title that the list has now, and its client where that was asked, for every export to it and for
    what is known of it."""
    title = details.title[:_LONGEST_TITLE]
    exports = Export.objects.filter(connection=connection, list_id__iexact=details.list_id)
    exports.exclude(list_title=title).update(list_title=title)
    if details.group_id:
        exports.exclude(list_group=details.group_id).update(list_group=details.group_id)
    known = DeliveredSet.objects.filter(account=connection.account, list_id__iexact=details.list_id)
    known.exclude(list_title=title).update(list_title=title)
