"""Say where attributes come from and what uses them, and delete those that nothing uses."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import transaction
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils.translation import gettext as _

from config.platform.accounts.models import User
from config.platform.audit.record import record
from config.platform.jobs.models import OPEN, JobStatus
from segments import catalog, hooks
from segments.hooks import Usage
from segments.models import (
    AttributeChange,
    AttributeType,
    DataSource,
    DeletedAttribute,
    IdentityRules,
    ImportJob,
    ProfileAttribute,
    Segment,
)
from segments.permissions import check_can_manage_data_sources
from segments.rules import tree as rule_trees
from segments.sources.actions import ImportInProgress
from segments.sources.column_plan import plans_from_list, plans_to_list


@dataclass(frozen=True)
class SourceColumn:
    """A column of a data source that becomes an attribute."""

    source: str
    column: str


class AttributeInUse(Exception):
    """An attribute cannot be deleted because something uses it; the message is for users."""

    def __init__(self, name: str) -> None:
        super().__init__(_("The attribute “%(name)s” is in use. Nothing was deleted.") % {"name": name})


def source_columns() -> Mapping[str, Sequence[SourceColumn]]:
    """Return the columns that become each attribute, by the name of the attribute in lower case."""
    found: defaultdict[str, list[SourceColumn]] = defaultdict(list)
    for source in DataSource.objects.order_by(Lower("name")):
        planned = set()
        for plan in plans_from_list(source.column_plans):
            planned.add(plan.column.casefold())
            if not plan.is_ignored:
                found[plan.attribute.casefold()].append(SourceColumn(source.name, plan.column))
        for name in source.columns:  # of imports before plans were stored
            if name.casefold() not in planned and not found[name.casefold()]:
                found[name.casefold()].append(SourceColumn(source.name, name))
    return found


def usages() -> Mapping[str, Sequence[Usage]]:
    """Return the segments, exports, connections, identity rules and open changes that use each attribute, by the
    name of the attribute in lower case."""
    found = defaultdict(list, {name: list(given) for name, given in hooks.attribute_users.usages().items()})
    for segment in Segment.objects.order_by(Lower("name")):
        usage = Usage(_("Segment"), segment.name, reverse("segments:detail", args=[segment.pk]))
        for name in set(_attributes_in(segment.rules)):
            found[name].append(usage)
    names = {each.id: each.name.casefold() for each in catalog.attributes()}
    for rules in IdentityRules.objects.all():
        for identifier in rules.identifiers:
            if identifying := names.get(identifier["attribute"]):
                found[identifying].append(Usage(_("Identity"), str(rules), reverse("segments:identity")))
    for change in AttributeChange.objects.filter(status__in=OPEN):
        usage = Usage(_("Attribute"), change.get_kind_display(), reverse("segments:attributes"))
        for name in change.names:
            found[name.casefold()].append(usage)
    return found


@transaction.atomic
def delete_attribute(attribute_id: int, *, by: User) -> str:
    """Delete an attribute with its values; the next imports ignore its columns. Returns its name, empty when it is
    gone already. Waits for rules that are being saved. Raises AttributeInUse, ImportInProgress and
    PermissionDenied."""
    check_can_manage_data_sources(by)
    catalog.lock()
    catalog.lock_names()
    attribute = ProfileAttribute.objects.filter(pk=attribute_id).first()
    if attribute is None:
        return ""
    if job := ImportJob.objects.filter(status__in=OPEN).first():
        raise ImportInProgress(job)
    if usages().get(attribute.name.casefold()):
        raise AttributeInUse(attribute.name)
    for source in DataSource.objects.select_for_update().order_by("pk"):
        _ignore(source, attribute.name)
    for held in ImportJob.objects.filter(status=JobStatus.NEEDS_CONFIRMATION):
        held.column_plans = _without(held.column_plans, attribute.name)
        held.save(update_fields=["column_plans"])
    record("removed", attribute, by=by, changes={"type": (attribute.get_data_type_display(), None)})
    DeletedAttribute.objects.create(pk=catalog.attribute_of(attribute).number)
    attribute.delete()
    return attribute.name


@transaction.atomic
def set_searchable(attribute_ids: Collection[int], is_searchable: bool, *, by: User) -> int:
    """Let the search for customers read these attributes, or not. Returns how many were changed. Raises
    PermissionDenied."""
    check_can_manage_data_sources(by)
    catalog.lock()
    found = ProfileAttribute.objects.filter(pk__in=attribute_ids, data_type=AttributeType.TEXT)
    changed = list(found.exclude(is_searchable=is_searchable))
    for attribute in changed:
        attribute.is_searchable = is_searchable
        attribute.save(update_fields=["is_searchable"])
        record("edited", attribute, by=by, changes={"is_searchable": (not is_searchable, is_searchable)})
    return len(changed)


def _attributes_in(rules: rule_trees.Tree) -> Iterator[str]:
    for condition in rule_trees.conditions(rules):
        for key in ("attribute", "other_attribute"):
            if name := condition.get(key):
                yield str(name).casefold()


def _ignore(source: DataSource, name: str) -> None:
    """Let the next imports of a source ignore the columns of an attribute."""
    source.column_plans = _without(source.column_plans, name)
    source.columns = [column for column in source.columns if column.casefold() != name.casefold()]
    source.save(update_fields=["column_plans", "columns"])


def _without(stored: Sequence[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    """Return stored plans that ignore the columns of an attribute."""
    plans = [
        replace(plan, is_ignored=True) if plan.attribute.casefold() == name.casefold() else plan
        for plan in plans_from_list(stored)
    ]
    return plans_to_list(plans)
