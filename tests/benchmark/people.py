"""Write the profiles of the benchmark: a file with exactly so many deliverable addresses, and more besides."""

import re
from pathlib import Path

from config.platform.text.addresses import VALID_EMAIL
from tests.support.people_csv import write_people_csv

_VALID = re.compile(VALID_EMAIL)
# So many rows hold more than one deliverable address for each that is wanted.
_ROWS_FOR_EACH = 1.1


def write_exactly(path: Path, unique: int) -> set[str]:
    """Write believable people to ``path``, bad and repeated addresses among them, up to the row that makes the
    deliverable ones ``unique``; these, found by other means than the product's SQL."""
    all_rows = path.with_suffix(".all.csv")
    write_people_csv(all_rows, int(unique * _ROWS_FOR_EACH) + 1000)
    addresses: set[str] = set()
    with all_rows.open(encoding="utf-8") as source, path.open("w", encoding="utf-8") as target:
        target.write(next(source))
        for line in source:
            target.write(line)
            address = line.split(",", 2)[1].strip().lower()
            if _VALID.match(address):
                addresses.add(address)
                if len(addresses) == unique:
                    break
    all_rows.unlink()
    assert len(addresses) == unique
    return addresses
