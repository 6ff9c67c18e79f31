"""Random rules, moments and profiles of few values, so that rules match some profiles.

An example comes from one seed that Hypothesis draws, since it repeats most of an example with many choices.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

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
    date(2024, 2, 28), date(2024, 2, 29), date(2023, 2, 28), date(2000, 2, 29), date(2024, 5, 31),
    date(1971, 3, 1),
]  # fmt: skip
OFFSETS = [-400, -365, -31, -30, -29, -8, -7, -6, -1, 0, 0, 1, 2, 6, 7, 8, 30, 31, 366]
SECONDS = [0, -0.000001, 1, 3600, -3600, 5400, 7200, 43_200, 86_399.999999]


_COMPARISONS = [
    (attribute, operator) for attribute, data_type in TYPES.items() for operator in OPERATORS[data_type]
]
_JOINS = ["and", "or", "and", "or", "union", "intersect", "except"]


@dataclass
class Example:
    """Random values that rules and profiles share, at a moment in a zone."""

    chance: random.Random
    zone: ZoneInfo = field(init=False)
    moment: datetime = field(init=False)
    texts: list[str] = field(init=False)
    numbers: list[float] = field(init=False)
    integers: list[int] = field(init=False)
    days: list[date] = field(init=False)

    def __post_init__(self) -> None:
        chance = self.chance
        self.zone = chance.choice(ZONES)
        changes = _CHANGES[self.zone.key] or DAYS
        day = chance.choice([*changes, chance.choice(DAYS)])
        seconds = chance.choice([chance.randint(-86_400, 86_400), chance.uniform(0, 86_400)])
        self.moment = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(seconds=seconds)
        self.texts, self.numbers = chance.sample(TEXTS, 6), chance.sample(NUMBERS, 5)
        self.integers = chance.sample(INTEGERS, 4)
        today, change = self.moment.astimezone(self.zone).date(), chance.choice(changes)
        near = [today + timedelta(days=chance.choice(OFFSETS)) for _ in range(5)]
        self.days = [today, *near, change, change + timedelta(days=1), *chance.sample(DAYS, 2)]

    def profiles(self) -> list[dict[str, Any]]:
        """Profiles with values and without."""
        return [
            {"id": number, **{name: self._of_profile(data_type) for name, data_type in TYPES.items()}}
            for number in range(PROFILE_COUNT)
        ]

    def members(self) -> dict[int, frozenset[int]]:
        """The members of the other segments."""
        return {segment: frozenset(self.chance.sample(range(PROFILE_COUNT), 12)) for segment in SEGMENTS}

    def trees_of_each_operator(self) -> list[dict[str, Any]]:
        """A tree of one condition for each operator of each attribute."""
        return [{"join": "and", "rules": [self._comparison(*comparison)]} for comparison in _COMPARISONS]

    def tree(self, depth: int = 3) -> dict[str, Any]:
        """Groups of conditions inside groups."""
        rules = [
            self.tree(depth - 1) if depth > 1 and self.chance.random() < 0.4 else self._condition()
            for _ in range(self.chance.randint(0, 3))
        ]
        return {"join": self.chance.choice(_JOINS), "rules": rules}

    def _condition(self) -> dict[str, Any]:
        """A condition with a value, with another attribute, or of another segment."""
        chance = self.chance
        if chance.random() < 0.05:
            return {"segment": chance.choice(SEGMENTS), "operator": chance.choice(["member", "not_member"])}
        return self._comparison(*chance.choice(_COMPARISONS))

    def _comparison(self, attribute: str, operator: Operator) -> dict[str, Any]:
        chance, data_type = self.chance, TYPES[attribute]
        condition: dict[str, Any] = {"attribute": attribute, "operator": operator.key}
        others = [name for name, other in TYPES.items() if other == data_type and name != attribute]
        if operator.takes == Takes.ONE and chance.random() < 0.3:
            condition["other_attribute"] = chance.choice(others)
        elif operator.takes != Takes.NOTHING:
            condition["value"] = self._of_operator(data_type, operator)
        if data_type in (AttributeType.TEXT, AttributeType.LIST) and chance.random() < 0.5:
            condition["ignore_case"] = True
        return condition

    def _of_operator(self, data_type: AttributeType, operator: Operator) -> Any:
        chance = self.chance
        match operator.takes:
            case Takes.ONE:
                return self._of_rule(data_type)
            case Takes.MANY:
                return [self._of_rule(data_type) for _ in range(chance.randint(1, 4))]
            case Takes.TWO:
                is_number = data_type in (AttributeType.NUMBER, AttributeType.INTEGER)
                return sorted((self._of_rule(data_type) for _ in "ab"), key=Decimal if is_number else None)
            case Takes.DAYS:
                return chance.choice([1, 7, "30", 36_525])
            case Takes.MONTH:
                return chance.choice(["current", 1, "2", 3, 10, 12])
            case Takes.DAY:
                return chance.choice(["today", "02-28", "02-29", "03-10", "12-31"])
        units = ["days", "weeks", "months", *(["hours"] if data_type == AttributeType.DATETIME else [])]
        return [chance.choice([1, 2, "7", 24, 30, 1200]), chance.choice(units)]

    def _of_rule(self, data_type: AttributeType) -> Any:
        parts = [part for text in self.texts for part in (text[:1], text[1:], text[:-1], text[-2:]) if part]
        options: Mapping[AttributeType, Sequence[Any]] = {
            AttributeType.TEXT: [*self.texts, *self.texts, *parts],
            AttributeType.LIST: self.texts,
            AttributeType.NUMBER: [*self.numbers, *map(str, self.numbers)],
            AttributeType.INTEGER: [*self.integers, *map(str, self.integers)],
        }
        return self.chance.choice(options.get(data_type) or [day.isoformat() for day in self.days])

    def _of_profile(self, data_type: AttributeType) -> Any:
        chance = self.chance
        if chance.random() < 0.15:
            return None
        options: Mapping[AttributeType, Sequence[Any]] = {
            AttributeType.TEXT: self.texts,
            AttributeType.NUMBER: self.numbers,
            AttributeType.INTEGER: self.integers,
            AttributeType.DATE: self.days,
            AttributeType.BOOLEAN: [True, False],
        }
        if data_type == AttributeType.LIST:
            return chance.sample(self.texts, chance.randint(1, 3))
        return (
            self._moment_near_midnight()
            if data_type == AttributeType.DATETIME
            else chance.choice(options[data_type])
        )

    def _moment_near_midnight(self) -> datetime:
        second, day = timedelta(seconds=self.chance.choice(SECONDS)), self.chance.choice(self.days)
        if self.chance.random() < 0.2:
            return self.moment + second
        fold = self.chance.randint(0, 1)
        return datetime(day.year, day.month, day.day, tzinfo=self.zone, fold=fold).astimezone(UTC) + second
