"""Strategies for random rules, moments and profiles, near each other so that rules match some of them."""

import random
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from segments.models import AttributeType
from segments.rules.operators import OPERATORS, Operator
from segments.rules.values import Takes

TYPES: Mapping[str, AttributeType] = {
    "city": AttributeType.TEXT,
    "town": AttributeType.TEXT,
    "points": AttributeType.NUMBER,
    "goal": AttributeType.NUMBER,
    "visits": AttributeType.INTEGER,
    "orders": AttributeType.INTEGER,
    "born": AttributeType.DATE,
    "joined": AttributeType.DATE,
    "seen": AttributeType.DATETIME,
    "ordered": AttributeType.DATETIME,
    "newsletter": AttributeType.BOOLEAN,
    "tags": AttributeType.LIST,
    "labels": AttributeType.LIST,
}
SEGMENTS = (1, 2)
PROFILE_COUNT = 30

TEXTS = [
    "Łódź", "łódź", "ŁÓDŹ", "Lodz", "Ło\u0301dz\u0301", "100%", "a_b", "O'Connor", 'say "hi"', "back\\slash", "\\",
    "'", "李", "Lo", "ΣΑΣ", "σας", "σασ", "İzmir", "izmir", "ızmır", "I", "ẞ", "ß", "ss", "\u212a", "k", "K", "ǅ",
    "\U0001f600", "e\u0301", "é", " a ", "line\nbreak", "\u1e9b\u0323", "--", "$1", "?", "%s", "{x}",
]  # fmt: skip
NUMBERS = [-2.0, -0.0, 0.0, 0.1, 0.30000000000000004, 0.3, 1.0, 1.5, 10.0, 1e15, 123456789012345.67, 1e40, -1e-7]
INTEGERS = [-(2**63), -2, 0, 1, 10, 2**53 + 1, 2**63 - 1]
ZONES = [
    ZoneInfo(name)
    for name in (
        "UTC", "Europe/Helsinki", "America/Los_Angeles", "America/Sao_Paulo", "America/Havana", "Asia/Beirut",
        "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia", "Pacific/Auckland",
    )
]  # fmt: skip
# Near changes of clocks, at midnight in some zones; a day that Apia left out; ends of months and leap days.
DAYS = [
    date(2024, 3, 10), date(2024, 3, 31), date(2024, 10, 27), date(2024, 11, 3), date(2018, 11, 4),
    date(2019, 2, 16), date(2011, 12, 30), date(2023, 3, 26), date(2024, 2, 29), date(2023, 2, 28),
    date(2024, 2, 28), date(2024, 12, 31), date(2021, 4, 4), date(2000, 2, 29), date(2024, 5, 31),
    date(1971, 3, 1),
]  # fmt: skip
OFFSETS = [-400, -365, -31, -30, -29, -8, -7, -6, -1, 0, 0, 1, 2, 6, 7, 8, 30, 31, 366]
SECONDS = [0, -0.000001, 1, 3600, -3600, 5400, 7200, 43_200, 86_399.999999]

moments = st.builds(
    lambda day, second: datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(seconds=second),
    st.sampled_from(DAYS),
    st.integers(-86_400, 86_400) | st.floats(0, 86_400),
)


def days_around(moment: datetime, zone: ZoneInfo) -> list[date]:
    """The days that rules and profiles use."""
    today = moment.astimezone(zone).date()
    return [*(today + timedelta(days=offset) for offset in OFFSETS), *DAYS]


def random_profiles(seed: int, moment: datetime, zone: ZoneInfo) -> list[dict[str, Any]]:
    """Profiles with values near the moment, in the borders of days, and without values."""
    chance = random.Random(seed)
    days = days_around(moment, zone)

    def value(data_type: AttributeType) -> Any:
        if chance.random() < 0.2:
            return None
        day = chance.choice(days)
        match data_type:
            case AttributeType.TEXT:
                return chance.choice(TEXTS)
            case AttributeType.NUMBER:
                return chance.choice(NUMBERS)
            case AttributeType.INTEGER:
                return chance.choice(INTEGERS)
            case AttributeType.DATE:
                return day
            case AttributeType.DATETIME:
                return _moment_near(chance, day, moment, zone)
            case AttributeType.BOOLEAN:
                return chance.random() < 0.5
        return chance.sample(TEXTS, chance.randint(1, 3))

    return [
        {"id": number, **{name: value(data_type) for name, data_type in TYPES.items()}}
        for number in range(PROFILE_COUNT)
    ]


def _moment_near(chance: random.Random, day: date, moment: datetime, zone: ZoneInfo) -> datetime:
    second = timedelta(seconds=chance.choice(SECONDS))
    if chance.random() < 0.2:
        return moment + second
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone, fold=chance.randint(0, 1))
    return midnight.astimezone(UTC) + second


def random_members(seed: int) -> dict[int, frozenset[int]]:
    """The members of the other segments."""
    chance = random.Random(seed)
    return {segment: frozenset(chance.sample(range(PROFILE_COUNT), 12)) for segment in SEGMENTS}


@st.composite
def conditions(draw: st.DrawFn) -> dict[str, Any]:
    """Conditions of every operator, with values, other attributes and other segments."""
    if draw(st.integers(0, 9)) == 0:
        return {
            "segment": draw(st.sampled_from(SEGMENTS)),
            "operator": draw(st.sampled_from(["member", "not_member"])),
        }
    attribute = draw(st.sampled_from(list(TYPES)))
    data_type = TYPES[attribute]
    operator = draw(st.sampled_from(OPERATORS[data_type]))
    condition: dict[str, Any] = {"attribute": attribute, "operator": operator.key}
    others = [name for name, other in TYPES.items() if other == data_type and name != attribute]
    if operator.takes == Takes.ONE and others and draw(st.booleans()):
        condition["other_attribute"] = draw(st.sampled_from(others))
    elif operator.takes != Takes.NOTHING:
        condition["value"] = draw(values(data_type, operator))
    if data_type in (AttributeType.TEXT, AttributeType.LIST) and draw(st.booleans()):
        condition["ignore_case"] = True
    return condition


def values(data_type: AttributeType, operator: Operator) -> st.SearchStrategy[Any]:
    """Values that an operator takes. Days are offsets from today, see ``with_days``."""
    one = _one(data_type)
    units = ["days", "weeks", "months", *(["hours"] if data_type == AttributeType.DATETIME else [])]
    return {
        Takes.ONE: one,
        Takes.TWO: st.lists(one, min_size=2, max_size=2),
        Takes.MANY: st.lists(one, min_size=1, max_size=4),
        Takes.DAYS: st.sampled_from([1, 7, "30", 36_525]),
        Takes.PERIOD: st.tuples(st.sampled_from([1, 2, "7", 24, 30, 1200]), st.sampled_from(units)),
        Takes.MONTH: st.sampled_from(["current", 1, "2", 3, 10, 12]),
        Takes.DAY: st.sampled_from(["today", "02-28", "02-29", "03-10", "12-31"]),
    }[operator.takes]


def _one(data_type: AttributeType) -> st.SearchStrategy[Any]:
    return {
        AttributeType.TEXT: st.sampled_from([*TEXTS, "ó", "o", "a", "zmir", "Σ"]),
        AttributeType.LIST: st.sampled_from(TEXTS),
        AttributeType.NUMBER: st.sampled_from([*NUMBERS, "1.50", "-2", "10"]),
        AttributeType.INTEGER: st.sampled_from([*INTEGERS, "-2", "10.0"]),
        AttributeType.DATE: st.integers(0, len(OFFSETS) + len(DAYS) - 1),
        AttributeType.DATETIME: st.integers(0, len(OFFSETS) + len(DAYS) - 1),
        AttributeType.BOOLEAN: st.nothing(),
    }[data_type]


def groups(rule: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Groups of rules."""
    joins = st.sampled_from(["and", "or", "and", "or", "union", "intersect", "except"])
    return st.fixed_dictionaries({"join": joins, "rules": st.lists(rule, max_size=3)})


trees = groups(conditions() | groups(conditions() | groups(conditions())))


def with_days(tree: Mapping[str, Any], moment: datetime, zone: ZoneInfo) -> dict[str, Any]:
    """The tree with days instead of their numbers, and its pairs in order."""
    days = days_around(moment, zone)
    return {**tree, "rules": [_with_days(rule, days, moment, zone) for rule in tree["rules"]]}


def _with_days(rule: Mapping[str, Any], days: list[date], moment: datetime, zone: ZoneInfo) -> dict[str, Any]:
    if "rules" in rule:
        return with_days(rule, moment, zone)
    found, key = rule.get("value"), rule["operator"]
    if found is None:
        return dict(rule)
    if key in ("on", "before", "after"):
        return {**rule, "value": days[found].isoformat()}
    if key == "between" and TYPES[rule["attribute"]] in (AttributeType.DATE, AttributeType.DATETIME):
        return {**rule, "value": sorted(days[number].isoformat() for number in found)}
    return {**rule, "value": sorted(found, key=float)} if key == "between" else dict(rule)
