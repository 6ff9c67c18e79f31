"""Start, cancel and schedule the system refresh, and delete old ones. The audit records what users do."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext as _

from config.console.models import SystemRefresh, SystemSchedule, SystemTick
from config.platform import retention
from config.platform.accounts.decorators import check_permission
from config.platform.accounts.models import User
from config.platform.accounts.permissions import Permission
from config.platform.audit.record import record
from config.platform.jobs import clock, enqueue
from config.platform.jobs.enqueue import enqueue_on_commit
from config.platform.jobs.models import OPEN, JobStatus, TickResult
from config.platform.schedules import describe, ticks
from config.platform.schedules.display import SystemState
from config.platform.schedules.ticks import Due
from config.platform.web.versions import take_version


class AlreadyUnderWay(Exception):
    """There is one already; the text says who asked for it."""

    def __init__(self, refresh: SystemRefresh | None) -> None:
        by = refresh.requested_by if refresh else None
        sentence = _("A system refresh is already in progress.")
        if by is not None:
            sentence = _("A system refresh is already in progress, started by %(person)s.") % {"person": by}
        super().__init__(sentence)


class AlreadyEnded(Exception):
    """There is nothing left to cancel."""


@transaction.atomic
def save_schedule(*, is_on: bool, rule: Mapping[str, Any], version: int, by: User | None) -> SystemSchedule:
    """Change the schedule that was read at ``version``. Raises StaleEdit when it was changed since, and
    WrongRule. ``by`` is None on the command line."""
    if by is not None:
        check_permission(by, Permission.SYSTEM_MANAGE)
    row = load_schedule()
    take_version(row, version)
    row.refresh_from_db()
    before = describe.describe_schedule(row)
    ticks.set_schedule(row, is_on=is_on, rule=rule)
    row.save()
    changes = {"schedule": (before, describe.describe_schedule(row))}
    record("edited", row, by=by, changes=changes, version=row.version)
    return row


def refresh_all(*, by: User, wake_worker: bool = True) -> SystemRefresh:
    """Queue a refresh of everything. Raises AlreadyUnderWay: two clicks start one."""
    check_permission(by, Permission.SYSTEM_MANAGE)
    open_ones = SystemRefresh.objects.filter(status__in=OPEN).select_related("requested_by")
    if under_way := open_ones.first():
        raise AlreadyUnderWay(under_way)
    try:
        with transaction.atomic():
            refresh = SystemRefresh.objects.create(trigger=SystemRefresh.Trigger.MANUAL, requested_by=by)
            record("started", refresh, by=by)
            if wake_worker:
                enqueue_on_commit("config.console.tasks.enqueue_pending")
    except IntegrityError as error:  # another user was faster
        raise AlreadyUnderWay(open_ones.first()) from error
    return refresh


@transaction.atomic
def cancel_refresh(refresh: SystemRefresh, *, by: User) -> None:
    """Ask a system refresh to stop: what is done stays, what is at work stops, the rest is not begun. Raises
    AlreadyEnded."""
    check_permission(by, Permission.SYSTEM_MANAGE)
    open_ones = SystemRefresh.objects.filter(pk=refresh.pk, status__in=OPEN)
    if not open_ones.update(cancel_requested_at=clock.now()):
        raise AlreadyEnded(_("The system refresh has already ended."))
    record("canceled", refresh, by=by)
    enqueue_on_commit("config.console.tasks.enqueue_pending")


def load_schedule() -> SystemSchedule:
    """Return the schedule; off until it is switched on."""
    rule = {"recurrence": "daily", "zone": settings.TIME_ZONE, "times": ["06:00"]}
    row, _created = SystemSchedule.objects.get_or_create(pk=SystemSchedule.THE_ONE, defaults={"rule": rule})
    return row


def schedule_state() -> SystemState:
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
    """Delete old ticks and refreshes until the time is over. Returns whether there is more to do."""
    newest = SystemTick.objects.values("pk")[:1]
    ticks.forget_old(SystemTick.objects.exclude(pk__in=newest))
    return enqueue.repeat_for_a_while(_delete_some_of_a_refresh, seconds)


@transaction.atomic
def _delete_some_of_a_refresh() -> bool:
    """Delete some steps of the oldest expired refresh, and the refresh once it has none; False when there is
    none. The last steps go first, since a step is blocked by an earlier one."""
    newest = SystemRefresh.objects.values("pk")[:1]
    old = (
        SystemRefresh.objects.filter(finished_at__lt=retention.SCHEDULES.cutoff())
        .exclude(status__in=OPEN)
        .exclude(pk__in=newest)
    )
    refresh = old.order_by("pk").first()
    if refresh is None:
        return False
    with connection.cursor() as cursor:
        cursor.execute(
            """
            DELETE FROM system_refreshstep
             WHERE id IN (SELECT id FROM system_refreshstep WHERE refresh_id = %s ORDER BY id DESC LIMIT %s)
            """,
            [refresh.pk, STEPS_AT_ONCE],
        )
        is_empty = cursor.rowcount < STEPS_AT_ONCE
    if is_empty:
        refresh.delete()
    return True
