"""Infer how the columns of a loaded file become attributes: proposals from a sample, checked on all values.

Text unless every value survives: a wrong type would change or lose values of customers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

import duckdb

from segments.sources.candidates import NULL_WORDS, TEXT_NULL_WORDS, candidates
from segments.sources.column_plan import ColumnPlan, ColumnType
from segments.sources.conversion import BLANKS, given_text, is_plain_moment, typed_value, written
from segments.sources.files.regular_csv import literal, quoted

_SAMPLED_ROWS: Final = 1_000
_SAMPLED_VALUES: Final = 400
_MISFITS_SHOWN: Final = 10
_ALMOST_ALL: Final = 0.8
_MAX_NAME_LENGTH: Final = 120


class GuessHint(StrEnum):
    """Why a column stays text although it may be something else."""

    DATE_ORDER = "date order"  # each value may be day first or month first
    ONE_WORD = "one word"  # only yes, or only no
    SOME_MISFIT = "some misfit"  # most values are of another type


@dataclass(frozen=True)
class ColumnGuess:
    """A proposal for a column.

    ``filled`` values are not empty, and all of them are of the proposed type. With a hint, the column may follow
    the plan ``instead``, which fits the share ``fit_instead`` of the values, but not ``misfits``. These are values
    of customers: they are shown to the user who imports, and never logged.
    """

    plan: ColumnPlan
    filled: int
    hint: GuessHint | None = None
    instead: ColumnPlan | None = None
    fit_instead: float = 1.0
    misfits: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Checked:
    """A proposal with the number of all values that are not of its type, or do not survive."""

    plan: ColumnPlan
    misfits: int


def infer(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    columns: Sequence[str],
    declared: Mapping[int, ColumnType] | None = None,
) -> list[ColumnGuess]:
    """Propose a plan for each column of a table that ``files.read.load`` made. ``columns`` are their names, and
    ``declared`` the types that the file itself declares, by position."""
    loaded = _Table(connection, table)
    samples = loaded.samples(len(columns))
    proposed = [
        candidates(name, sample, (declared or {}).get(position))
        for position, (name, sample) in enumerate(zip(columns, samples, strict=True))
    ]
    filled, counted = loaded.check(proposed)
    counted = loaded.check_looser(counted)
    checked = [
        [loaded.with_null_words(position, each) for each in plans] for position, plans in enumerate(counted)
    ]
    orders = _proven_orders(checked)
    guesses = []
    for position, name in enumerate(columns):
        text = ColumnGuess(_as_text(name, samples[position]), filled[position])
        guesses.append(_guess(loaded, position, text, checked[position], orders=orders))
    return guesses


class _Table:
    """Asks a table of texts for samples and counts."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, table: str) -> None:
        self._connection = connection
        self._name = quoted(table)

    def samples(self, width: int) -> list[list[str]]:
        """Return distinct trimmed values of each column: of the first rows, and of rows all over the table."""
        ((count,),) = self._rows(f"SELECT count(*) FROM {self._name}")
        step = max(1, count // _SAMPLED_ROWS)
        condition = f"rowid < {_SAMPLED_ROWS} OR rowid % {step} = 0"
        texts = [f"t{position}" for position in range(width)]
        rows = self._rows(f"SELECT {', '.join(texts)} FROM {self._name} WHERE {condition}")
        samples = []
        for position, text in enumerate(texts):
            values = {row[position].strip(BLANKS) for row in rows if row[position]} - {""}
            sample = sorted(values or self._first_values(text))
            samples.append(sample[:: max(1, len(sample) // _SAMPLED_VALUES)])
        return samples

    def check(self, proposed: Sequence[Sequence[ColumnPlan]]) -> tuple[list[int], list[list[_Checked]]]:
        """Count the filled values of each column, and the misfits of each proposal, in one scan."""
        counts, texts = ["count(*)"], ["_line"]
        for position, plans in enumerate(proposed):
            text = f"t{position}"
            if plans:
                texts.append(f"{given_text(text, ColumnPlan('any'))} AS g{position}")
                text = f"g{position}"
            else:
                texts.append(text)
            counts.append(f"count({text})")
            counts += [f"count_if({does_not_survive(text, plan)})" for plan in plans]
        query = f"SELECT {', '.join(counts)} FROM (SELECT {', '.join(texts)} FROM {self._name}) AS given"
        ((_count, *found),) = self._rows(query)
        numbers = iter(found)
        filled, checked = [], []
        for plans in proposed:
            filled.append(next(numbers))
            checked.append([_Checked(plan, next(numbers)) for plan in plans])
        return filled, checked

    def check_looser(self, checked: Sequence[list[_Checked]]) -> list[list[_Checked]]:
        """Check numbers that do not have the same number of decimals again, with any number of them."""
        looser = [
            [
                replace(each.plan, format=replace(each.plan.format, decimals=None))
                for each in plans
                if each.misfits and each.plan.type is ColumnType.NUMBER and each.plan.format.decimals
            ]
            for plans in checked
        ]
        if not any(looser):
            return list(checked)
        _filled, again = self.check(looser)
        return [plans + more for plans, more in zip(checked, again, strict=True)]

    def with_null_words(self, position: int, checked: _Checked) -> _Checked:
        """Take the misfits of a proposal for null words if they are nothing else."""
        if not checked.misfits:
            return checked
        words = self.misfits(position, checked.plan, most=len(NULL_WORDS) + 1)
        if not words or not NULL_WORDS.issuperset(words):
            return checked
        return _Checked(replace(checked.plan, null_words=words), 0)

    def misfits(self, position: int, plan: ColumnPlan, *, most: int) -> tuple[str, ...]:
        """Return the first different values that are not of a type."""
        text = given_text(f"t{position}", plan)
        rows = self._rows(
            f"SELECT value FROM (SELECT _line, {text} AS value FROM {self._name}) AS given "
            f"WHERE {does_not_survive('value', plan)} GROUP BY value ORDER BY min(_line) LIMIT {most:d}"
        )
        return tuple(value for (value,) in rows)

    def has_both_words(self, position: int, plan: ColumnPlan) -> bool:
        """Say whether yes and no both occur."""
        given = f"SELECT {given_text(f't{position}', plan)} AS g FROM {self._name}"
        return self._rows(f"SELECT count(DISTINCT {typed_value('g', plan)}) FROM ({given}) AS given") == [(2,)]

    def _first_values(self, text: str) -> set[str]:
        query = f"SELECT DISTINCT {text} FROM {self._name} WHERE {text} IS NOT NULL LIMIT {_SAMPLED_VALUES}"
        return {value.strip(BLANKS) for (value,) in self._rows(query)} - {""}

    def _rows(self, query: str) -> list[tuple[Any, ...]]:
        return self._connection.execute(query).fetchall()


def does_not_survive(text: str, plan: ColumnPlan) -> str:
    """Return the condition that a trimmed text is not of the type, or is a number that is usually written
    otherwise."""
    match plan.type:
        case ColumnType.INTEGER:
            return f"{text} <> coalesce(CAST(TRY_CAST({text} AS BIGINT) AS VARCHAR), '')"
        case ColumnType.NUMBER:
            point = text if plan.format.decimal == "." else f"replace({text}, {literal(plan.format.decimal)}, '.')"
            digits = f"DECIMAL(18, {plan.format.decimals:d})" if plan.format.decimals else "DOUBLE"
            as_written = written(f"TRY_CAST({point} AS {digits})", plan)
            as_whole = f"CAST(TRY_CAST({text} AS BIGINT) AS VARCHAR)"
            # Many programs write whole numbers as 12.0 among others with decimals.
            as_double = (
                f"replace(CAST(TRY_CAST({point} AS DOUBLE) AS VARCHAR), '.', {literal(plan.format.decimal)})"
            )
            spellings = (as_written, as_whole) if plan.format.decimals else (as_written, as_whole, as_double)
            return "(" + " AND ".join(f"{text} <> coalesce({each}, '')" for each in spellings) + ")"
        case ColumnType.BOOLEAN:
            words = f"{literal(plan.format.true_word.casefold())}, {literal(plan.format.false_word.casefold())}"
            return f"lower({text}) NOT IN ({words})"
        case ColumnType.DATETIME:  # the zone decides nothing here, and takes long
            plan = replace(plan, format=replace(plan.format, time_zone="UTC"))
            if plan.format.date_format.startswith("%Y-%m-%d"):
                plain, moment = is_plain_moment(text), f"TRY_CAST({text} AS TIMESTAMP)"
                rest = f"{text} IS NOT NULL AND {typed_value(text, plan)} IS NULL"
                return f"CASE WHEN {plain} AND {moment} IS NOT NULL THEN false ELSE {rest} END"
    return f"({text} IS NOT NULL AND {typed_value(text, plan)} IS NULL)"


def _proven_orders(checked: Sequence[Sequence[_Checked]]) -> frozenset[bool]:
    """Return the orders of day and month that columns of the file prove: True for day first."""
    proven = set()
    for plans in checked:
        fitting = {_is_day_first(each.plan) for each in plans if not each.misfits} - {None}
        offered = {_is_day_first(each.plan) for each in plans} - {None}
        if len(fitting) == 1 and len(offered) == 2:
            proven |= fitting
    return frozenset(order for order in proven if order is not None)


def _is_day_first(plan: ColumnPlan) -> bool | None:
    """Say whether the day is before the month; None where the format leaves no doubt."""
    start = plan.format.date_format[:6]
    if start in ("%d/%m/", "%d-%m-"):
        return True
    return False if start in ("%m/%d/", "%m-%d-") else None


def _guess(
    table: _Table, position: int, text: ColumnGuess, plans: Sequence[_Checked], *, orders: frozenset[bool]
) -> ColumnGuess:
    """Choose the first proposal that all values survive; ``text`` is the guess without one."""
    fitting = [each.plan for each in plans if not each.misfits]
    if len({_is_day_first(plan) for plan in fitting} - {None}) == 2:
        if len(orders) != 1:
            return replace(text, hint=GuessHint.DATE_ORDER, instead=fitting[0])
        fitting = [plan for plan in fitting if _is_day_first(plan) in orders]
    for plan in fitting:
        if plan.type is not ColumnType.BOOLEAN or table.has_both_words(position, plan):
            return replace(text, plan=replace(plan, attribute=text.plan.attribute))
    if fitting:
        return replace(text, hint=GuessHint.ONE_WORD, instead=fitting[0])
    nearest = min(plans, key=lambda each: each.misfits, default=None)
    if nearest is None or nearest.misfits > (1 - _ALMOST_ALL) * text.filled:
        return text
    misfits = table.misfits(position, nearest.plan, most=_MISFITS_SHOWN)
    return replace(
        text,
        hint=GuessHint.SOME_MISFIT,
        instead=nearest.plan,
        fit_instead=1 - nearest.misfits / text.filled,
        misfits=misfits,
    )


def _as_text(name: str, sample: Sequence[str]) -> ColumnPlan:
    """Return the plan of a column that stays text."""
    addresses = sum(1 for value in sample if _looks_like_address(value))
    is_email = bool(sample) and addresses >= _ALMOST_ALL * len(sample)
    return ColumnPlan(
        name,
        attribute=name[:_MAX_NAME_LENGTH],
        null_words=tuple(sorted(TEXT_NULL_WORDS.intersection(sample))),
        is_email=is_email,
    )


def _looks_like_address(value: str) -> bool:
    local, _at, domain = value.rpartition("@")
    return bool(local) and "." in domain.strip(".") and " " not in value.strip()
