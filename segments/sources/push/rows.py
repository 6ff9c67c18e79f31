"""Check pushed profiles, and write each as a line of CSV with the columns of its data source. Pure but for the
limits that it imports.

An error names the attribute and the reason, never the value.
"""

import csv
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Final

import orjson

from segments.sources.column_plan import ColumnPlan, ColumnType
from segments.sources.conversion import BLANKS
from segments.sources.keys import join_key
from segments.sources.staging import MAX_KEY_LENGTH

MAX_TEXT_LENGTH: Final = 10_000
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_BREAKS: Final = frozenset("\t\n\r\v\f")
_LARGEST_INTEGER: Final = 2**63 - 1


class Misfit(Exception):
    """A value is not of the type of its attribute; the message is the reason."""


@dataclass(frozen=True)
class RowError:
    """Why a profile was not accepted: its position in the request, and the attribute, if it is one."""

    index: int
    attribute: str | None
    reason: str


@dataclass
class CheckedRows:
    """The accepted profiles as lines of CSV, with their keys, and the errors of the others."""

    keys: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)


def check_rows(profiles: Sequence[object], plans: Sequence[ColumnPlan], key_columns: Sequence[str]) -> CheckedRows:
    """Check profiles. ``plans`` are those of the columns, in the order of the lines. Values are found by the
    names of the attributes, or else by the names that these had when the data source was created."""
    found = CheckedRows()
    writer = csv.writer(_Lines(found.lines), lineterminator="\n")
    attributes = frozenset(plan.attribute for plan in plans)
    names = attributes | {plan.column for plan in plans}
    columns = [
        (plan.attribute, plan.attribute if plan.column in attributes else plan.column, _CONVERTED[plan.type])
        for plan in plans
    ]
    positions = [[plan.column for plan in plans].index(name) for name in key_columns]
    for index, profile in enumerate(profiles):
        if not isinstance(profile, Mapping):
            found.errors.append(RowError(index, None, "A profile is an object."))
            continue
        name: str | None = None
        try:
            if not names.issuperset(profile):
                raise Misfit("The data source has no such attribute.")
            texts = []
            for name, former, convert in columns:
                value = profile[name] if name in profile else profile.get(former)
                texts.append("" if value is None else convert(value))
            name = plans[positions[0]].attribute
            key = _key([texts[at] for at in positions])
        except Misfit as misfit:
            unknown = next((each for each in profile if each not in names), None)
            found.errors.append(RowError(index, _shown(unknown) if unknown is not None else name, str(misfit)))
            continue
        writer.writerow(texts)
        found.keys.append(key)
    return found


class _Lines:
    """Collects what a writer of CSV writes: one line at a time."""

    def __init__(self, lines: list[str]) -> None:
        self.write = lines.append


def _shown(name: object) -> str:
    return str(name)[:120]


def _key(parts: Sequence[str]) -> str:
    key = join_key([part.strip(BLANKS) for part in parts])
    if not key:
        raise Misfit("The key is empty.")
    if len(key) > MAX_KEY_LENGTH:
        raise Misfit(f"The key is longer than {MAX_KEY_LENGTH} characters.")
    if not _BREAKS.isdisjoint(key):
        raise Misfit("The key contains a tab or a line break.")
    return key


def _text(value: Any) -> str:
    if type(value) is not str:
        raise Misfit("The value is not a text.")
    if len(value) > MAX_TEXT_LENGTH:
        raise Misfit(f"The text is longer than {MAX_TEXT_LENGTH} characters.")
    if "\0" in value:
        raise Misfit("The text contains a NUL character.")
    return value


def _integer(value: Any) -> str:
    if type(value) is not int or abs(value) > _LARGEST_INTEGER:
        raise Misfit("The value is not a whole number of 64 bits.")
    return str(value)


def _number(value: Any) -> str:
    if type(value) not in (int, float):
        raise Misfit("The value is not a number.")
    return repr(float(value)) if abs(value) > _LARGEST_INTEGER else repr(value)


def _boolean(value: Any) -> str:
    if type(value) is not bool:
        raise Misfit("The value is neither true nor false.")
    return "true" if value else "false"


def _date(value: Any) -> str:
    if type(value) is not str or not _DAY.fullmatch(value):
        raise Misfit("The value is not a date such as 2026-01-31.")
    try:
        date.fromisoformat(value)
    except ValueError:
        raise Misfit("There is no such day.") from None
    return value


def _datetime(value: Any) -> str:
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise Misfit("The time has no zone.")
        return moment.astimezone(UTC).isoformat()
    except (TypeError, ValueError, OverflowError):
        raise Misfit("The value is not a time such as 2026-01-31T12:00:00Z.") from None


def _list(value: Any) -> str:
    if type(value) is not list:
        raise Misfit("The value is not a list of texts.")
    text = orjson.dumps([_text(each) for each in value]).decode()
    if len(text) > MAX_TEXT_LENGTH:
        raise Misfit(f"The list is longer than {MAX_TEXT_LENGTH} characters.")
    return text


_CONVERTED: Final[Mapping[ColumnType, Callable[[Any], str]]] = {
    ColumnType.TEXT: _text,
    ColumnType.INTEGER: _integer,
    ColumnType.NUMBER: _number,
    ColumnType.BOOLEAN: _boolean,
    ColumnType.DATE: _date,
    ColumnType.DATETIME: _datetime,
    ColumnType.LIST: _list,
}
