"""Change the type of an attribute: its values are converted again from their original texts.

The columns of the new type get a number of their own. They are written in one commit of the profile store; then
one transaction of PostgreSQL lets the catalog name them, and data sources import into them. Before it, and after a
crash in between, everything reads the former columns.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from config.platform.audit.record import record
from segments import catalog
from segments.attribute_changes.checks import check_type, identifies
from segments.attribute_changes.conversion import (
    NO_SOURCE,
    Conversion,
    ConversionCounts,
    fill_converted,
    plan_for,
    with_new_columns,
)
from segments.attribute_changes.following import change_plans, column_plan_of
from segments.attribute_changes.frame import Locked
from segments.catalog import Attribute
from segments.models import AttributeChange, AttributeType, DataSource, ProfileAttribute, Segment
from segments.sources.column_plan import ColumnPlan, ColumnType
from segments.store.attribute_columns import CONVERTED, drop_converted
from segments.store.lake import Reader, reading

_SAMPLES = 5


@dataclass(frozen=True)
class Sample:
    """A text and the value that it is converted to."""

    text: str
    value: object


@dataclass(frozen=True)
class ConversionPreview:
    """What a conversion does: counts, the first values that change their type, and the first that do not fit."""

    counts: ConversionCounts
    samples: list[Sample]
    misfits: list[str]


def conversion_to(attribute: ProfileAttribute, plans: Mapping[str, ColumnPlan]) -> Conversion:
    """Return the conversion of an attribute by new plans, by the ID of the data source and NO_SOURCE."""
    before = present_plans(attribute)
    return Conversion(
        catalog.attribute_of(attribute), before, {key: plans.get(key, plans[NO_SOURCE]) for key in before}
    )


def present_plans(attribute: ProfileAttribute) -> dict[str, ColumnPlan]:
    """Return how the texts of each data source became values of an attribute, by the ID of the data source."""
    kind = ColumnType(attribute.data_type)
    found = {NO_SOURCE: plan_for(kind)}
    for source in DataSource.objects.order_by("pk"):
        plan = column_plan_of(source, attribute)
        if plan is not None:
            found[str(source.pk)] = plan if plan.type is kind else plan_for(kind)
    return found


def preview(conversion: Conversion) -> ConversionPreview:
    """Convert without changing anything."""
    with reading() as reader:
        try:
            reader.execute(f"CREATE OR REPLACE TEMPORARY TABLE {CONVERTED} AS {conversion.query()}")
            counts = count(reader)
            samples = reader.rows(
                f"SELECT text, any_value(value) FROM {CONVERTED} WHERE value IS NOT NULL"
                f" GROUP BY text ORDER BY min(id) LIMIT {_SAMPLES:d}"
            )
            misfits = reader.rows(
                f"SELECT text FROM {CONVERTED} WHERE is_misfit GROUP BY text ORDER BY min(id) LIMIT {_SAMPLES:d}"
            )
        finally:
            drop_converted(reader)
    return ConversionPreview(counts, [Sample(*row) for row in samples], [text for (text,) in misfits])


def count(reader: Reader) -> ConversionCounts:
    """Count the table CONVERTED."""
    return ConversionCounts(
        *reader.row(
            "SELECT count(*), count(*) FILTER (WHERE is_misfit),"
            f" count(*) FILTER (WHERE value IS NULL AND NOT is_misfit) FROM {CONVERTED}"
        )
    )


def fill(reader: Reader, change: AttributeChange, number: int) -> tuple[Attribute, int]:
    """Fill the table CONVERTED. Returns the attribute with its new columns, and how many values do not fit."""
    conversion = conversion_to(change.attribute, plans_of(change))
    kind = AttributeType(change.data_type)
    fill_converted(reader, conversion.query(), ColumnType(change.data_type))
    before = conversion.attribute
    after = replace(before, data_type=kind, has_bare_numbers=bare_numbers(before, kind))
    return with_new_columns(reader, after, number), count(reader).misfits


def conclude(change: AttributeChange, after: Attribute, users: Locked) -> list[Segment]:
    """Let the catalog and the data sources follow, in the caller's transaction. Returns the segments whose members
    may differ. Raises ChangeRefused."""
    row = change.attribute
    check_type(row, after.data_type)
    plans = plans_of(change)

    def retyped(source: DataSource, plan: ColumnPlan) -> ColumnPlan:
        new = plans.get(str(source.pk), plans[NO_SOURCE])
        is_email = plan.is_email and new.type is ColumnType.TEXT
        return replace(plan, type=new.type, format=new.format, null_words=new.null_words, is_email=is_email)

    change_plans(users, row, row.name, retyped)
    label = AttributeType(row.data_type).label
    set_columns(row, after)
    changes: dict[str, tuple[object, object]] = {"data_type": (str(label), str(after.data_type.label))}
    if change.misfits:
        changes["misfits"] = (None, change.misfits)
    record("retyped", row, by=change.requested_by, changes=changes)
    return users.using(row.name)


def set_columns(row: ProfileAttribute, after: Attribute) -> None:
    """Let the catalog name the new columns of an attribute, with their type."""
    row.data_type, row.column_number = after.data_type, after.column_number
    row.has_emails, row.has_originals = after.has_emails, after.has_originals
    row.has_bare_numbers = after.has_bare_numbers
    row.save(update_fields=["data_type", "column_number", "has_emails", "has_originals", "has_bare_numbers"])


def regroups(change: AttributeChange) -> bool:
    """Say whether profiles may be other customers after a change."""
    return identifies(change.attribute_id)


def plans_of(change: AttributeChange) -> dict[str, ColumnPlan]:
    """Return the plans of a change."""
    return {key: ColumnPlan.from_dict(plan) for key, plan in change.plans.items()}


def plans_to_json(plans: Mapping[str, ColumnPlan]) -> dict[str, Any]:
    """Return plans as a change stores them."""
    return {key: plan.to_dict() for key, plan in plans.items()}


def bare_numbers(before: Attribute, kind: AttributeType) -> bool | None:
    """Return whether numbers go on being written without quotation marks; None if that is usual for the type."""
    was_bare = before.has_bare_numbers
    if was_bare is None:
        was_bare = before.data_type == AttributeType.NUMBER
    return None if was_bare == (kind == AttributeType.NUMBER) else was_bare
