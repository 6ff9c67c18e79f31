"""When the system is refreshed by itself: the one row that says so, and what comes of its due moments."""

from django.conf import settings
from django.db import transaction

from config.console.models import SystemRefresh, SystemSchedule, SystemTick
from config.platform.jobs.models import JobStatus, TickResult
from config.platform.schedules import ticks
from config.platform.schedules.display import SystemState
from config.platform.schedules.next_due import Rule
from config.platform.schedules.serialize import from_plain
from config.platform.schedules.ticks import Due


def load() -> SystemSchedule:
    """Return the schedule; off until it is switched on."""
    rule = {"recurrence": "daily", "zone": settings.TIME_ZONE, "times": ["06:00"]}
    row, _created = SystemSchedule.objects.get_or_create(pk=SystemSchedule.THE_ONE, defaults={"rule": rule})
    return row


def rule_of(row: SystemSchedule) -> Rule:
    return from_plain(row.rule or {})


def state() -> SystemState:
    """For every page that relies on it."""
    due = SystemSchedule.objects.filter(is_on=True).values_list("due_at", flat=True).first()
    return SystemState(is_on=due is not None, next_due_at=due)


@transaction.atomic
def start_due() -> SystemRefresh | None:
    """When the schedule is due, the refresh that comes of it; exactly one, however many clocks tick."""
    due = ticks.claim_due(SystemSchedule.objects.all())
    # A moment that has its tick already comes due anew when a clock was set back.
    if not due or SystemTick.objects.filter(due_at=due[0].due_at).exists():
        return None
    tick = _answer(due[0])
    tick.save()
    return tick.refresh


def _answer(due: Due[SystemSchedule]) -> SystemTick:
    """What comes of a due moment. One refresh may wait while another is at work, and serves all that come due
    meanwhile."""
    if due.is_passed_over:
        return SystemTick(result=TickResult.PASSED_OVER, **due.record)
    queued = SystemRefresh.objects.select_for_update(no_key=True).filter(status=JobStatus.QUEUED).first()
    if queued is not None:
        return SystemTick(result=TickResult.JOINED, refresh=queued, **due.record)
    started = SystemRefresh.objects.create(trigger=SystemRefresh.Trigger.SCHEDULE)
    return SystemTick(result=TickResult.STARTED, refresh=started, **due.record)
