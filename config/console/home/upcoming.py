"""List what runs next without a click: scheduled runs and refreshes, and failed runs that are retried."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from django.db.models import Q
from django.db.models.functions import Least
from django.urls import reverse
from django.utils.translation import gettext as _

from config.platform.jobs.models import JobStatus
from config.platform.schedules.display import SystemState
from config.platform.text.word_lists import join_words
from exports.models import Export, Run
from segments.models import SegmentSchedule, SourceSchedule

MOST = 6


@dataclass(frozen=True)
class Upcoming:
    """One thing that is due: when, what, and where it is shown."""

    at: datetime
    icon: str
    name: str
    note: str
    url: str


def next_events(system: SystemState) -> list[Upcoming]:
    """Return what is due first, the earliest first. One query for each kind of schedule."""
    found = chain(_system_refresh(system), _exports(), _retries(), _segments(), _sources())
    return sorted(found, key=lambda each: each.at)[:MOST]


def _system_refresh(system: SystemState) -> Iterator[Upcoming]:
    if system.is_on and system.next_due_at is not None:
        note = _("Data sources, segments and exports without a schedule of their own")
        yield Upcoming(system.next_due_at, "refresh-cw", _("System refresh"), note, reverse("system:status"))


def _exports() -> Iterator[Upcoming]:
    """Yield scheduled runs, and runs after data sources and other exports, by one query."""
    is_scheduled = Q(schedule__due_at__isnull=False, connection__isnull=False)
    waiting = Export.objects.filter(is_scheduled | Q(triggered_start__isnull=False), removal_asked_at=None)
    first = Least("schedule__due_at", "triggered_start__due_at")  # of PostgreSQL: NULL does not count
    for export in waiting.select_related("schedule", "triggered_start").order_by(first)[:MOST]:
        url = reverse("exports:runs", args=[export.pk])
        if export.connection_id and (schedule := getattr(export, "schedule", None)) and schedule.due_at:
            yield Upcoming(schedule.due_at, "send", export.name, _("Scheduled run"), url)
        if noted := getattr(export, "triggered_start", None):
            note = _("Run after %(names)s") % {"names": join_words(noted.causes)}
            yield Upcoming(noted.due_at, "workflow", export.name, note, url)


def _retries() -> Iterator[Upcoming]:
    waiting = Run.objects.filter(status=JobStatus.FAILURE, resume_at__isnull=False).order_by("resume_at")
    for run in waiting.select_related("export")[:MOST]:
        if at := run.next_try_at:
            note = _("Retry of run %(number)s") % {"number": run.number}
            yield Upcoming(at, "rotate-cw", run.export.name, note, reverse("exports:run", args=[run.pk]))


def _segments() -> Iterator[Upcoming]:
    due = SegmentSchedule.objects.filter(due_at__isnull=False, segment__is_active=True)
    for schedule in due.select_related("segment").order_by("due_at")[:MOST]:
        if at := schedule.due_at:
            url = reverse("segments:detail", args=[schedule.segment_id])
            yield Upcoming(at, "chart-pie", schedule.segment.name, _("Segment refresh"), url)


def _sources() -> Iterator[Upcoming]:
    due = SourceSchedule.objects.filter(due_at__isnull=False).select_related("source").order_by("due_at")
    for schedule in due[:MOST]:
        if at := schedule.due_at:
            url = reverse("segments:data_sources")
            yield Upcoming(at, "database", schedule.source.name, _("Data source refresh"), url)
