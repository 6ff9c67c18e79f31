"""Write a CSV file of plausible profiles, by the million: the same every time.

The domains are reserved for examples, the names are invented.
"""

import gzip
import random
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

COLUMNS = (
    "id",
    "email",
    "first_name",
    "last_name",
    "city",
    "country",
    "birth_date",
    "newsletter",
    "points",
    "language",
)
WITHOUT_EMAIL = 0.04
BAD_EMAIL = 0.01
DUPLICATE = 0.02
_BLOCK = 10_000

# Given name and how it is spelled in an address, per language of the place.
_FIRST_NAMES = {
    "en": [("Olivia", "olivia"), ("Jack", "jack"), ("Amelia", "amelia"), ("Noah", "noah"), ("Grace", "grace")],
    "zh": [("伟", "wei"), ("芳", "fang"), ("娜", "na"), ("敏", "min"), ("静", "jing")],
    "pl": [("Łukasz", "lukasz"), ("Małgorzata", "malgorzata"), ("Jan", "jan"), ("Zofia", "zofia")],
    "ro": [("Ștefan", "stefan"), ("Ioana", "ioana"), ("Mihai", "mihai"), ("Andreea", "andreea")],
    "fi": [("Päivi", "paivi"), ("Mikko", "mikko"), ("Aino", "aino"), ("Väinö", "vaino")],
    "id": [("Budi", "budi"), ("Siti", "siti"), ("Dewi", "dewi"), ("Agus", "agus")],
}
_LAST_NAMES = {
    "en": [("Smith", "smith"), ("O’Connor", "oconnor"), ("Taylor", "taylor"), ("Wilson-Reed", "wilson-reed")],
    "zh": [("王", "wang"), ("李", "li"), ("张", "zhang"), ("刘", "liu")],
    "pl": [("Wiśniewska", "wisniewska"), ("Kowalski", "kowalski"), ("Żak", "zak"), ("Nowak", "nowak")],
    "ro": [("Popescu", "popescu"), ("Țurcanu", "turcanu"), ("Ionescu", "ionescu")],
    "fi": [("Virtanen", "virtanen"), ("Mäkinen", "makinen"), ("Hämäläinen", "hamalainen")],
    "id": [("Santoso", "santoso"), ("Wijaya", "wijaya"), ("Hidayat", "hidayat")],
}
_CITIES = {
    "en": [
        ("London", "United Kingdom"),
        ("Leeds", "United Kingdom"),
        ("Dublin", "Ireland"),
        ("Sydney", "Australia"),
    ],
    "zh": [("上海", "China"), ("成都", "China"), ("Singapore", "Singapore")],
    "pl": [("Łódź", "Poland"), ("Kraków", "Poland"), ("Warszawa", "Poland")],
    "ro": [("București", "Romania"), ("Iași", "Romania"), ("Chișinău", "Moldova")],
    "fi": [("Jyväskylä", "Finland"), ("Helsinki", "Finland"), ("Turku", "Finland")],
    "id": [("Jakarta", "Indonesia"), ("Bandung", "Indonesia"), ("Surabaya", "Indonesia")],
}
_DOMAINS = ("example.com", "example.org", "example.net", "mail.example.com", "shop.example.org")
# Each takes the number of the row, so that bad addresses differ from each other too.
_BAD = (
    "no-at-sign-{}",
    "two@@example{}.com",
    "@example{}.com",
    "space in {}@example.com",
    "ünal{}@example.com",
    "x{}@local",
)


@dataclass(frozen=True)
class PlanCounts:
    """What the file holds. ``rows = without_email + invalid + valid``; ``valid = unique + duplicates``, an
    address being the same whatever its case."""

    rows: int
    without_email: int
    invalid: int
    valid: int
    unique: int
    duplicates: int
    newsletter: int  # rows that say yes
    unique_with_newsletter: int  # different valid addresses among those


def write_people_csv(path: Path, n: int, *, seed: int = 1) -> PlanCounts:
    """Write ``n`` profiles with a header line to ``path`` (gzipped when it ends in .gz). The same ``n`` and
    ``seed`` give the same file."""
    return _Writer(n, seed).write(path)


class _Writer:
    def __init__(self, n: int, seed: int) -> None:
        self.n = n
        self.chance = random.Random(seed)
        self.without_email = self.invalid = self.duplicates = self.newsletter = self.unique_with_newsletter = 0
        self.people = [
            (first, last, f"{first_ascii}.{last_ascii}", city, country, language)
            for language, names in _FIRST_NAMES.items()
            for first, first_ascii in names
            for last, last_ascii in _LAST_NAMES[language]
            for city, country in _CITIES[language]
        ]
        self.dates = [
            f"{y}-{m:02}-{d:02}" for y in range(1940, 2008) for m in range(1, 13) for d in (1, 9, 17, 28)
        ]

    def write(self, path: Path) -> PlanCounts:
        with _open(path) as file:
            file.write(",".join(COLUMNS) + "\n")
            for first in range(0, self.n, _BLOCK):
                file.write("".join(self._rows(first, min(first + _BLOCK, self.n))))
        valid = self.n - self.without_email - self.invalid
        return PlanCounts(
            self.n,
            self.without_email,
            self.invalid,
            valid,
            valid - self.duplicates,
            self.duplicates,
            self.newsletter,
            self.unique_with_newsletter,
        )

    def _rows(self, first: int, last: int) -> Iterator[str]:
        size = last - first
        people = self.chance.choices(self.people, k=size)
        dates = self.chance.choices(self.dates, k=size)
        domains = self.chance.choices(_DOMAINS, k=size)
        # One owner in a block has a given address; a duplicate repeats that of the row before it.
        owner, owner_agreed = "", False
        draw = self.chance.random
        for i, (given, family, local, city, country, language), date, domain in zip(
            range(first, last), people, dates, domains, strict=True
        ):
            agreed = draw() < 0.6
            self.newsletter += agreed
            kind = draw()
            if kind < WITHOUT_EMAIL:
                email = ""
                self.without_email += 1
            elif kind < WITHOUT_EMAIL + BAD_EMAIL:
                email = _BAD[i % len(_BAD)].format(i)
                self.invalid += 1
            elif kind < WITHOUT_EMAIL + BAD_EMAIL + DUPLICATE and owner:
                email = owner.upper() if i % 2 else f" {owner.title()}"
                self.duplicates += 1
                if agreed and not owner_agreed:
                    self.unique_with_newsletter += 1
                    owner_agreed = True
            else:
                email = owner = f"{local}.{i}@{domain}"
                owner_agreed = agreed
                self.unique_with_newsletter += agreed
            yield (
                f"C{i:07},{email},{given},{family},{city},{country},"
                f"{date},{'yes' if agreed else 'no'},{int(draw() * 2000)},{language}\n"
            )


def _open(path: Path) -> AbstractContextManager[IO[str]]:
    if path.suffix == ".gz":
        return gzip.open(path, "wt", encoding="utf-8", newline="", compresslevel=1)
    return path.open("w", encoding="utf-8", newline="")
