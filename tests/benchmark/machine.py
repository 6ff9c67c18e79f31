"""How fast the machine is at the moment, by two fixed pieces of work, and how much of it others had meanwhile, so
that figures of two days can be compared."""

import json
import time
from pathlib import Path

from django.db import connection as database

_TIMES = 5
_HASHED = (
    "SELECT count(*) FROM (SELECT md5(place::text) AS hash FROM generate_series(1, 300000) place ORDER BY 1) of"
)


def postgres_ms() -> float:
    """The best of a few times in which PostgreSQL hashes and sorts 300,000 numbers, in milliseconds."""
    return min(_timed_query() for _ in range(_TIMES))


def python_ms() -> float:
    """The best of a few times in which Python writes and reads 20,000 people as JSON, in milliseconds."""
    people = [{"place": place, "email": f"person.{place}@example.com"} for place in range(20_000)]
    return min(_timed_json(people) for _ in range(_TIMES))


def stolen_seconds() -> float:
    """Processor time that the machine has wanted since its start and that its host gave to others."""
    fields = Path("/proc/stat").read_text().split(maxsplit=9)
    return int(fields[8]) / 100


def _timed_query() -> float:
    with database.cursor() as cursor:
        began = time.perf_counter()
        cursor.execute(_HASHED)
        return (time.perf_counter() - began) * 1000


def _timed_json(people: list[dict[str, object]]) -> float:
    began = time.perf_counter()
    assert json.loads(json.dumps(people)) == people
    return (time.perf_counter() - began) * 1000
