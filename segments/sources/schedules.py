"""Import the files and queries of data sources again when their schedules are due."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from config.platform.accounts.models import User
from config.platform.jobs.models import OPEN, TickResult
from config.platform.schedules import ticks
from config.platform.schedules.save import save_schedule
from config.platform.schedules.ticks import Due
from segments import permissions
from segments.models import DataSource, SourceSchedule, SourceTick
from segments.sources.actions import refresh_data_source


def schedule_of(source: DataSource) -> SourceSchedule:
    """Return the schedule of a data source, or a new unsaved one."""
    found: SourceSchedule | None = getattr(source, "schedule", None)
    return found or SourceSchedule(source=source)


@transaction.atomic
def set_schedule(
    source: DataSource, *, is_on: bool, rule: Mapping[str, Any] | None, version: int, by: User | None
) -> SourceSchedule:
    """Save when a data source is refreshed automatically. Raises StaleEdit when another user saved since
    ``version`` was read, PermissionDenied, and WrongRule."""
    permissions.check_can_manage_data_sources(by)
    locked = DataSource.objects.select_for_update(no_key=True).get(pk=source.pk)
    schedule, _created = SourceSchedule.objects.get_or_create(source=locked)
    return save_schedule(schedule, is_on=is_on, rule=rule, version=version, by=by)


def refreshed_with_system() -> "QuerySet[DataSource]":
    """Return the data sources that every system refresh includes."""
    return DataSource.refreshable().filter(Q(schedule=None) | Q(schedule__is_on=True, schedule__rule__isnull=True))


@transaction.atomic
def start_due_imports() -> int:
    """Queue the imports of one batch of due data sources, and record each due moment. Returns how many were
    due."""
    schedules = SourceSchedule.objects.select_related("source")
    claimed = ticks.claim_due(schedules, lock=("self", "source"))
    due = ticks.not_yet_noticed(claimed, SourceTick.objects.all(), owner="source")
    for found in due:
        _start(found)
    return len(due)


def _start(found: Due[SourceSchedule]) -> None:
    source = found.schedule.source
    job, result = None, TickResult.PASSED_OVER
    if not source.is_refreshable:
        result = TickResult.IMPOSSIBLE
    elif not found.is_passed_over:
        before = set(source.imports.filter(status__in=OPEN).values_list("pk", flat=True))
        job = refresh_data_source(source, by=None)
        result = TickResult.JOINED if job.pk in before else TickResult.STARTED
    SourceTick.objects.create(source=source, job=job, result=result, **found.record)
