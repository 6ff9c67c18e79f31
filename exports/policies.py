"""Check what the present state allows, whichever user asks. permissions.py says what a user may do."""

from collections.abc import Iterable, Mapping

from django.db.models import Q
from django.utils.translation import gettext as _

from config.platform.jobs.models import ENDED_WELL, OPEN, JobStatus
from connections.models import Breach, Connection
from connections.policies import why_it_cannot_run
from exports.models import Export, Removal, Run, RunKind, Trigger
from exports.state import run_settings


class Refusal(Exception):
    """It cannot be done now; the sentence says why."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


def open_run(export: Export) -> Run | None:
    """The run that is queued or at work, if any."""
    return (
        export.runs.filter(~Q(kind=RunKind.LIST_CLEANUP), status__in=OPEN).select_related("requested_by").first()
    )


def open_cleanup(export: Export) -> Run | None:
    """The cleanup of a list that it leaves which is under way, or is tried again automatically."""
    waits = Q(status=JobStatus.FAILURE, resume_at__isnull=False)
    return export.runs.filter(Q(status__in=OPEN) | waits, kind=RunKind.LIST_CLEANUP).order_by("pk").first()


def check_stays(export: Export) -> None:
    """Raise Refusal when the export is about to go."""
    if export.is_being_removed:
        raise Refusal(
            _("“%(name)s” is being removed after its list cleanup. To keep it, cancel that run.")
            % {"name": export}
        )


def check_can_run(export: Export) -> None:
    """Raise Refusal when a run would only repeat another or could not send anything."""
    check_stays(export)
    if run := open_run(export):
        raise Refusal(already_running(run))
    connection = _usable_connection(export)
    leaving = run_settings.attributes_that_leave(export.mapping, export.answers)
    check_limits(connection, export.list_id, export.email_attribute, leaving, removal=export.removal)


def check_can_preview(export: Export) -> None:
    """Raise Refusal when a preview could not be computed."""
    check_stays(export)
    _usable_connection(export)


def _usable_connection(export: Export) -> Connection:
    if export.connection is None:
        raise Refusal(_("This export has no connection. Choose one first."))
    if obstacle := why_it_cannot_run(export.connection):
        raise Refusal(
            _("The connection “%(name)s” cannot be used: %(why)s")
            % {"name": export.connection, "why": obstacle.sentence}
        )
    return export.connection


def already_running(run: Run) -> str:
    """Who started the run that is under way."""
    if run.requested_by is None or run.trigger == Trigger.SCHEDULE:  # no user clicked
        return _("Run %(number)s is already in progress.") % {"number": run.number}
    return _("Run %(number)s is already in progress, started by %(person)s.") % {
        "number": run.number,
        "person": run.requested_by,
    }


def can_run(export: Export) -> bool:
    try:
        check_can_run(export)
    except Refusal:
        return False
    return True


def check_can_cancel(run: Run) -> None:
    """Raise Refusal when the run has ended for good."""
    if not run.is_open and run.next_try_at is None:
        raise Refusal(_("Run %(number)s has already ended.") % {"number": run.number})


def check_can_be_put_on(connection: Connection | None) -> None:
    """Raise Refusal when nothing new may begin to use the connection."""
    if connection is not None and connection.is_being_removed:
        raise Refusal(_("The connection “%(name)s” is being removed. Choose another one.") % {"name": connection})


def check_limits(
    connection: Connection,
    list_id: str,
    email_attribute: str,
    mapping: Iterable[Mapping[str, str]],
    *,
    removal: str = Removal.LEAVE,
) -> None:
    """Raise Refusal when the connection's limits forbid what an export would send or remove."""
    breaches = connection.limited.breaches(
        list_id=list_id, email_attribute=email_attribute, mapping=mapping, removes=takes_off(removal)
    )
    if breaches:
        raise Refusal(" ".join(breach.sentence for breach in breaches))


def breaches_of(export: Export, connection: Connection) -> list[Breach]:
    """What of an export's settings the limits of the connection forbid."""
    return connection.limited.breaches(
        list_id=export.list_id,
        email_attribute=export.email_attribute,
        mapping=run_settings.attributes_that_leave(export.mapping, export.answers),
        removes=takes_off(export.removal),
    )


def may_resubscribe(export: Export) -> bool:
    """Tell whether the connection allows suppressed contacts to be subscribed again."""
    return export.connection is not None and export.connection.limited.may_resubscribe


def nobody_is_subscribed_again() -> str:
    """What to say where it does not."""
    return _("The limits of the connection do not allow subscribing contacts again.")


def takes_off(removal: str) -> bool:
    """Tell whether the policy takes contacts off the list; marked ones stay."""
    return removal in (Removal.DELETE, Removal.UNSUBSCRIBE)


def reaches_everywhere(run: Run) -> bool:
    """Tell whether confirming the removals of a run takes contacts off all lists of the client."""
    if run.is_cleanup:
        return run.removal_guard == "reach" or bool(run.options["removal"]["unsubscribes_everywhere"])
    removes_so = run.export.removal == Removal.UNSUBSCRIBE
    return removes_so and (run.removal_guard == "reach" or run.export.unsubscribes_everywhere)


def check_can_confirm(run: Run) -> None:
    """Raise Refusal unless the run's removals still await a person's word."""
    if run.is_cleanup:
        check_can_restart_cleanup(run)
        return
    if not run.removals_held:
        raise Refusal(_("Run %(number)s has no removals awaiting confirmation.") % {"number": run.number})
    later = run.export.runs.filter(pk__gt=run.pk, kind=RunKind.EXPORT, status__in=ENDED_WELL)
    if later.exists():
        raise Refusal(_("A later run has recalculated the removals. Open that run."))
    check_can_run(run.export)


def check_can_restart_cleanup(run: Run) -> None:
    """Raise Refusal when the list cleanup has done what was asked, or another one is under way."""
    check_stays(run.export)
    if run.is_open or run.next_try_at:
        raise Refusal(already_running(run))
    if run.status == JobStatus.SUCCESSFUL:
        raise Refusal(_("Run %(number)s has removed all contacts that it could.") % {"number": run.number})
    cleanups = run.export.runs.filter(cleanup__delivered_set=run.cleanup.delivered_set_id)
    later = cleanups.filter(pk__gt=run.pk).order_by("pk").last()
    if later is not None:
        raise Refusal(_("Run %(number)s continued this list cleanup. Open that run.") % {"number": later.number})
    if run.connection is None:
        raise Refusal(_("No connection gives access to that list anymore."))


def can_confirm(run: Run) -> bool:
    try:
        check_can_confirm(run)
    except Refusal:
        return False
    return True


def check_has_segments(export: Export) -> None:
    """Raise Refusal when the export has no segments."""
    if not export.segments.exists():
        raise Refusal(_("“%(name)s” needs at least one segment. Choose another segment first.") % {"name": export})


def check_can_detach(export: Export) -> None:
    """Raise Refusal when there is nothing to detach, or while a run is under way."""
    if export.connection is None:
        raise Refusal(_("“%(name)s” has no connection.") % {"name": export})
    check_stays(export)
    _check_rests(export)


def check_can_change_connection(export: Export, connection: Connection | None) -> None:
    """Raise Refusal while a run is under way that would go on over another connection than it was checked for."""
    if export.connection is not None and connection != export.connection:
        _check_rests(export)


def check_can_remove(export: Export) -> None:
    """Raise Refusal while a run is under way, of whichever kind."""
    _check_rests(export)
    if run := open_cleanup(export):
        raise Refusal(
            _("Run %(number)s of “%(name)s” is cleaning up a list. Cancel it, or wait until it ends.")
            % {"number": run.number, "name": export}
        )


def _check_rests(export: Export) -> None:
    if run := open_run(export):
        raise Refusal(
            _("Run %(number)s of “%(name)s” is in progress. Cancel it, or wait until it ends.")
            % {"number": run.number, "name": export}
        )
