"""The time in the time zone of a client, from the account's time and the moment of the answer."""

from datetime import UTC, datetime

import pytest

from connections.destinations.campaign_monitor.client_time import SystemClock, in_time_zone
from connections.destinations.campaign_monitor.sandbox.model import ZONES

WINTER = datetime(2026, 1, 15, 12, 0, 30, tzinfo=UTC)
SUMMER = datetime(2026, 7, 15, 12, 0, 30, tzinfo=UTC)
SYDNEY = "(GMT+10:00) Canberra, Melbourne, Sydney"
HELSINKI = "(GMT+02:00) Helsinki, Kyiv, Riga, Sofia, Tallinn, Vilnius"


@pytest.mark.parametrize(
    ("written", "at", "time_zone", "expected"),
    [
        ("2026-01-15 12:00:28", WINTER, SYDNEY, "2026-01-15 23:00:28"),
        ("2026-07-15 12:00:28", SUMMER, SYDNEY, "2026-07-15 22:00:28"),
        ("2026-07-15 15:00:28", SUMMER, HELSINKI, "2026-07-15 15:00:28"),
        ("2026-07-15 05:00:28", SUMMER, HELSINKI, "2026-07-15 15:00:28"),
        ("2026-01-15 17:45:28", WINTER, HELSINKI, "2026-01-15 14:00:28"),
        ("2026-01-15 12:00:00", WINTER, "(GMT-05:00) Eastern Time (US & Canada)", "2026-01-15 07:00:00"),
        ("2026-07-15 12:02:28", SUMMER, "(GMT) Coordinated Universal Time", "2026-07-15 12:02:28"),
        ("2026-07-15 12:00:28", SUMMER, "(GMT-12:00) International Date Line West", "2026-07-15 00:00:28"),
    ],
)
def test_the_time_of_a_client(written: str, at: datetime, time_zone: str, expected: str) -> None:
    assert in_time_zone(SystemClock(written, at), time_zone) == expected


@pytest.mark.parametrize(
    ("written", "at", "time_zone"),
    [
        ("2026-01-15 12:00:28", WINTER, ""),
        ("2026-01-15 12:00:28", WINTER, "(GMT+10:00) Atlantis"),
        ("2026-01-15 12:00:28", WINTER, "(GMT+02:00) Minsk"),  # has been at +03:00 since 2011
        ("2026-01-15 12:00:28", WINTER, "Europe/Helsinki"),
        ("2026-01-15 12:00:28", None, SYDNEY),
        ("2026-01-15 12:07:58", WINTER, SYDNEY),  # clocks that far apart tell no offset
        ("2026-01-17 12:00:28", WINTER, SYDNEY),
        ("15/01/2026 12:00", WINTER, SYDNEY),
        ("", WINTER, SYDNEY),
    ],
)
def test_the_time_stays_where_the_time_zone_is_not_known(
    written: str, at: datetime | None, time_zone: str
) -> None:
    assert in_time_zone(SystemClock(written, at), time_zone) == written


def test_time_zones_of_the_vendor_are_known_unless_their_law_has_changed() -> None:
    clock = SystemClock("2026-01-15 12:00:30", WINTER)
    unknown = {name.partition(") ")[2] for name in ZONES if in_time_zone(clock, name) == clock.written}
    at_zero = {name.partition(") ")[2] for name in ZONES if name.startswith("(GMT) ")}
    assert unknown - at_zero == {
        *("Amman", "Damascus", "Minsk", "Astana", "Novosibirsk", "Greenland", "Asuncion", "Caracas", "Samoa"),
    }
