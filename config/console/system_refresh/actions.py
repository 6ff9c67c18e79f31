"""Start, cancel and schedule the system refresh. Each action is one transaction and is recorded in the audit."""

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from config.console.models import SystemRefresh, SystemSchedule
from config.console.system_refresh import schedule
from config.platform.accounts.decorators import check_permission
from config.platform.accounts.models import User
from config.platform.accounts.permissions import Permission
from config.platform.audit.record import record
from config.platform.jobs import clock
from config.platform.jobs.enqueue import enqueue_on_commit
from config.platform.jobs.models import OPEN
from config.platform.schedules import describe, ticks
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
    row = schedule.load()
    take_version(row, version)
    row.refresh_from_db()
    before = describe.schedule_words(row)
    ticks.set_schedule(row, is_on=is_on, rule=rule)
    row.save()
    changes = {"schedule": (before, describe.schedule_words(row))}
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
