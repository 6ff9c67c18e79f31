"""Choose the plan of each column of a loaded file: what users decided, what the catalog knows, what is inferred.

What is decided here is stored with the data source, so that types never change silently.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import duckdb
from django.utils.translation import gettext as _

from segments import catalog
from segments.catalog import Attribute
from segments.sources.column_plan import ColumnFormat, ColumnPlan, ColumnType
from segments.sources.files.file_format import FileRefused
from segments.sources.files.read import LoadedFile
from segments.sources.inference import ColumnGuess, infer

MAX_NAME_LENGTH: Final = 120


def key_position(names: Sequence[str], key: str) -> int:
    """Return the position of the key column, in any case. Raises FileRefused when the file has none."""
    folded = [name.casefold() for name in names]
    if key.strip().casefold() not in folded:
        raise FileRefused(
            _("There is no column “%(name)s”. The file has: %(names)s.") % {"name": key, "names": ", ".join(names)}
        )
    return folded.index(key.strip().casefold())


def key_positions(names: Sequence[str], keys: Sequence[str]) -> tuple[int, ...]:
    """Return the positions of the key columns, each once. Raises FileRefused when the file lacks one."""
    return tuple(dict.fromkeys(key_position(names, key) for key in keys))


def choose_plans(
    connection: duckdb.DuckDBPyConnection,
    loaded: LoadedFile,
    table: str,
    known: Sequence[ColumnPlan],
    keys: Sequence[int],
) -> list[ColumnPlan]:
    """Return one plan for each column of a loaded file, whose texts are in ``table``. ``known`` are plans that
    were decided before; ``keys`` are the positions of the key columns. A new column without a value is ignored
    this time. Raises FileRefused."""
    decided = {plan.column.casefold() for plan in known}
    guesses: Sequence[ColumnGuess | None] = [None] * len(loaded.names)
    if any(name.casefold() not in decided for name in loaded.names):
        guesses = infer(connection, table, loaded.names, loaded.declared)
    return plans_of(loaded.names, guesses, known, keys)


def plans_of(
    names: Sequence[str], guesses: Sequence[ColumnGuess | None], known: Sequence[ColumnPlan], keys: Sequence[int]
) -> list[ColumnPlan]:
    """Return one plan for each column, from its guess if there is no known one. Raises FileRefused."""
    decided = {plan.column.casefold(): plan for plan in known}
    plans = []
    for position, (name, guess) in enumerate(zip(names, guesses, strict=True)):
        plan = decided.get(name.casefold())
        if plan is None:
            assert guess is not None, "a column has a plan or a guess"  # noqa: S101
            plan = _as_key(guess.plan) if position in keys else guess.plan
        plans.append(replace(plan, column=name))
    attributes = catalog.find([plan.attribute for plan in plans])
    plans = [
        _like_catalog(plan, attributes.get(plan.attribute), guess, is_decided=plan.column.casefold() in decided)
        for plan, guess in zip(plans, guesses, strict=True)
    ]
    _check_names(plans)
    return plans


def plans_to_store(used: Sequence[ColumnPlan], before: Sequence[ColumnPlan]) -> list[ColumnPlan]:
    """Return the plans that a data source keeps: those that were used, and those of columns that this file lacks.
    A column that was ignored because it had no value is decided later."""
    known = {plan.column.casefold() for plan in before}
    kept = [plan for plan in used if not plan.is_ignored or plan.column.casefold() in known]
    columns = {plan.column.casefold() for plan in used}
    attributes = {plan.attribute.casefold() for plan in kept if not plan.is_ignored}
    others = [plan for plan in before if plan.column.casefold() not in columns]
    return [*kept, *(plan for plan in others if plan.is_ignored or plan.attribute.casefold() not in attributes)]


def _as_key(plan: ColumnPlan) -> ColumnPlan:
    return replace(plan, type=ColumnType.TEXT, format=ColumnFormat(), null_words=())


def _like_catalog(
    plan: ColumnPlan, attribute: Attribute | None, guess: ColumnGuess | None, *, is_decided: bool
) -> ColumnPlan:
    """Return a plan of the type that the catalog has. A new attribute without a value is ignored."""
    if attribute is None:
        is_empty = not is_decided and guess is not None and not guess.filled
        return replace(plan, is_ignored=True) if is_empty else plan
    plan = replace(plan, attribute=attribute.name)
    kind = ColumnType(str(attribute.data_type))
    if plan.type == kind or plan.is_ignored:
        return plan
    found = _guess_of_type(guess, kind)
    spelling = found.format if found else ColumnFormat()
    return replace(plan, type=kind, format=spelling, null_words=found.null_words if found else plan.null_words)


def _guess_of_type(guess: ColumnGuess | None, kind: ColumnType) -> ColumnPlan | None:
    """Return what was guessed for a column if it is of a type."""
    guessed = [guess.plan, *([guess.instead] if guess.instead else [])] if guess else []
    return next((plan for plan in guessed if plan.type == kind), None)


def _check_names(plans: Sequence[ColumnPlan]) -> None:
    columns: dict[str, str] = {}
    for plan in plans:
        if plan.is_ignored:
            continue
        other = columns.get(plan.attribute.casefold())
        if other is not None:
            raise FileRefused(
                _(
                    "The columns “%(first)s” and “%(second)s” would be imported as the same "
                    "attribute, “%(attribute)s”."
                )
                % {"first": other, "second": plan.column, "attribute": plan.attribute}
            )
        columns[plan.attribute.casefold()] = plan.column
