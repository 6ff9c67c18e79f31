"""The people of the demo."""

import csv
import re
from collections import Counter
from pathlib import Path

from config.console.demo.people import COLUMNS, COUNT, PLACES, people, plain_letters, write
from config.platform.text.addresses import VALID_EMAIL

EVERYONE = list(people())
_RESERVED = re.compile(r"(example\.(com|org|net)|[a-z]+\.example)\.?")


def valid(email: str) -> bool:
    return re.match(VALID_EMAIL, email.strip().lower()) is not None


def test_they_are_ten_thousand_and_the_same_every_time() -> None:
    assert len(EVERYONE) == COUNT == 10_000
    assert list(people(500)) == EVERYONE[:500]
    assert len({person.id for person in EVERYONE}) == COUNT


def test_they_live_in_several_countries_and_write_several_scripts() -> None:
    countries = Counter(person.country for person in EVERYONE)
    assert len(countries) == len(PLACES)
    assert min(countries[name] for name in ("China", "Poland", "Romania", "Finland", "Indonesia")) > 500
    for letter in "伟łțäΓさहف":
        assert any(letter in person.full_name + person.city for person in EVERYONE), letter


def test_they_are_as_imperfect_as_people_are() -> None:
    emails = [person.email for person in EVERYONE]
    without = sum(not email for email in emails)
    bad = sum(bool(email) and not valid(email) for email in emails)
    unique = len({email.strip().lower() for email in emails if valid(email)})
    assert 200 < without < 400
    assert 50 < bad < 200
    assert 100 < COUNT - without - bad - unique < 300
    assert Counter(person.newsletter for person in EVERYONE).keys() == {"yes", "no", ""}


def test_none_of_their_addresses_could_be_anybodys() -> None:
    for person in EVERYONE:
        if "@" in person.email:
            domain = person.email.strip().lower().rpartition("@")[2]
            assert domain == "" or _RESERVED.fullmatch(domain), person.email


def test_the_file_holds_them(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    write(path, EVERYONE[:300])

    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))

    assert tuple(rows[0]) == COLUMNS
    assert [row["full_name"] for row in rows] == [person.full_name for person in EVERYONE[:300]]
    assert path.stat().st_mode & 0o077 == 0


def test_addresses_are_written_in_plain_letters() -> None:
    assert [plain_letters(name) for name in ("Łukasz", "Øvrebø", "O’Connor", "Wilson-Reed", "Đặng", "Weiß")] == [
        "lukasz",
        "ovrebo",
        "oconnor",
        "wilson-reed",
        "dang",
        "weiss",
    ]
