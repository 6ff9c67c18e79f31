"""When the system is refreshed by itself: the one row that says so, and what becomes of its due moments."""

from datetime import timedelta

from django.conf import settings
from django.db import transaction

from config.jobs import clock
from config.jobs.models import JobStatus
from config.jobs.schedule import Rule, latest_due, next_due
from config.jobs.schedule_plain import from_plain
from config.jobs.system_schedule import State
from config.system.models import SystemRefresh, SystemSchedule, SystemTick

# Noticed later than this, a due moment was missed: nobody was there to look.
ON_TIME = timedelta(minutes=15)
SKIP = "SKIP"


def load() -> SystemSchedule:
    """The schedule; off until somebody switches it on."""
    rule = {"recurrence": "daily", "zone": settings.TIME_ZONE, "times": ["06:00"]}
    row, _created = SystemSchedule.objects.get_or_create(pk=SystemSchedule.THE_ONE, defaults={"rule": rule})
    return row


def rule_of(row: SystemSchedule) -> Rule:
    return from_plain(row.rule or {})


def state() -> State:
    """For every page that relies on it."""
    due = SystemSchedule.objects.filter(is_on=True).values_list("due_at", flat=True).first()
    return State(is_on=due is not None, next_due_at=due)


def start_due() -> SystemRefresh | None:
    """When the schedule is due, the refresh that comes of it; exactly one, however many clocks tick."""
    if not SystemSchedule.objects.filter(due_at__lte=clock.now()).exists():
        return None
    with transaction.atomic():
        row = SystemSchedule.objects.select_for_update().get(pk=SystemSchedule.THE_ONE)
        now = clock.now()
        if row.due_at is None or row.due_at > now:
            return None
        rule = rule_of(row)
        # Of what came due while nobody was there, the last is answered for all.
        tick = SystemTick(due_at=latest_due(rule, row.due_at, now), noticed_at=now)
        row.due_at = next_due(rule, now)
        row.save(update_fields=["due_at"])
        if SystemTick.objects.filter(due_at=tick.due_at).exists():
            return None  # the clock was set back
        _answer(tick)
        tick.save()
        return tick.refresh


def _answer(tick: SystemTick) -> None:
    """Decide what comes of a due moment. One refresh may wait while another is at work, and serves all that come
    due meanwhile."""
    tick.was_missed = tick.noticed_at - tick.due_at > ON_TIME
    if tick.was_missed and settings.MISSED_SCHEDULES == SKIP:
        tick.result = SystemTick.Result.PASSED_OVER
        return
    queued = SystemRefresh.objects.select_for_update(no_key=True).filter(status=JobStatus.QUEUED).first()
    if queued is not None:
        tick.result, tick.refresh = SystemTick.Result.JOINED, queued
        return
    tick.result = SystemTick.Result.STARTED
    tick.refresh = SystemRefresh.objects.create(trigger=SystemRefresh.Trigger.SCHEDULE)
