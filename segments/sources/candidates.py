"""Propose types for a column from a sample of its values; the proposals are checked on all values afterwards."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from segments.sources import column_names
from segments.sources.column_plan import ColumnFormat, ColumnPlan, ColumnType

# Texts that programs write for a missing value.
NULL_WORDS: Final = frozenset(
    {
        "N/A", "n/a", "NA", "na", "#N/A", "NULL", "Null", "null", "(null)", "<null>", "NIL", "nil", "None",
        "none", "NaN", "nan", "-", "--", "—", "–", "?", ".", r"\N", "0000-00-00", "0000-00-00 00:00:00", "#VALUE!",
        "#REF!", "unknown", "Unknown",
    }
)  # fmt: skip
# Of text: those that are no word and no name of a person.
TEXT_NULL_WORDS: Final = frozenset({"#N/A", "NULL", "null", "(null)", "<null>", r"\N", "#VALUE!", "#REF!"})
YES_NO: Final = (
    ("yes", "no"), ("true", "false"), ("1", "0"), ("t", "f"), ("y", "n"), ("on", "off"), ("ja", "nein"),
    ("ja", "nej"), ("ja", "nee"), ("oui", "non"), ("sí", "no"), ("si", "no"), ("sì", "no"), ("kyllä", "ei"),
    ("kylla", "ei"), ("tak", "nie"), ("da", "nu"), ("ya", "tidak"), ("是", "否"), ("allow", "do not allow"),
)  # fmt: skip
_MAX_DIGITS: Final = 15  # a number of a spreadsheet, and of JavaScript, keeps so many
_WHOLE: Final = re.compile(r"-?(?:0|[1-9]\d*)", re.ASCII)
_DECIMAL: Final = re.compile(r"-?(?:0|[1-9]\d*)([.,])(\d+)", re.ASCII)
_ISO_DAY: Final = re.compile(r"\d{4}-\d{1,2}-\d{1,2}", re.ASCII)
_DAYS: Final = (
    (re.compile(r"\d{4}-\d{1,2}-\d{1,2}", re.ASCII), ("%Y-%m-%d",)),
    (re.compile(r"\d{4}/\d{1,2}/\d{1,2}", re.ASCII), ("%Y/%m/%d",)),
    (re.compile(r"\d{1,2}\.\d{1,2}\.\d{4}", re.ASCII), ("%d.%m.%Y",)),
    (re.compile(r"\d{1,2}/\d{1,2}/\d{4}", re.ASCII), ("%d/%m/%Y", "%m/%d/%Y")),
    (re.compile(r"\d{1,2}-\d{1,2}-\d{4}", re.ASCII), ("%d-%m-%Y", "%m-%d-%Y")),
    (re.compile(r"\d{1,2} [A-Za-z]{3} \d{4}", re.ASCII), ("%d %b %Y",)),
    (re.compile(r"\d{1,2}-[A-Za-z]{3}-\d{4}", re.ASCII), ("%d-%b-%Y",)),
    (re.compile(r"\d{1,2} [A-Za-z]{3,9} \d{4}", re.ASCII), ("%d %B %Y",)),
    (re.compile(r"[A-Za-z]{3} \d{1,2}, \d{4}", re.ASCII), ("%b %d, %Y",)),
    (re.compile(r"[A-Za-z]{3,9} \d{1,2}, \d{4}", re.ASCII), ("%B %d, %Y",)),
    (re.compile(r"\d{4}年\d{1,2}月\d{1,2}日", re.ASCII), ("%Y年%m月%d日",)),
)
_PACKED_DAY: Final = re.compile(r"(?:19|20)\d{6}", re.ASCII)
_TIME: Final = re.compile(
    r"(?P<gap>T| |, )\d{1,2}:\d{2}(?P<seconds>:\d{2})?(?P<fraction>[.,]\d+)?(?P<half> ?[APap][Mm])?"
    r"(?P<zone>Z| ?UTC| ?GMT| ?[+-]\d{2}:?\d{2})?$",
    re.ASCII,
)
_SEPARATORS: Final = (";", "|", ",")


def candidates(name: str, sample: Sequence[str], declared: ColumnType | None) -> list[ColumnPlan]:
    """Return the plans that fit a sample of distinct values of a column, the best first, without text."""
    values = [value for value in sample if value not in NULL_WORDS]
    if not values:
        return []
    plan = ColumnPlan(name, attribute=name)
    found = [*_lists(plan, values, declared), *_booleans(plan, values, declared), *_moments(plan, values)]
    if not column_names.is_code(name):
        found += _numbers(plan, values)
    return found


def _booleans(plan: ColumnPlan, values: Sequence[str], declared: ColumnType | None) -> Iterator[ColumnPlan]:
    folded = {value.casefold(): value for value in values}
    if declared is not ColumnType.BOOLEAN and (len(folded) > 2 or column_names.is_label(plan.column)):
        return
    for true, false in YES_NO:
        if not folded.keys() <= {true, false}:
            continue
        if true == "1" and (column_names.is_count(plan.column) or column_names.is_code(plan.column)):
            continue
        words = ColumnFormat(true_word=folded.get(true, true), false_word=folded.get(false, false))
        yield replace(plan, type=ColumnType.BOOLEAN, format=words)


def _numbers(plan: ColumnPlan, values: Sequence[str]) -> Iterator[ColumnPlan]:
    if all(map(_is_whole, values)):
        if all(map(_PACKED_DAY.fullmatch, values)) and column_names.is_day(plan.column):
            yield replace(plan, type=ColumnType.DATE, format=ColumnFormat(date_format="%Y%m%d"))
        yield replace(plan, type=ColumnType.INTEGER)
        return
    parts = [(value, _DECIMAL.fullmatch(value)) for value in values]
    if not all(found or _WHOLE.fullmatch(value) for value, found in parts):
        return
    signs = {found[1] for _value, found in parts if found}
    digits = {len(found[2]) for _value, found in parts if found}
    longest = max(sum(map(str.isdigit, value)) for value in values)
    if len(signs) != 1 or longest > _MAX_DIGITS or _may_be_thousands(values, digits):
        return
    spelling = ColumnFormat(decimal=signs.pop(), decimals=digits.pop() if len(digits) == 1 else None)
    yield replace(plan, type=ColumnType.NUMBER, format=spelling)


def _is_whole(value: str) -> bool:
    return bool(_WHOLE.fullmatch(value)) and len(value.lstrip("-")) <= _MAX_DIGITS and value != "-0"


def _may_be_thousands(values: Sequence[str], digits: set[int]) -> bool:
    """Say whether 1.234 may mean more than a thousand."""
    if digits != {3}:
        return False
    heads = [re.split("[.,]", value)[0].lstrip("-") for value in values]
    return all(len(head) <= 3 and head != "0" for head in heads)


def _moments(plan: ColumnPlan, values: Sequence[str]) -> Iterator[ColumnPlan]:
    """Propose dates, and dates with times."""
    times = [_TIME.search(value) for value in values]
    days = [value[: time.start()] if time else value for value, time in zip(values, times, strict=True)]
    formats = next((formats for pattern, formats in _DAYS if all(map(pattern.fullmatch, days))), None)
    if formats is None:
        return
    for day in formats:
        if not any(times):
            is_iso = day == "%Y-%m-%d"
            spelling = ColumnFormat(date_format="" if is_iso else day)
            yield replace(plan, type=ColumnType.DATE, format=spelling)
        else:
            pattern = _moment_pattern(day, [time for time in times if time], all(times))
            if pattern is not None:
                yield replace(plan, type=ColumnType.DATETIME, format=ColumnFormat(date_format=pattern))


def _moment_pattern(day: str, times: Sequence[re.Match[str]], is_complete: bool) -> str | None:
    """Return the pattern of dates with times; empty for ISO 8601 in several spellings, None when there is none."""
    found = {
        (
            time["gap"],
            bool(time["seconds"]),
            bool(time["fraction"]),
            (time["half"] or "").startswith(" ") if time["half"] else None,
            time["zone"] if time["zone"] in (None, "Z") else "offset",
        )
        for time in times
    }
    is_iso = day == "%Y-%m-%d"
    if len(found) == 1 and is_complete:
        ((gap, has_seconds, has_fraction, half, zone),) = found
        if not has_fraction and zone in (None, "Z") and (is_iso or zone is None):
            clock = "%H:%M" if half is None else "%I:%M"
            clock += ":%S" if has_seconds else ""
            clock += {None: "", True: " %p", False: "%p"}[half]
            return f"{day}{gap}{clock}{zone or ''}"
    if is_iso:
        return "" if all(half is None and gap != ", " for gap, _seconds, _fraction, half, _zone in found) else None
    if any(zone for _gap, _seconds, _fraction, _half, zone in found):
        return None
    return f"{day} %H:%M"


def _lists(plan: ColumnPlan, values: Sequence[str], declared: ColumnType | None) -> Iterator[ColumnPlan]:
    if declared is ColumnType.LIST or all(value.startswith("[") and value.endswith("]") for value in values):
        yield replace(plan, type=ColumnType.LIST)
        return
    if column_names.is_list(plan.column):
        separator = max(_SEPARATORS, key=lambda sign: sum(value.count(sign) for value in values))
        if not any(separator in value for value in values):
            separator = ","
        yield replace(plan, type=ColumnType.LIST, format=ColumnFormat(separator=separator))
        return
    for separator in (";", "|"):
        if _repeats(values, separator):
            yield replace(plan, type=ColumnType.LIST, format=ColumnFormat(separator=separator))


def _repeats(values: Sequence[str], separator: str) -> bool:
    """Say whether values are combinations of few items that occur again and again."""
    several = sum(1 for value in values if separator in value)
    items = [item.strip() for value in values for item in value.split(separator)]
    return (
        len(values) >= 8
        and several >= len(values) / 2
        and len(set(items)) <= len(items) / 3
        and max(map(len, items)) <= 40
    )
