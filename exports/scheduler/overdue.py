"""Notify people of exports that have not run when their schedule said."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.urls import reverse
from django.utils.translation import gettext as _

from config.platform.jobs import clock
from config.platform.jobs.models import NOT_STARTED, JobStatus, TickResult
from config.platform.notifications import alerts
from config.platform.notifications.alerts import Alert
from config.platform.notifications.models import Kind
from exports.models import Export, ExportSchedule, ExportTick
from exports.reporting.alerts import subject_of

# So long after its due moment an export is late.
GRACE = timedelta(hours=1)


@dataclass(frozen=True)
class LateExport:
    """An export that has not run when it should, and why in a sentence."""

    export: Export
    why: str


def look(following_system: Iterable[LateExport] = ()) -> None:
    """Open and close the alerts of overdue exports: those with a schedule of their own, and ``following_system``,
    which the system refresh could not start. The number of queries does not grow with the exports."""
    existing = {str(pk) for pk in Export.objects.values_list("pk", flat=True)}
    alerts.reconcile([Kind.LATE], "export", _alerts(following_system), existing=existing)


def _alerts(following_system: Iterable[LateExport]) -> Iterator[Alert]:
    for late in chain(_late_by_their_own_schedule(), following_system):
        subject = subject_of(late.export, reverse("exports:runs", args=[late.export.pk]))
        yield Alert(Kind.LATE, subject, late.why, also=late.export.tell_also)


def _late_by_their_own_schedule() -> Iterator[LateExport]:
    for schedule in _late().select_related("export"):
        yield LateExport(schedule.export, _why(schedule))


def _late() -> "QuerySet[ExportSchedule]":
    """Select schedules whose last due moment started no run, whose run still waits, or that no worker noticed."""
    long_ago = clock.now() - GRACE
    last = ExportTick.objects.filter(export=OuterRef("export")).order_by("-due_at")
    asked = ExportSchedule.objects.filter(is_on=True, rule__isnull=False, export__removal_asked_at=None).annotate(
        last_result=Subquery(last.values("result")[:1]),
        last_due_at=Subquery(last.values("due_at")[:1]),
        last_status=Subquery(last.values("run__status")[:1]),
    )
    waits = Q(last_status=JobStatus.QUEUED, last_due_at__lt=long_ago)
    return asked.filter(Q(due_at__lt=long_ago) | Q(last_result__in=NOT_STARTED) | waits)


def _why(schedule: ExportSchedule) -> str:
    result = getattr(schedule, "last_result", None)
    if result in NOT_STARTED:
        return str(TickResult(result).label)
    return not_begun()


def not_begun() -> str:
    """Of what still waits after GRACE."""
    return _("The run was due more than an hour ago and has not started.")
