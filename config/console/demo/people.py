"""Make ten thousand people who do not exist, the same ones every time.

Believable means imperfect: some gave no address, some a wrong one, some are there twice, some do not want mail.
All addresses are in domains that are reserved for examples.
"""

import csv
import random
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass, fields, replace
from datetime import date, timedelta
from itertools import chain, count
from pathlib import Path

_EXAMPLE_DOMAINS = ("example.com", "example.org", "example.net")
_LETTERS = str.maketrans(
    {"ł": "l", "đ": "d", "ø": "o", "æ": "ae", "å": "a", "ß": "ss", "ı": "i", "ð": "d", "’": ""}
)
COUNT = 10_000
_SEED = 2_024
_WITHOUT_EMAIL, _BAD_EMAIL, _TWICE = 0.03, 0.01, 0.02
_NEWSLETTER = {"yes": 63, "no": 29, "": 8}
_FIRST_BIRTH, _BIRTH_DAYS = date(1938, 1, 1), 25_300  # to 2007
_FIRST_SINCE, _SINCE_DAYS = date(2012, 3, 1), 5_000  # to 2025

# What people type when they type something wrong. Each is refused as an address.
_TYPOS = (
    "{local}{domain}",
    "{local}@",
    "{local}@@{domain}",
    "{local} @{domain}",
    "{local}@{domain}.",
    "{local}(at){domain}",
)


@dataclass(frozen=True)
class Person:
    """One row of the file, by the names of its columns."""

    id: str
    email: str
    full_name: str
    first_name: str
    last_name: str
    city: str
    country: str
    language: str
    birth_date: str
    customer_since: str
    points: int
    newsletter: str


COLUMNS = tuple(field.name for field in fields(Person))


@dataclass(frozen=True)
class Name:
    """A name, and the same in the letters of an address."""

    written: str
    ascii: str


@dataclass(frozen=True)
class Place:
    """A country with its cities, language and names. ``weight`` says how many of the people live there;
    ``family_first`` and ``joint`` (what stands between) how a full name is written."""

    country: str
    language: str
    weight: int
    cities: tuple[str, ...]
    given: tuple[Name, ...]
    family: tuple[Name, ...]
    domains: tuple[str, ...]
    family_first: bool = False
    joint: str = " "

    def full_name(self, given: Name, family: Name) -> str:
        parts = (family, given) if self.family_first else (given, family)
        return self.joint.join(part.written for part in parts)


def plain_letters(name: str) -> str:
    """Write a Latin name in the letters of an email address."""
    parts = unicodedata.normalize("NFKD", name.lower().translate(_LETTERS))
    return "".join(letter for letter in parts if letter.isascii() and (letter.isalnum() or letter == "-"))


def _names(words: str) -> tuple[Name, ...]:
    pairs = [word.partition(":") for word in words.split()]
    return tuple(Name(written, given or plain_letters(written)) for written, _, given in pairs)


def _read_places() -> tuple[Place, ...]:
    """Read places.toml."""
    with (Path(__file__).parent / "places.toml").open("rb") as file:
        return tuple(
            Place(
                **{
                    **place,
                    "cities": tuple(place["cities"]),
                    "given": _names(place["given"]),
                    "family": _names(place["family"]),
                    "domains": (*_EXAMPLE_DOMAINS, *place.get("domains", ())),
                }
            )
            for place in tomllib.load(file)["places"]
        )


PLACES = _read_places()


def people(how_many: int = COUNT) -> Iterator[Person]:
    """Yield the first ``how_many`` people, in order."""
    chance = random.Random(_SEED)  # noqa: S311 - the same people every time is what is wanted
    addresses: set[str] = set()
    weights = [place.weight for place in PLACES]
    regular: list[Person] = []
    for number in range(1, how_many + 1):
        draw = chance.random()
        if draw < _TWICE and regular:
            person = _duplicate(chance, chance.choice(regular[-500:]), f"C{number:05}")
        else:
            place = chance.choices(PLACES, weights)[0]
            person = _person(chance, place, f"C{number:05}", addresses, draw)
            if "@" in person.email and draw >= _TWICE + _WITHOUT_EMAIL + _BAD_EMAIL:
                regular.append(person)
        yield person


def write(path: Path, rows: Iterable[Person]) -> None:
    """Write people as a CSV file with a header, readable by its owner alone."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        path.chmod(0o600)
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(astuple(person) for person in rows)


def _person(chance: random.Random, place: Place, key: str, addresses: set[str], draw: float) -> Person:
    given, family = chance.choice(place.given), chance.choice(place.family)
    birth = _FIRST_BIRTH + timedelta(days=chance.randrange(_BIRTH_DAYS))
    domain = chance.choice(place.domains)
    plain = chance.choice(
        (f"{given.ascii}.{family.ascii}", f"{given.ascii}{family.ascii}", f"{given.ascii[0]}.{family.ascii}")
    )
    local = _free_local_part(plain, domain, birth, addresses)
    if draw < _TWICE + _WITHOUT_EMAIL:
        email = ""
    elif draw < _TWICE + _WITHOUT_EMAIL + _BAD_EMAIL:
        email = chance.choice(_TYPOS).format(local=local, domain=domain)
    else:
        email = f"{local}@{domain}"
    return Person(
        id=key,
        email=email,
        full_name=place.full_name(given, family),
        first_name=given.written,
        last_name=family.written,
        city=chance.choice(place.cities),
        country=place.country,
        language=place.language,
        birth_date=birth.isoformat() if chance.random() < 0.93 else "",
        customer_since=(_FIRST_SINCE + timedelta(days=chance.randrange(_SINCE_DAYS))).isoformat(),
        points=int(chance.triangular(0, 3000, 240)),
        newsletter=chance.choices(list(_NEWSLETTER), list(_NEWSLETTER.values()))[0],
    )


def _free_local_part(plain: str, domain: str, birth: date, addresses: set[str]) -> str:
    """Return a local part of an email address, made longer until the address is free."""
    numbered = (f"{plain}.{birth:%d%m}.{number}" for number in count(2))
    for local in chain((plain, f"{plain}{birth:%y}", f"{plain}{birth:%Y}", f"{plain}.{birth:%d%m}"), numbered):
        if f"{local}@{domain}" not in addresses:
            break
    addresses.add(f"{local}@{domain}")
    return local


def _duplicate(chance: random.Random, person: Person, key: str) -> Person:
    """Return the same person registered again: in another city, with the address typed differently."""
    email = chance.choice((person.email.upper(), person.email.title(), f" {person.email}", f"{person.email} "))
    place = next(place for place in PLACES if place.country == person.country)
    return replace(person, id=key, email=email, city=chance.choice(place.cities), points=person.points + 25)
