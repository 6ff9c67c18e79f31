"""System refreshes, their steps and what the schedule came to go after their time, in small steps. The last of
each stays, since pages and lateness speak of it."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction

from config.console.models import SystemRefresh, SystemTick
from config.platform.jobs import clock, enqueue
from config.platform.jobs.models import OPEN
from config.platform.schedules import ticks

STEPS_AT_ONCE = 5_000


def forget_for_a_while(seconds: float = enqueue.SECONDS_PER_MESSAGE) -> bool:
    """Forget what is old until the time is over; whether there is more to do."""
    newest = SystemTick.objects.values("pk")[:1]
    ticks.forget_old(SystemTick.objects.exclude(pk__in=newest))
    return enqueue.repeat_for_a_while(_forget_some_of_a_refresh, seconds)


@transaction.atomic
def _forget_some_of_a_refresh() -> bool:
    """Some steps of the oldest refresh whose time is over, and the refresh once it has none; False when there is
    no such refresh."""
    refresh = _old_refresh(clock.now() - timedelta(days=settings.SCHEDULE_RETENTION_DAYS))
    if refresh is None:
        return False
    if _forget_steps(refresh) < STEPS_AT_ONCE:
        refresh.delete()
    return True


def _old_refresh(before: datetime) -> SystemRefresh | None:
    newest = SystemRefresh.objects.values("pk")[:1]
    old = SystemRefresh.objects.filter(finished_at__lt=before).exclude(status__in=OPEN).exclude(pk__in=newest)
    return old.order_by("pk").first()


def _forget_steps(refresh: SystemRefresh) -> int:
    """How many went. The last first: a step is blocked by an earlier one."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            DELETE FROM system_refreshstep
             WHERE id IN (SELECT id FROM system_refreshstep WHERE refresh_id = %s ORDER BY id DESC LIMIT %s)
            """,
            [refresh.pk, STEPS_AT_ONCE],
        )
        return int(cursor.rowcount)
