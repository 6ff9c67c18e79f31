"""Let what names an attribute name it otherwise, or import it otherwise, within the caller's transaction."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from django.utils.translation import gettext as _

from config.platform.accounts.models import User
from config.platform.audit.record import record
from config.platform.jobs.models import OPEN, JobStatus
from config.platform.web.versions import take_version
from segments import segment_rules
from segments.attribute_changes.frame import ChangeRefused, Locked
from segments.models import DataSource, ImportJob, ProfileAttribute, Segment, SegmentDraft
from segments.privacy.subjects import without_addresses
from segments.rules import tree as rule_trees
from segments.sources.column_plan import ColumnPlan, ColumnType, plans_from_list, plans_to_list

# Returns the new plan of a column of a data source that becomes the attribute.
PlanChange = Callable[[DataSource, ColumnPlan], ColumnPlan]


def rename_in_segments(locked: Locked, before: str, after: str, by: User | None) -> None:
    """Rename an attribute in the rules of segments and of drafts. The members stay."""
    for segment in locked.using(before):
        _rename_in_segment(segment, before, after, by)
    for draft in SegmentDraft.objects.select_for_update().order_by("pk"):
        renamed = rule_trees.rename_attribute(draft.rules, before, after)
        if renamed != draft.rules:
            draft.rules = dict(renamed)
            draft.save(update_fields=["rules"])


def _rename_in_segment(segment: Segment, before: str, after: str, by: User | None) -> None:
    old = segment.version
    take_version(segment, old)
    described = without_addresses(segment_rules.describe(segment.rules))
    segment.rules = dict(rule_trees.rename_attribute(segment.rules, before, after))
    segment.save(update_fields=["rules"])
    changed = (described, without_addresses(segment_rules.describe(segment.rules)))
    record("edited", segment, by=by, version=segment.version, changes={"rule": changed})
    # Their users changed what is the newest version still.
    segment.drafts.filter(base_version=old).update(base_version=segment.version)


def change_plans(locked: Locked, attribute: ProfileAttribute, after: str, change: PlanChange) -> None:
    """Let the next imports of all data sources, and held and queued ones, put the columns of an attribute into the
    attribute ``after``. Raises ChangeRefused when a data source would put two columns into it."""
    for source in locked.sources:
        _change_source(source, attribute, after, change)
    waiting = ImportJob.objects.filter(status__in=[*OPEN, JobStatus.NEEDS_CONFIRMATION]).select_related("source")
    for job in waiting:
        job.column_plans = _changed(job.source, job.column_plans, attribute.name, after, change)
        job.save(update_fields=["column_plans"])


def column_plan_of(source: DataSource, attribute: ProfileAttribute) -> ColumnPlan | None:
    """Return the plan of the column of a data source that becomes an attribute; None when no column does."""
    name = attribute.name.casefold()
    plans = plans_from_list(source.column_plans)
    found = next((plan for plan in plans if not plan.is_ignored and plan.attribute.casefold() == name), None)
    if found is not None or name in {plan.column.casefold() for plan in plans}:
        return found
    # Of an import before plans were stored: the column has the name of the attribute.
    column = next((each for each in source.columns if each.casefold() == name), None)
    kind = ColumnType(attribute.data_type)
    return ColumnPlan(column, attribute=attribute.name, type=kind) if column is not None else None


def _change_source(source: DataSource, attribute: ProfileAttribute, after: str, change: PlanChange) -> None:
    plans, plan = source.column_plans, column_plan_of(source, attribute)
    if plan is not None and plan.column.casefold() not in {each["column"].casefold() for each in plans}:
        plans = [*plans, plan.to_dict()]
    plans = _changed(source, plans, attribute.name, after, change)
    columns = [after if each.casefold() == attribute.name.casefold() else each for each in source.columns]
    columns = list(dict.fromkeys(columns))
    if plans != source.column_plans or columns != source.columns:
        source.column_plans, source.columns = plans, columns
        source.save(update_fields=["column_plans", "columns"])


def _changed(
    source: DataSource, stored: Sequence[dict[str, Any]], name: str, after: str, change: PlanChange
) -> list[dict[str, Any]]:
    """Return stored plans with those of an attribute changed. Raises ChangeRefused."""
    plans = [
        change(source, replace(plan, attribute=after)) if plan.attribute.casefold() == name.casefold() else plan
        for plan in plans_from_list(stored)
    ]
    columns: dict[str, str] = {}
    for plan in plans:
        other = plan.is_ignored or columns.setdefault(plan.attribute.casefold(), plan.column)
        if isinstance(other, str) and other != plan.column:
            raise two_columns(source, other, plan.column)
    return plans_to_list(plans)


def two_columns(source: DataSource, one: str, other: str) -> ChangeRefused:
    """Return the refusal of a change that would put two columns of a data source into one attribute."""
    message = _(
        "“%(source)s” imports the columns “%(one)s” and “%(other)s”, which would be one attribute. "
        "Nothing was changed."
    )
    return ChangeRefused(message % {"source": source, "one": one, "other": other})


def unchanged(_source: DataSource, plan: ColumnPlan) -> ColumnPlan:
    """Leave the plan of a column as it is."""
    return plan
