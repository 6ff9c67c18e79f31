"""Guess how the texts of an attribute are written, from a sample, for the first preview of a conversion."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from segments.attribute_changes.conversion import NO_SOURCE, Conversion, SourcePlans
from segments.catalog import Attribute
from segments.sources.candidates import NULL_WORDS, YES_NO, candidates
from segments.sources.column_plan import ColumnFormat, ColumnPlan, ColumnType
from segments.sources.conversion import given_text, typed_value
from segments.store.lake import Reader, as_list, listed, reading

_SAMPLED: Final = 400
_DATES: Final = ("", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y/%m/%d", "%Y%m%d")
_NUMBERS: Final = ((".", ""), (",", ""), (".", ","), (",", "."), (",", " "))
_SEPARATORS: Final = (";", "|", ",", "")


def guess_plans(attribute: Attribute, before: SourcePlans, kind: ColumnType) -> dict[str, ColumnPlan]:
    """Return how the texts of each data source would be converted to a type, by its ID. ``before`` says how they
    were converted."""
    conversion = Conversion(attribute, before, before)
    with reading() as reader:
        return {
            source: _guess(reader, conversion, source, kind)
            for source in before
            if source != NO_SOURCE or len(before) == 1
        }


def _guess(reader: Reader, conversion: Conversion, source: str, kind: ColumnType) -> ColumnPlan:
    known = conversion.before[source]
    if kind in (known.type, ColumnType.TEXT):
        return ColumnPlan(known.column, type=kind, format=known.format if kind is known.type else ColumnFormat())
    rows = reader.rows(
        f"SELECT DISTINCT text FROM (SELECT text FROM ({conversion.texts(source)}) LIMIT 20000)"
        f" ORDER BY text LIMIT {_SAMPLED:d}"
    )
    sample = [text for (text,) in rows]
    words = tuple(sorted({*known.null_words, *NULL_WORDS.intersection(sample)}))
    values = [text for text in sample if text not in words]
    proposed = [plan.format for plan in candidates(known.column, values, kind) if plan.type is kind]
    spellings = [*proposed, *_spellings(kind, known.format.time_zone)]
    best = _best(reader, values, [ColumnPlan(known.column, type=kind, format=each) for each in spellings])
    return replace(best, null_words=words)


def _spellings(kind: ColumnType, zone: str) -> Iterator[ColumnFormat]:
    match kind:
        case ColumnType.DATE | ColumnType.DATETIME:
            yield from (ColumnFormat(date_format=pattern, time_zone=zone) for pattern in _DATES)
        case ColumnType.NUMBER | ColumnType.INTEGER:
            yield from (ColumnFormat(decimal=decimal, thousands=sign) for decimal, sign in _NUMBERS)
        case ColumnType.BOOLEAN:
            yield from (ColumnFormat(true_word=true, false_word=false) for true, false in YES_NO)
        case ColumnType.LIST:
            yield from (ColumnFormat(separator=sign) for sign in _SEPARATORS)
        case _:
            yield ColumnFormat()


def _best(reader: Reader, sample: Sequence[str], plans: Sequence[ColumnPlan]) -> ColumnPlan:
    """Return the first of the plans that most texts of a sample fit."""
    counts = ", ".join(f"count({typed_value(given_text('t0', plan), plan)})" for plan in plans)
    fits = reader.row(f"SELECT {counts} FROM {listed('VARCHAR')} AS given(t0)", [as_list(sample)])
    return max(zip(fits, plans, strict=True), key=lambda pair: pair[0])[1]
