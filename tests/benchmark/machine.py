"""How fast the machine is at the moment, by two fixed pieces of work, and how much of it others had meanwhile, so
that figures of two days can be compared."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from timeit import repeat

from django.db import connection as database

_HASHES_IN_ORDER = """
    SELECT count(*) FROM (SELECT md5(place::text) AS hash FROM generate_series(1, 300000) place ORDER BY 1) sorted
"""


def postgres_ms() -> float:
    """The best of five times in which PostgreSQL hashes 300,000 numbers and sorts the hashes, in milliseconds."""
    with database.cursor() as cursor:
        return _best_ms(lambda: cursor.execute(_HASHES_IN_ORDER))


def python_ms() -> float:
    """The best of five times in which Python writes and reads 20,000 people as JSON, in milliseconds."""
    people = [{"place": place, "email": f"person.{place}@example.com"} for place in range(20_000)]
    return _best_ms(lambda: json.loads(json.dumps(people)))


def stolen_seconds() -> float:
    """Processor time that the machine has wanted since its start and that its host gave to others."""
    fields = Path("/proc/stat").read_text().split(maxsplit=9)
    return int(fields[8]) / os.sysconf("SC_CLK_TCK")


def _best_ms(work: Callable[[], object]) -> float:
    return min(repeat(work, number=1, repeat=5)) * 1000
