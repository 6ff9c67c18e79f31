"""Merge an attribute into another one, which gets its values where it has none; then the merged one is deleted.

The values are written as a change of type writes them, see retype.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from django.utils.translation import gettext as _

from config.platform.audit.record import record
from segments import catalog, hooks, unification
from segments.attribute_changes.checks import check_merge, identifies
from segments.attribute_changes.conversion import NO_SOURCE, fill_converted, with_new_columns
from segments.attribute_changes.following import change_plans, rename_in_segments
from segments.attribute_changes.frame import ChangeRefused, Locked
from segments.attribute_changes.retype import Sample, bare_numbers, conversion_to, plans_of, set_columns
from segments.catalog import Attribute
from segments.models import AttributeChange, DataSource, DeletedAttribute, ProfileAttribute, Segment
from segments.sources.column_plan import ColumnPlan, ColumnType
from segments.store.attribute_columns import CONVERTED, drop_converted
from segments.store.lake import Reader, reading
from segments.store.profiles import source_profiles

_SAMPLES: Final = 5


@dataclass(frozen=True)
class MergeCounts:
    """How many profiles get a value, keep another value of their own, and have one that does not fit."""

    gained: int = 0
    different: int = 0
    misfits: int = 0


@dataclass(frozen=True)
class MergePreview:
    """What a merge does: counts, and the first profiles that get a value, that have two different values (text of
    the merged attribute, value that stays), and texts that do not fit."""

    counts: MergeCounts
    gained: list[Sample]
    different: list[Sample]
    misfits: list[str]


def preview(merged: ProfileAttribute, target: ProfileAttribute, plans: Mapping[str, ColumnPlan]) -> MergePreview:
    """Merge without changing anything."""
    with reading() as reader:
        try:
            reader.execute(f"CREATE OR REPLACE TEMPORARY TABLE {CONVERTED} AS {_query(merged, target, plans)}")
            counts = MergeCounts(
                *reader.row(
                    "SELECT count(*) FILTER (WHERE is_gained), count(*) FILTER (WHERE is_different),"
                    f" count(*) FILTER (WHERE is_misfit) FROM {CONVERTED}"
                )
            )
            gained = _samples(reader, "is_gained")
            different = _samples(reader, "is_different")
            misfits = [sample.text for sample in _samples(reader, "is_misfit")]
        finally:
            drop_converted(reader)
    return MergePreview(counts, gained, different, misfits)


def _samples(reader: Reader, condition: str) -> list[Sample]:
    rows = reader.rows(
        f"SELECT text, any_value(value) FROM {CONVERTED} WHERE {condition}"
        f" GROUP BY text ORDER BY min(id) LIMIT {_SAMPLES:d}"
    )
    return [Sample(*row) for row in rows]


def fill(reader: Reader, change: AttributeChange, number: int) -> tuple[Attribute, int]:
    """Fill the table CONVERTED. Returns the attribute with its new columns, and how many values do not fit. Raises
    ChangeRefused."""
    merged, target = _merged(change), change.attribute
    fill_converted(reader, _query(merged, target, plans_of(change)), ColumnType(target.data_type))
    misfits = int(reader.row(f"SELECT count(*) FILTER (WHERE is_misfit) FROM {CONVERTED}")[0])
    return with_new_columns(reader, catalog.attribute_of(target), number), misfits


def conclude(change: AttributeChange, after: Attribute, users: Locked) -> list[Segment]:
    """Let everything that names the merged attribute name the other one, and delete it, in the caller's
    transaction. Returns the segments whose members may differ. Raises ChangeRefused."""
    merged, target, by = _merged(change), change.attribute, change.requested_by
    check_merge(merged, target)
    segments = users.using(merged.name, target.name)
    plans, is_converted = plans_of(change), merged.data_type != target.data_type

    def moved(source: DataSource, plan: ColumnPlan) -> ColumnPlan:
        if not is_converted:
            return plan
        new = plans.get(str(source.pk), plans[NO_SOURCE])
        is_email = plan.is_email and new.type is ColumnType.TEXT
        return replace(plan, type=new.type, format=new.format, null_words=new.null_words, is_email=is_email)

    after = _as_sent(merged, after)
    rename_in_segments(users, merged.name, target.name, by)
    change_plans(users, merged, target.name, moved)
    hooks.attribute_users.rename(merged.name, target.name, by=by)
    unification.replace_attribute(merged.pk, target.pk, by=by)
    set_columns(target, after)
    changes: dict[str, tuple[object, object]] = {"attribute": (merged.name, target.name)}
    if change.misfits:
        changes["misfits"] = (None, change.misfits)
    record("merged", target, by=by, changes=changes)
    DeletedAttribute.objects.create(pk=catalog.attribute_of(merged).number)
    merged.delete()
    return segments


def _as_sent(merged: ProfileAttribute, after: Attribute) -> Attribute:
    """Let numbers go on being written as exports that use the merged attribute have sent them, with or without
    quotation marks, if no export uses the other one: else equal values would be sent again."""
    usages = hooks.attribute_users.usages()
    if after.name.casefold() in usages or merged.name.casefold() not in usages:
        return after
    return replace(after, has_bare_numbers=bare_numbers(catalog.attribute_of(merged), after.data_type))


def regroups(change: AttributeChange) -> bool:
    """Say whether profiles may be other customers after a change."""
    return identifies(change.attribute_id) or (change.merged_id is not None and identifies(change.merged_id))


def _merged(change: AttributeChange) -> ProfileAttribute:
    if change.merged is None:
        raise ChangeRefused(_("The attribute “%(name)s” is deleted.") % {"name": change.merged_name})
    return change.merged


def _query(merged: ProfileAttribute, target: ProfileAttribute, plans: Mapping[str, ColumnPlan]) -> str:
    """Return a query of the merged values: ``id``, the ``text`` of the merged attribute, ``value``, ``original``,
    and what it is: ``is_gained``, ``is_different``, ``is_misfit``."""
    mine = catalog.attribute_of(target)
    text = mine.text_column if mine.has_originals else "NULL::VARCHAR"
    own = f"SELECT id, {mine.column} AS value, {text} AS original FROM {source_profiles()}"
    return (
        "SELECT coalesce(own.id, other.id) AS id, other.text, coalesce(own.value, other.value) AS value,"
        " CASE WHEN own.value IS NULL AND (other.value IS NOT NULL OR own.original IS NULL) THEN other.original"
        " ELSE own.original END AS original,"
        " own.value IS NULL AND other.value IS NOT NULL AS is_gained,"
        " coalesce(own.value <> other.value, false) AS is_different,"
        " coalesce(own.value IS NULL AND other.is_misfit, false) AS is_misfit"
        f" FROM (SELECT * FROM ({own}) WHERE value IS NOT NULL OR original IS NOT NULL) AS own"
        f" FULL JOIN ({_other(merged, target, plans)}) AS other ON other.id = own.id"
    )


def _other(merged: ProfileAttribute, target: ProfileAttribute, plans: Mapping[str, ColumnPlan]) -> str:
    """Return a query of the values of the merged attribute: ``id``, ``text``, ``value``, ``original`` and
    ``is_misfit``."""
    if merged.data_type != target.data_type:
        return conversion_to(merged, plans).query()
    given = catalog.attribute_of(merged)
    original = given.text_column if given.has_originals else "NULL::VARCHAR"
    values = f"SELECT id, {given.column} AS value, {original} AS original FROM {source_profiles()}"
    return (
        "SELECT id, coalesce(original, CAST(value AS VARCHAR)) AS text, value, original, false AS is_misfit"
        f" FROM ({values}) WHERE value IS NOT NULL OR original IS NOT NULL"
    )
