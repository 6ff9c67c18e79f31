"""Notify people of exports and of a system refresh that have not run when their schedule said."""

from collections.abc import Iterator
from datetime import datetime
from itertools import chain

from django.core.cache import cache
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from config.console.models import RefreshStep, StepKind, SystemSchedule, SystemTick
from config.platform.jobs import clock
from config.platform.jobs.models import NOT_STARTED, JobStatus, TickResult
from config.platform.notifications import alerts
from config.platform.notifications.alerts import Alert, Subject
from config.platform.notifications.models import Kind
from exports.actions import manage as export_actions
from exports.models import Export
from exports.scheduler import overdue
from exports.scheduler.overdue import LateExport

_KIND, _KEY = "system", "refresh"
LOOK_EVERY_SECONDS = 60


def check_if_due() -> None:
    """Look, unless another process did within LOOK_EVERY_SECONDS."""
    if cache.add("lateness-looked-at", True, LOOK_EVERY_SECONDS):
        check_overdue()


def check_overdue() -> None:
    """Open and close the alerts of overdue exports and of the system refresh. The latter is one notification,
    however many exports wait for it, also to their addresses."""
    overdue.look(passed_by())
    alerts.reconcile([Kind.LATE], _KIND, _alerts(), existing=[_KEY])


def passed_by() -> Iterator[LateExport]:
    """Exports on the system schedule that the last system refresh that was due could not start, or whose run still
    waits."""
    if not SystemSchedule.objects.filter(is_on=True).exists():
        return
    steps = {step.target_id: step for step in _failed_export_steps()}
    for export in _exports_on_system_schedule().filter(pk__in=steps):
        yield LateExport(export, steps[export.pk].message or overdue.not_begun())


def _alerts() -> Iterator[Alert]:
    if why := _why():
        subject = Subject(_KIND, _KEY, _("System refresh"), reverse("system:schedule"))
        named = _exports_on_system_schedule().exclude(tell_also=[]).values_list("tell_also", flat=True)
        yield Alert(Kind.LATE, subject, why, also=list(chain.from_iterable(named)))


def _why() -> str:
    """Return why the system refresh is overdue; empty when it is not."""
    due_at = SystemSchedule.objects.filter(is_on=True).values_list("due_at", flat=True).first()
    if due_at is None:
        return ""
    last = SystemTick.objects.select_related("refresh").first()
    if last is not None and last.result in NOT_STARTED:
        return str(TickResult(last.result).label)
    waits = last is not None and last.refresh is not None and last.refresh.status == JobStatus.QUEUED
    return overdue.not_begun() if _is_late(due_at) or (waits and last and _is_late(last.due_at)) else ""


def _is_late(due_at: datetime) -> bool:
    return due_at < clock.now() - overdue.GRACE


def _exports_on_system_schedule() -> "QuerySet[Export]":
    return export_actions.exports_of_system_refresh().exclude(connection=None)


def _failed_export_steps() -> Iterator[RefreshStep]:
    """Yield steps of the last due refresh that could not be begun though nothing they wait for failed, and
    those whose run has not begun for long."""
    last = SystemTick.objects.exclude(refresh=None).values("refresh")[:1]
    of_exports = RefreshStep.objects.filter(refresh=last, kind=StepKind.EXPORT)
    ended = [JobStatus.FAILED, JobStatus.SKIPPED]
    yield from of_exports.filter(run=None, blocked_by=None, status__in=ended)
    long_ago = clock.now() - overdue.GRACE
    yield from of_exports.filter(run__status=JobStatus.QUEUED, run__created_at__lt=long_ago)
