"""Strategies for random rules, moments and profiles, near each other so that rules match some of them."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
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
# Zones, with days on which clocks change, at midnight in some, and the day that Apia left out.
_CHANGES = {
    "UTC": [],
    "Europe/Helsinki": [date(2024, 3, 31), date(2024, 10, 27)],
    "America/Los_Angeles": [date(2024, 3, 10), date(2024, 11, 3)],
    "America/Sao_Paulo": [date(2018, 11, 4), date(2019, 2, 16)],
    "America/Havana": [date(2024, 3, 10), date(2024, 11, 3)],
    "Asia/Beirut": [date(2024, 3, 31), date(2024, 10, 26)],
    "Asia/Kathmandu": [],
    "Australia/Lord_Howe": [date(2024, 4, 7), date(2024, 10, 6)],
    "Pacific/Apia": [date(2011, 12, 30), date(2021, 4, 4)],
    "Pacific/Auckland": [date(2024, 4, 7), date(2024, 9, 29)],
}
ZONES = [ZoneInfo(name) for name in _CHANGES]
# Leap days and ends of months.
DAYS = [
    date(2024, 2, 28),
    date(2024, 2, 29),
    date(2023, 2, 28),
    date(2000, 2, 29),
    date(2024, 5, 31),
    date(1971, 3, 1),
]
OFFSETS = [-400, -365, -31, -30, -29, -8, -7, -6, -1, 0, 0, 1, 2, 6, 7, 8, 30, 31, 366]
SECONDS = [0, -0.000001, 1, 3600, -3600, 5400, 7200, 43_200, 86_399.999999]


@st.composite
def moments_and_zones(draw: st.DrawFn) -> tuple[datetime, ZoneInfo]:
    """Moments on days where rules are easily wrong, with a zone."""
    zone = draw(st.sampled_from(ZONES))
    day = draw(st.sampled_from([*_CHANGES[zone.key] * 2, *DAYS]))
    second = draw(st.integers(-86_400, 86_400) | st.floats(0, 86_400))
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(seconds=second), zone


@dataclass(frozen=True)
class Pool:
    """The few values that rules and profiles of an example share, so that rules match some profiles."""

    moment: datetime
    zone: ZoneInfo
    texts: Sequence[str]
    numbers: Sequence[float]
    integers: Sequence[int]
    days: Sequence[date]

    def in_rule(self, data_type: AttributeType, number: int) -> Any:
        """The value of a rule for a number that was drawn."""
        parts = [part for text in self.texts for part in (text[:1], text[1:], text[:-1], text[-2:]) if part]
        options: Sequence[Any] = {
            AttributeType.TEXT: [*self.texts, *parts],
            AttributeType.LIST: self.texts,
            AttributeType.NUMBER: [*self.numbers, *map(str, self.numbers)],
            AttributeType.INTEGER: [*self.integers, *map(str, self.integers)],
        }.get(data_type, [day.isoformat() for day in self.days])
        return options[number % len(options)]

    def in_profile(self, chance: random.Random, data_type: AttributeType) -> Any:
        """A value of a profile, or None."""
        if chance.random() < 0.15:
            return None
        match data_type:
            case AttributeType.TEXT:
                return chance.choice(self.texts)
            case AttributeType.NUMBER:
                return chance.choice(self.numbers)
            case AttributeType.INTEGER:
                return chance.choice(self.integers)
            case AttributeType.DATE:
                return chance.choice(self.days)
            case AttributeType.DATETIME:
                return self._moment(chance)
            case AttributeType.BOOLEAN:
                return chance.random() < 0.5
        return chance.sample(self.texts, chance.randint(1, 3))

    def _moment(self, chance: random.Random) -> datetime:
        second = timedelta(seconds=chance.choice(SECONDS))
        if chance.random() < 0.2:
            return self.moment + second
        day = chance.choice(self.days)
        midnight = datetime(day.year, day.month, day.day, tzinfo=self.zone, fold=chance.randint(0, 1))
        return midnight.astimezone(UTC) + second


def random_pool(seed: int, moment: datetime, zone: ZoneInfo) -> Pool:
    """Some values of each type, and days near the moment and the changes of clocks."""
    chance = random.Random(seed)
    today = moment.astimezone(zone).date()
    near = [today + timedelta(days=chance.choice(OFFSETS)) for _ in range(5)]
    change = chance.choice(_CHANGES[zone.key] or DAYS)
    return Pool(
        moment,
        zone,
        chance.sample(TEXTS, 6),
        chance.sample(NUMBERS, 5),
        chance.sample(INTEGERS, 4),
        [today, *near, change, change + timedelta(days=1), *chance.sample(DAYS, 2)],
    )


def random_profiles(seed: int, pool: Pool) -> list[dict[str, Any]]:
    """Profiles with values of the pool."""
    chance = random.Random(seed)
    return [
        {"id": number, **{name: pool.in_profile(chance, data_type) for name, data_type in TYPES.items()}}
        for number in range(PROFILE_COUNT)
    ]


def random_members(seed: int) -> dict[int, frozenset[int]]:
    """The members of the other segments."""
    chance = random.Random(seed)
    return {segment: frozenset(chance.sample(range(PROFILE_COUNT), 12)) for segment in SEGMENTS}


_COMPARISONS = [
    (attribute, operator) for attribute, data_type in TYPES.items() for operator in OPERATORS[data_type]
]


@st.composite
def conditions(draw: st.DrawFn) -> dict[str, Any]:
    """Conditions of every operator, with values, other attributes and other segments."""
    if draw(st.integers(0, 9)) == 0:
        return {
            "segment": draw(st.sampled_from(SEGMENTS)),
            "operator": draw(st.sampled_from(["member", "not_member"])),
        }
    attribute, operator = draw(st.sampled_from(_COMPARISONS))
    data_type = TYPES[attribute]
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
    """Values that an operator takes, with numbers for those of a pool, see ``with_values``."""
    one = st.integers(0, 999)
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


def groups(rule: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Groups of rules."""
    joins = st.sampled_from(["and", "or", "and", "or", "union", "intersect", "except"])
    return st.fixed_dictionaries({"join": joins, "rules": st.lists(rule, max_size=3)})


trees = groups(conditions() | groups(conditions() | groups(conditions())))


def single_conditions() -> st.SearchStrategy[dict[str, Any]]:
    """Trees of one condition."""
    return conditions().map(lambda condition: {"join": "and", "rules": [condition]})


def with_values(tree: Mapping[str, Any], pool: Pool) -> dict[str, Any]:
    """The tree with values of the pool instead of their numbers, and its pairs in order."""
    return {**tree, "rules": [_with_values(rule, pool) for rule in tree["rules"]]}


def _with_values(rule: Mapping[str, Any], pool: Pool) -> dict[str, Any]:
    if "rules" in rule:
        return with_values(rule, pool)
    if "value" not in rule:
        return dict(rule)
    data_type, drawn = TYPES[rule["attribute"]], rule["value"]
    takes = next(operator.takes for operator in OPERATORS[data_type] if operator.key == rule["operator"])
    if takes == Takes.ONE:
        return {**rule, "value": pool.in_rule(data_type, drawn)}
    if takes in (Takes.MANY, Takes.TWO):
        found = [pool.in_rule(data_type, number) for number in drawn]
        is_number = data_type in (AttributeType.NUMBER, AttributeType.INTEGER)
        return {
            **rule,
            "value": sorted(found, key=Decimal if is_number else None) if takes == Takes.TWO else found,
        }
    return dict(rule)
