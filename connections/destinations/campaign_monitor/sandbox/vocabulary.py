"""Lists that the vendor supplies, read from data/: countries, states, and time zones with the zone each one names.

Countries and time zones are spelled, misspelled and ordered as in the test data of the official clients.
"""

from pathlib import Path
from typing import Any

import orjson

_DATA = Path(__file__).parent / "data"


def _read(name: str) -> Any:
    return orjson.loads((_DATA / name).read_bytes())


COUNTRIES: tuple[str, ...] = tuple(_read("countries.json"))
US_STATES: tuple[str, ...] = tuple(_read("us_states.json"))
ZONES: dict[str, str] = _read("time_zones.json")  # IANA zones by the vendor's names
TIME_ZONES: tuple[str, ...] = tuple(ZONES)
