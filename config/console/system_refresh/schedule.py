"""Read the schedule of the system refresh, start refreshes that are due, and delete old ones."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction

from config.console.models import SystemRefresh, SystemSchedule, SystemTick
from config.platform.jobs import clock, enqueue
from config.platform.jobs.models import OPEN, JobStatus, TickResult
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
    """Read the state of the system refresh, for every page that relies on it."""
    due = SystemSchedule.objects.filter(is_on=True).values_list("due_at", flat=True).first()
    return SystemState(is_on=due is not None, next_due_at=due)


@transaction.atomic
def start_due() -> SystemRefresh | None:
    """Start the refresh of a due moment; exactly one, however many clocks tick."""
    due = ticks.claim_due(SystemSchedule.objects.all())
    # A moment that has its tick already comes due again when a clock was set back.
    if not due or SystemTick.objects.filter(due_at=due[0].due_at).exists():
        return None
    tick = _answer(due[0])
    tick.save()
    return tick.refresh


def _answer(due: Due[SystemSchedule]) -> SystemTick:
    """Decide what comes of a due moment. One refresh may wait while another is processing, and serves all that
    come due meanwhile."""
    if due.is_passed_over:
        return SystemTick(result=TickResult.PASSED_OVER, **due.record)
    queued = SystemRefresh.objects.select_for_update(no_key=True).filter(status=JobStatus.QUEUED).first()
    if queued is not None:
        return SystemTick(result=TickResult.JOINED, refresh=queued, **due.record)
    started = SystemRefresh.objects.create(trigger=SystemRefresh.Trigger.SCHEDULE)
    return SystemTick(result=TickResult.STARTED, refresh=started, **due.record)


STEPS_AT_ONCE = 5_000


def delete_old_refreshes(seconds: float = enqueue.SECONDS_PER_MESSAGE) -> bool:
    """Forget what is old until the time is over; whether there is more to do."""
    newest = SystemTick.objects.values("pk")[:1]
    ticks.forget_old(SystemTick.objects.exclude(pk__in=newest))
    return enqueue.repeat_for_a_while(_delete_some_of_a_refresh, seconds)


@transaction.atomic
def _delete_some_of_a_refresh() -> bool:
    """Delete some steps of the oldest expired refresh, and the refresh once it has none; False when there is
    none."""
    refresh = _old_refresh(clock.now() - timedelta(days=settings.SCHEDULE_RETENTION_DAYS))
    if refresh is None:
        return False
    if _delete_steps(refresh) < STEPS_AT_ONCE:
        refresh.delete()
    return True


def _old_refresh(before: datetime) -> SystemRefresh | None:
    newest = SystemRefresh.objects.values("pk")[:1]
    old = SystemRefresh.objects.filter(finished_at__lt=before).exclude(status__in=OPEN).exclude(pk__in=newest)
    return old.order_by("pk").first()


def _delete_steps(refresh: SystemRefresh) -> int:
    """Delete steps, the last first since a step is blocked by an earlier one, and return how many."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            DELETE FROM system_refreshstep
             WHERE id IN (SELECT id FROM system_refreshstep WHERE refresh_id = %s ORDER BY id DESC LIMIT %s)
            """,
            [refresh.pk, STEPS_AT_ONCE],
        )
        return int(cursor.rowcount)
