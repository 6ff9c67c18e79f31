"""Convert the account's time to the time zone of a client, in which Campaign Monitor writes all dates of its
lists.

``systemdate`` is in the account's time zone, which is not named; its offset from UTC is derived from the ``Date``
header of the same response. A client's time zone has a name: “(GMT+10:00) Canberra, Melbourne, Sydney”.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import orjson

_DATA = Path(__file__).parent / "data" / "time_zones.json"
_NAME = re.compile(r"\(GMT(?:([+-])(\d\d):(\d\d))?\) (.+)", re.ASCII)
_WRITTEN = "%Y-%m-%d %H:%M:%S"
# Offsets of time zones are so many minutes, and the two clocks of one answer differ by less.
_STEP = timedelta(minutes=15)
_APART = timedelta(minutes=5)
_WEST, _EAST = timedelta(hours=-12), timedelta(hours=14)


@dataclass(frozen=True)
class SystemClock:
    """The account's time as written, and the moment of the response; None where the response does not tell it."""

    written: str
    at: datetime | None = None


def in_time_zone(clock: SystemClock, time_zone: str) -> str:
    """Convert the account's time to a time zone by its vendor name, as lists write it. Where that is not possible,
    return it unchanged: then list dates seem to be of another time, and the contacts stay."""
    return _converted(clock, time_zone) or clock.written


def is_known(clock: SystemClock, time_zone: str) -> bool:
    """Tell whether the time in that time zone can be calculated."""
    return _converted(clock, time_zone) is not None


def _converted(clock: SystemClock, time_zone: str) -> str | None:
    if clock.at is None or (zone := _zone(time_zone, clock.at.year)) is None:
        return None
    try:
        written = datetime.strptime(clock.written, _WRITTEN).replace(tzinfo=UTC)
    except ValueError:
        return None
    shift = written - clock.at
    offset = _STEP * round(shift / _STEP)
    if abs(shift - offset) > _APART or not _WEST <= offset <= _EAST:
        return None
    return (written - offset).astimezone(zone).strftime(_WRITTEN)


@cache
def _zone(time_zone: str, year: int) -> ZoneInfo | None:
    """Find the zone by its places; None where it is unknown, or has no such offset in that year: then the name is
    older than a change of the law, and only the vendor knows which of the two applies."""
    found = _NAME.fullmatch(time_zone)
    if found is None or (name := _zones().get(found[4])) is None:
        return None
    zone = ZoneInfo(name)
    offset = timedelta(hours=int(found[2] or 0), minutes=int(found[3] or 0))
    named = -offset if found[1] == "-" else offset
    offsets = {datetime(year, month, 1, tzinfo=zone).utcoffset() for month in range(1, 13)}
    return zone if min(offset for offset in offsets if offset is not None) == named else None


@cache
def _zones() -> dict[str, str]:
    zones: dict[str, str] = orjson.loads(_DATA.read_bytes())
    return zones
