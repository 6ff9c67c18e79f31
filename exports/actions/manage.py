"""Create, edit, schedule, duplicate, detach and remove exports. Each action is one transaction and is recorded in
the audit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from config.platform.accounts.models import User
from config.platform.audit.record import record
from config.platform.notifications import alerts
from config.platform.notifications.alerts import Subject
from config.platform.schedules.save import save_schedule
from config.platform.web.versions import take_version
from connections.models import Connection
from connections.permissions import check_can_use, user_can_manage_connections
from exports import permissions, policies
from exports.actions.runs import stop_cleanup_of_current_list
from exports.feedback import drift_alerts
from exports.models import ControlMode, Export, ExportSchedule, ListState, ListWatch, Removal
from exports.privacy import disclosures
from exports.selection import wants
from exports.state import run_settings
from segments.models import Segment

_PLAIN_FIELDS = (
    "name",
    "tags",
    "list_id",
    "list_title",
    "list_confirmed_opt_in",
    "list_group",
    "email_attribute",
    "mapping",
    "answers",
    "opt_in_mail_accepted",
    "removal",
    "mark_field",
    "mark_value",
    "unsubscribes_everywhere",
    "control_mode",
    "control_percentage",
    "control_field",
)


@dataclass(frozen=True)
class ExportSettings:
    """All that a person decides about an export."""

    name: str
    connection: Connection | None
    list_id: str
    email_attribute: str
    segments: Sequence[Segment]
    tags: Sequence[str] = ()
    mapping: Sequence[Mapping[str, str]] = ()
    answers: Mapping[str, str] = field(default_factory=dict)
    list_title: str = ""
    list_confirmed_opt_in: bool = False
    list_group: str = ""
    opt_in_mail_accepted: bool = False
    removal: str = Removal.LEAVE
    mark_field: str = ""
    mark_value: str = ""
    unsubscribes_everywhere: bool = False
    control_mode: str = ControlMode.OFF
    control_percentage: int = 0
    control_field: str = ""

    def __post_init__(self) -> None:
        """One list is written in one way, by which runs on it are kept apart and its people are known."""
        if self.connection is not None:
            written = self.connection.destination.one_way_to_write(self.list_id)
            object.__setattr__(self, "list_id", written)


@transaction.atomic
def create(settings: ExportSettings, *, by: User | None) -> Export:
    """A new export; it does not run by being saved. Raises PermissionDenied when ``by`` may not use the
    connection, and policies.Refusal."""
    _check_connection(settings, by)
    _check_reach(settings, None, by)
    export = Export(created_by=by)
    _apply(export, settings)
    export.save()
    export.segments.set(settings.segments)
    record(
        "created", export, by=by, changes={"settings": (None, audited_settings(export))}, version=export.version
    )
    return export


@transaction.atomic
def edit(export: Export, settings: ExportSettings, *, version: int, by: User | None) -> Export:
    """Change an export that was read at ``version``. Raises StaleEdit when it was changed since,
    PermissionDenied when ``by`` may not use its connection or the new one, and policies.Refusal."""
    take_version(export, version)
    export.refresh_from_db()
    policies.check_stays(export)
    if by is not None:
        permissions.check_can_manage(by, export)
    policies.check_can_change_connection(export, settings.connection)
    _check_connection(settings, by)
    _check_reach(settings, export, by)
    before = audited_settings(export)
    _apply(export, settings)
    export.save()
    export.segments.set(settings.segments)
    after = audited_settings(export)
    changes = {name: (before[name], after[name]) for name in after if before[name] != after[name]}
    record("edited", export, by=by, changes=changes, version=export.version)
    stop_cleanup_of_current_list(export, by)
    return export


@transaction.atomic
def put_segment(export: Export, segment: Segment, *, holds: bool, by: User) -> None:
    """Let the export send the segment, or not any longer, with its next run. Raises PermissionDenied, and
    policies.Refusal when nothing would be left to send."""
    export = Export.objects.select_for_update(of=("self",)).get(pk=export.pk)
    permissions.check_can_manage(by, export)
    policies.check_stays(export)
    if export.segments.filter(pk=segment.pk).exists() == holds:
        return
    before = audited_settings(export)
    take_version(export, export.version)
    if holds:
        export.segments.add(segment)
    else:
        export.segments.remove(segment)
        policies.check_has_segments(export)
    # A user who accepted that contacts are emailed did not accept it for other segments.
    export.opt_in_mail_accepted = False
    export.save(update_fields=["opt_in_mail_accepted"])
    after = audited_settings(export)
    changes = {name: (before[name], after[name]) for name in after if before[name] != after[name]}
    record("edited", export, by=by, changes=changes, version=export.version)


@transaction.atomic
def duplicate(export: Export, *, by: User | None) -> Export:
    """Copy an export under a free name. The copy has sent nothing yet, and its schedule is off."""
    copy = Export(created_by=by, connection=export.connection, name=_free_name(export.name))
    for name in _PLAIN_FIELDS[1:]:
        setattr(copy, name, getattr(export, name))
    # That contacts are emailed has to be accepted again for the new export.
    copy.opt_in_mail_accepted = False
    copy.tell_also = export.tell_also
    copy.save()
    copy.segments.set(export.segments.all())
    copy_schedule_off(export, copy)
    record("duplicated", copy, by=by, changes={"from": (None, export.name)}, version=copy.version)
    return copy


@transaction.atomic
def remove(export: Export, *, by: User | None) -> None:
    """Remove an export with its runs; contacts already sent stay at the destination. Raises policies.Refusal
    while a run is under way."""
    Export.objects.select_for_update().get(pk=export.pk)
    policies.check_can_remove(export)
    record("removed", export, by=by, changes={"settings": (audited_settings(export), None)})
    alerts.forget(Subject("export", str(export.pk), export.name))
    for run_id in export.runs.filter(disclosed_at=None).values_list("pk", flat=True):
        disclosures.settle(run_id, wait=True)
    export.delete()
    forget_lists_without_exports()


def forget_lists_without_exports() -> None:
    """Delete what is known of lists to which no export sends any more. One that has not run yet needs it, too: so
    it adds contacts again who were removed. A suppression list stays until a user removes it: another export to
    the list must not send to these addresses."""
    for state in ListState.objects.filter(sets=None):
        if wants.exports_to(state.account, state.list_id, but=None):
            continue
        drift_alerts.forget(state)
        if state.imported.exists():
            for known in (state.contacts, state.statuses, state.removed, state.comparisons):
                known.all().delete()
            ListWatch.objects.filter(list_state=state).delete()  # another one reads the list from its beginning
        else:
            state.delete()


@transaction.atomic
def detach(export: Export, *, by: User | None) -> None:
    """Take the export off its connection: it keeps its settings and what it delivered, and does not run until it
    has another. Raises policies.Refusal while a run is under way."""
    locked = Export.objects.select_for_update(of=("self",)).get(pk=export.pk)
    policies.check_can_detach(locked)
    take_version(locked, locked.version)
    changes = {"connection": (str(locked.connection), None)}
    locked.connection = None
    locked.save(update_fields=["connection"])
    record("detached", locked, by=by, changes=changes, version=locked.version)


@transaction.atomic
def set_alert_recipients(export: Export, addresses: Sequence[str], *, version: int, by: User | None) -> None:
    """Set the addresses that get the alerts of this export. Raises StaleEdit and PermissionDenied."""
    take_version(export, version)
    export.refresh_from_db()
    if by is not None:
        permissions.check_can_manage(by, export)
    changes = {"tell_also": (export.tell_also, list(addresses))}
    export.tell_also = list(addresses)
    export.save(update_fields=["tell_also"])
    record("edited", export, by=by, changes=changes, version=export.version)


def audited_settings(export: Export) -> dict[str, Any]:
    """An export's settings in plain values, for the record."""
    plain = {name: getattr(export, name) for name in _PLAIN_FIELDS}
    return plain | {
        "tags": ", ".join(export.tags),
        "connection": str(export.connection) if export.connection else None,
        "segments": sorted(export.segments.values_list("name", flat=True)),
    }


def _check_connection(settings: ExportSettings, by: User | None) -> None:
    """Check that the user may use the connection, and that the settings keep to its limits as they are now,
    whether they come from a page, a file or another request."""
    if settings.connection is None:
        return
    connection = Connection.objects.get(pk=settings.connection.pk)
    if by is not None:
        check_can_use(by, connection)
    policies.check_can_be_put_on(connection)
    leaving = run_settings.attributes_that_leave(settings.mapping, settings.answers)
    policies.check_limits(
        connection, settings.list_id, settings.email_attribute, leaving, removal=settings.removal
    )


def _check_reach(settings: ExportSettings, before: Export | None, by: User | None) -> None:
    """Let only administrators choose to unsubscribe contacts from all lists of a client."""
    if not settings.unsubscribes_everywhere or by is None or user_can_manage_connections(by):
        return
    if before is None or not before.unsubscribes_everywhere or before.list_id != settings.list_id:
        raise policies.Refusal(
            _("Unsubscribing would apply to all lists of the client. Only an administrator can choose this.")
        )


def _apply(export: Export, settings: ExportSettings) -> None:
    for name in _PLAIN_FIELDS:
        setattr(export, name, getattr(settings, name))
    export.tags = list(settings.tags)
    export.mapping = [dict(pair) for pair in settings.mapping]
    export.answers = dict(settings.answers)
    export.connection = settings.connection


def _free_name(name: str) -> str:
    base = _("%(name)s – copy") % {"name": name[:90]}  # the longest name has room for the words and a number
    candidate, number = base, 2
    while Export.objects.filter(name__iexact=candidate).exists():
        candidate, number = f"{base} {number}", number + 1
    return candidate


def schedule_of(export: Export) -> ExportSchedule:
    """Return the schedule of the export; a new one, not saved, while none was chosen."""
    found: ExportSchedule | None = getattr(export, "schedule", None)
    return found or ExportSchedule(export=export)


def scheduled_exports() -> "QuerySet[Export]":
    """Exports that run automatically, by any schedule."""
    return Export.objects.filter(Q(schedule=None) | Q(schedule__is_on=True), removal_asked_at=None)


def exports_of_system_refresh() -> "QuerySet[Export]":
    """Exports that every system refresh runs."""
    return scheduled_exports().filter(Q(schedule=None) | Q(schedule__rule__isnull=True))


def copy_schedule_off(export: Export, copy: Export) -> None:
    """Give ``copy`` the schedule of ``export``, switched off."""
    ExportSchedule.objects.create(export=copy, is_on=False, rule=schedule_of(export).rule)


@transaction.atomic
def set_schedule(
    export: Export, *, is_on: bool, rule: Mapping[str, Any] | None, version: int, by: User | None
) -> ExportSchedule:
    """Choose when ``export`` runs on schedule. Raises StaleEdit when it was changed since ``version`` was read,
    PermissionDenied, and WrongRule."""
    locked = Export.objects.select_for_update(of=("self",)).select_related("connection").get(pk=export.pk)
    if by is not None:
        permissions.check_can_manage(by, locked)
    schedule, _created = ExportSchedule.objects.get_or_create(export=locked)
    return save_schedule(schedule, is_on=is_on, rule=rule, version=version, by=by)
