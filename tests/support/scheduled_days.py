"""Days that pass in seconds: exports with mixed schedules, run by real processes whose clock is scaled, and the
account of every due moment afterwards."""

import statistics
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import Any

from config.platform.jobs import clock
from config.platform.jobs.models import OPEN, TickResult
from config.platform.schedules.next_due import due_moments
from config.platform.schedules.serialize import from_plain
from connections import actions as connection_actions
from connections.models import Connection, Environment
from exports.actions import manage
from exports.models import Export, ExportSchedule, ExportTick, Run
from segments.models import Segment
from tests.support import exports as support_exports

# The week in which clocks go forward in Europe, and a month ends.
FIRST_DAY = datetime(2026, 3, 26, tzinfo=UTC)
_ZONES = ("Europe/Warsaw", "Europe/Helsinki", "Asia/Jakarta", "Asia/Shanghai", "Australia/Lord_Howe")


@contextmanager
def time_passes(factor: float) -> Iterator[str]:
    """Let our time begin at FIRST_DAY and pass ``factor`` times as fast, here and in every process whose
    DRILL_CLOCK is the text that is given."""
    told = f"{FIRST_DAY.isoformat()} {time.time()} {factor}"
    clock.run_by_setting(told)
    try:
        yield told
    finally:
        clock.run_as_usual()


def behind(told: str, seconds: float) -> str:
    """The same clock, so many of our seconds behind."""
    moment, second, factor = told.split()
    return f"{(datetime.fromisoformat(moment) - timedelta(seconds=seconds)).isoformat()} {second} {factor}"


def mixed_rules(count: int, *, most_often_hours: int) -> list[dict[str, Any]]:
    """Schedules of every kind, in zones around the world; none is due more often than ``most_often_hours``."""
    kinds: list[Mapping[str, Any]] = [
        {"recurrence": "hours", "hours": most_often_hours, "times": ["00:30"], "starts_on": "2026-03-01"},
        {"recurrence": "daily", "times": ["02:30"]},
        {"recurrence": "daily", "times": ["08:15", "20:45"]},
        {"recurrence": "weekly", "times": ["13:00"], "weekdays": ["sunday", "tuesday", "thursday"]},
        {"recurrence": "monthly", "times": ["23:30"], "month_days": [1, 29, "last"]},
    ]
    return [{**kinds[n % len(kinds)], "zone": _ZONES[n // len(kinds) % len(_ZONES)]} for n in range(count)]


def connection_to_files() -> Connection:
    """A connection that writes files: nothing of a drill leaves the machine."""
    by = support_exports.an_administrator()
    connection = connection_actions.create(
        by=by, destination_key="file", environment=Environment.LIVE, name="Files", allowed_roles=[]
    )
    connection_actions.set_credentials(
        by=by, connection=connection, secrets={"columns": "first_name"}, options={"account_name": "Files"}
    )
    connection_actions.give_consent(by=by, connection=connection)
    connection_actions.add_export_user(by=by, connection=connection)
    return connection


def exports_to_files(count: int, segment: Segment) -> list[Export]:
    """So many exports, each to a file of its own."""
    connection = connection_to_files()
    return [
        manage.create(
            manage.ExportSettings(
                name=f"Export {number}",
                connection=connection,
                list_id=f"list-{number}",
                email_attribute="email",
                segments=[segment],
            ),
            by=None,
        )
        for number in range(count)
    ]


def schedule_all(exports: list[Export], rules: list[dict[str, Any]]) -> dict[int, datetime]:
    """Give each its own schedule; when each is due first."""
    chosen = [
        manage.set_schedule(export, is_on=True, rule=rule, version=0, by=None)
        for export, rule in zip(exports, rules, strict=True)
    ]
    return {schedule.export_id: schedule.due_at for schedule in chosen if schedule.due_at}


def wait_until(moment: datetime) -> None:
    """Until our clock shows ``moment``."""
    while clock.now() < moment:
        time.sleep(0.05)


def wait_for_quiet(until: datetime, *, seconds: float = 120) -> None:
    """Until everything that was due by ``until`` has been noticed and every run has ended."""
    deadline = time.monotonic() + seconds
    while (
        ExportSchedule.objects.filter(due_at__lte=until).exists() or Run.objects.filter(status__in=OPEN).exists()
    ):
        assert time.monotonic() < deadline, f"still open: {list(Run.objects.filter(status__in=OPEN))[:5]}"
        time.sleep(0.1)


@dataclass(frozen=True)
class Account:
    """What became of every due moment. Those that were missed stand in the tick that answers for them."""

    expected: int
    noticed: int
    missed: int
    joined: int
    early: int
    lost: list[str]
    doubled: list[str]
    late_by: list[timedelta]

    def told(self, factor: float) -> str:
        """Describe the day in one line."""
        seconds = sorted(late.total_seconds() / factor for late in self.late_by)
        return (
            f"due {self.expected}, noticed {self.noticed}, missed {self.missed}, joined {self.joined}, "
            f"early {self.early}, lost {len(self.lost)}, doubled {len(self.doubled)}; late by "
            f"{statistics.median(seconds):.2f} s (median) and {seconds[-1]:.2f} s (most) of the world's time"
        )


def account_of(first_due: Mapping[int, datetime], until: datetime) -> Account:
    """Hold the ticks against the due moments that the rules give, from each export's first until ``until``."""
    expected, noticed = 0, list(ExportTick.objects.filter(due_at__lte=until))
    lost: list[str] = []
    doubled: list[str] = []
    for schedule in ExportSchedule.objects.all():
        due = _due(schedule, first_due[schedule.export_id], until)
        ticks = [tick for tick in noticed if tick.export_id == schedule.export_id]
        expected += len(due)
        for moment in due:
            answers = [tick for tick in ticks if (tick.missed_since or tick.due_at) <= moment <= tick.due_at]
            if len(answers) != 1:
                (doubled if answers else lost).append(f"{schedule}: {moment}")
    runs = Run.objects.filter(ticks__in=[tick.pk for tick in noticed])
    doubled += [f"{run}" for run in Run.objects.exclude(pk__in=runs.values("pk")).filter(created_at__lte=until)]
    return Account(
        expected,
        len(noticed),
        sum(tick.missed_since is not None for tick in noticed),
        sum(tick.result == TickResult.JOINED for tick in noticed),
        sum(tick.noticed_at < tick.due_at for tick in noticed),
        lost,
        doubled,
        [tick.noticed_at - tick.due_at for tick in noticed],
    )


def _due(schedule: ExportSchedule, first: datetime, until: datetime) -> list[datetime]:
    rule = from_plain(schedule.rule or {})
    before = first - timedelta(seconds=1)
    return list(takewhile(lambda moment: moment <= until, due_moments(rule, before)))
