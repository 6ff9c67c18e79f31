"""What other apps read of members and profiles: the tables and sets that they compute with."""

import json
import re
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.conf import settings
from pytest_django import Settings

from config.platform.text.value_format import DateFormat, LetterCase, MappedValue, ValueFormat
from segments import audience
from segments.audience import MemberSelection
from segments.models import AttributeType, Segment
from tests.support import exports
from tests.support.profiles import create_attributes, create_profiles

pytestmark = pytest.mark.django_db

MAPPED = MemberSelection("email", mapped=[MappedValue("name"), MappedValue("points")])


def members_of(rows: Iterable[dict[str, Any]], name: str = "Everyone") -> Segment:
    create_profiles(rows)
    return exports.segment_of_everyone(name)


def read(selection: MemberSelection, columns: str, *segments: Segment) -> list[tuple[Any, ...]]:
    """Read columns of the members of the segments, in the order of IDs."""
    with audience.reading_members([segment.pk for segment in segments], selection) as members:
        return members.reader.rows(f"SELECT {columns} FROM ({members.sql}) ORDER BY profile_id")


def profile_ids() -> list[int]:
    """The IDs of all members of the segment Everyone."""
    return [pk for (pk,) in read(MAPPED, "profile_id", Segment.objects.get(name="Everyone"))]


# rule, the value of the attribute, the email, whether mail can be delivered to it
EMAILS = [
    ("an address in its normal form", " Ann@Example.COM ", "ann@example.com", True),
    ("a text that is no address is only trimmed and in lower case", " No Address ", "no address", False),
    ("a blank is no email", "  ", None, None),
    ("a missing value is no email", None, None, None),
]


@pytest.mark.parametrize(("rule", "value", "email", "valid"), EMAILS, ids=[row[0] for row in EMAILS])
def test_members_have_the_normalized_email(rule: str, value: str | None, email: str | None, valid: Any) -> None:
    everyone = members_of([{"name": "Ann", "email": value}])
    assert read(MAPPED, "email, valid", everyone) == [(email, valid)], rule


def test_mapped_attributes_are_a_json_array_in_their_order() -> None:
    everyone = members_of([{"name": 'Łu"kasz', "points": 1.50}, {"points": 7}])
    assert read(MAPPED, "mapped", everyone) == [('["Łu\\"kasz", 1.5]',), ("[null, 7]",)]


FORMATS: list[tuple[str, MappedValue, str | None]] = [
    ("in capitals", MappedValue("name", ValueFormat(letter_case=LetterCase.UPPER)), "ÅSA O'NEIL-BERG"),
    ("in lower case", MappedValue("name", ValueFormat(letter_case=LetterCase.LOWER)), "åsa o'neil-berg"),
    (
        "with a capital for each word",
        MappedValue("shouted", ValueFormat(letter_case=LetterCase.TITLE)),
        "Åsa O'neil-Berg",
    ),
    ("joined by a blank", MappedValue("name", ValueFormat(join="city")), "Åsa O'Neil-Berg Turku"),
    ("joined by a text", MappedValue("city", ValueFormat(join="points", separator=": ")), "Turku: 7"),
    ("joined with nothing", MappedValue("city", ValueFormat(join="missing")), "Turku"),
    ("a second attribute that no longer exists", MappedValue("city", ValueFormat(join="deleted")), "Turku"),
    ("a date with dots", MappedValue("born", ValueFormat(date_format=DateFormat.DOTS)), "02.03.1980"),
    ("a date in America", MappedValue("born", ValueFormat(date_format=DateFormat.AMERICAN)), "03/02/1980"),
    ("the day of a date", MappedValue("born", ValueFormat(date_format=DateFormat.MONTH_AND_DAY)), "03-02"),
    ("a date format for what is no date", MappedValue("city", ValueFormat(date_format=DateFormat.YEAR)), "Turku"),
    ("a default for a missing value", MappedValue("missing", ValueFormat(default="friend")), "friend"),
    ("a default for blanks", MappedValue("blank", ValueFormat(default="friend")), "friend"),
    ("no default for a value", MappedValue("city", ValueFormat(default="friend")), "Turku"),
    ("a constant", MappedValue("", ValueFormat(default="It's")), "It's"),
    ("nothing", MappedValue("missing", ValueFormat(letter_case=LetterCase.TITLE)), None),
]


@pytest.mark.parametrize(("rule", "value", "expected"), FORMATS, ids=[row[0] for row in FORMATS])
def test_mapped_values_are_formatted(rule: str, value: MappedValue, expected: str | None) -> None:
    row = {"name": "Åsa O'Neil-Berg", "shouted": "ÅSA O'NEIL-BERG", "city": "Turku", "points": 7, "blank": " "}
    create_attributes({"born": AttributeType.DATE})
    everyone = members_of([row | {"born": date(1980, 3, 2)}, {"missing": "x"}])
    assert read(MemberSelection("email", mapped=[value]), "mapped", everyone)[0] == (
        json.dumps([expected], ensure_ascii=False),
    ), rule


def test_the_date_of_a_time_is_that_of_the_zone_of_the_environment(settings: Settings) -> None:
    settings.TIME_ZONE = "Europe/Helsinki"
    create_attributes({"seen": AttributeType.DATETIME})
    everyone = members_of([{"seen": datetime(2026, 1, 31, 23, 30, tzinfo=UTC)}])
    value = MappedValue("seen", ValueFormat(date_format=DateFormat.DOTS))
    assert read(MemberSelection("email", mapped=[value]), "mapped", everyone) == [('["01.02.2026"]',)]


def test_consent_is_what_the_attribute_says() -> None:
    everyone = members_of([{"agreed": True}, {"agreed": False}, {"name": "Says nothing"}])
    consent = read(MemberSelection("email", consent="agreed"), "agreed, declined", everyone)
    assert consent == [(True, False), (False, True), (False, False)]


def test_text_is_no_consent() -> None:
    everyone = members_of([{"agreed": "true"}, {"agreed": "no"}])
    consent = read(MemberSelection("email", consent="agreed"), "agreed, declined", everyone)
    assert consent == [(False, False), (False, False)]


def test_without_an_attribute_for_consent_everyone_agrees() -> None:
    everyone = members_of([{"agreed": False}])
    assert read(MAPPED, "agreed, declined", everyone) == [(True, False)]


def test_each_yes_no_attribute_has_a_column() -> None:
    everyone = members_of([{"news": "Yes ", "offers": False}, {"news": "no"}])
    answers = read(MemberSelection("email", yes_no=["news", "offers"]), "says_0, says_1", everyone)
    assert answers == [(True, False), (False, False)]


def test_a_member_of_two_segments_is_read_once() -> None:
    members_of([{"name": "Ann"}], "First")
    both = members_of([{"name": "Bo"}], "Second")
    first = Segment.objects.get(name="First")
    assert [mapped for (mapped,) in read(MAPPED, "mapped", first, both)] == ['["Ann", null]', '["Bo", null]']


def test_profiles_are_read_by_their_ids_in_blocks() -> None:
    members_of([{"name": name} for name in ("Ann", "Bo", "Cid")])
    ann, _bo, cid = profile_ids()
    with audience.reading_profiles([[ann], [cid, 0]], MAPPED) as profiles:
        rows = profiles.reader.rows(f"SELECT profile_id, mapped FROM ({profiles.sql}) ORDER BY profile_id")
    assert rows == [(ann, '["Ann", null]'), (cid, '["Cid", null]')]


def test_members_are_found_by_their_email() -> None:
    everyone = members_of([{"email": "Ann@example.com", "work": "bo@example.com"}])
    create_profiles([{"email": "cid@example.com"}])
    asked = ["ann@example.com", "bo@example.com", "cid@example.com"]
    assert audience.members_with_email([everyone.pk], "email", asked) == {"ann@example.com"}
    assert audience.members_with_email([everyone.pk], "work", asked) == {"bo@example.com"}


def test_existing_profiles_are_told_from_deleted_ones() -> None:
    members_of([{"name": "Ann"}])
    (ann,) = profile_ids()
    assert audience.existing_profiles([ann, ann + 1, 0]) == {ann}


def test_other_apps_leave_the_tables_of_profiles_and_members_alone() -> None:
    """They move out of Django's database: a statement or model of another app would break."""
    tables = re.compile(r"segments_(profile|member)\b|from segments\.models import [^\n]*\b(Profile|Member)\b")
    sources = [
        path for app in ("config", "connections", "exports") for path in (settings.BASE_DIR / app).rglob("*.py")
    ]
    assert len(sources) > 100
    assert [path.name for path in sources if tables.search(path.read_text(encoding="utf-8"))] == []
