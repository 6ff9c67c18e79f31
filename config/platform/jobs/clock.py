"""Tell the time. Everything asks here, so that tests can shift and scale the time of this system alone. Leases go
by the clock of the database, see leases.py.
"""

import time
from datetime import UTC, date, datetime, timedelta, tzinfo
from datetime import time as time_of_day

from django.utils import timezone

_real_start: float | None = None
_our_start: datetime | None = None
_factor = 1.0


def now() -> datetime:
    """Return this moment, in UTC."""
    if _real_start is None or _our_start is None:
        return datetime.now(tz=UTC)
    return _our_start + timedelta(seconds=(time.time() - _real_start) * _factor)


def zone() -> tzinfo:
    """Return the environment's time zone, from the setting TIME_ZONE. Readers may see moments in a zone of their
    own; what is computed from a day never depends on who reads it."""
    return timezone.get_default_timezone()


def day_of(moment: datetime) -> date:
    """Return the day of a moment in the environment's time zone."""
    return moment.astimezone(zone()).date()


def today() -> date:
    """Return the present day in the environment's time zone."""
    return day_of(now())


def last_days(count: int) -> list[date]:
    """List the last ``count`` days in the environment's time zone, the oldest first, today included."""
    return [today() - timedelta(days=back) for back in reversed(range(count))]


def beginning_of(day: date) -> datetime:
    """Return the moment at which a day begins in the environment's time zone."""
    return datetime.combine(day, time_of_day.min, tzinfo=zone())


def run_from(moment: datetime, *, factor: float = 1.0) -> None:
    """Let our time begin at ``moment`` and pass ``factor`` times as fast as real time."""
    global _real_start, _our_start, _factor
    _real_start, _our_start, _factor = time.time(), moment, factor


def run_by_setting(setting: str) -> None:
    """Let our time run as DRILL_CLOCK says: a moment of ours, the second of the real clock at which it stands
    there, and how many times as fast it passes."""
    global _real_start, _our_start, _factor
    moment, second, factor = setting.split()
    _real_start, _our_start, _factor = float(second), datetime.fromisoformat(moment), float(factor)


def run_as_usual() -> None:
    """Return to real time."""
    global _real_start, _our_start, _factor
    _real_start, _our_start, _factor = None, None, 1.0
