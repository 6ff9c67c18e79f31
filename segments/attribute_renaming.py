"""Rename an attribute together with all that uses it. Its columns in the profile store are named after its ID, so
that no data change.

Everything is written in one transaction. It locks segments, data sources and exports so that no new refresh,
import or run of them is committed meanwhile: one that reads the old name is seen and named, and a later one reads
the new name. Runs that have ended keep the old name.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from django.db import OperationalError, connection, transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from config.platform.accounts.models import User
from config.platform.audit.record import record
from config.platform.jobs.models import OPEN, JobStatus
from config.platform.web.versions import take_version
from segments import catalog, hooks, segment_rules
from segments.hooks import Usage
from segments.models import DataSource, ImportJob, ProfileAttribute, Segment, SegmentDraft, SegmentRefresh
from segments.permissions import check_can_manage_data_sources
from segments.privacy.subjects import is_email_attribute, without_addresses
from segments.rules import tree as rule_trees
from segments.sources.column_plan import ColumnPlan, ColumnType, plans_from_list, plans_to_list
from segments.sources.import_plan import MAX_NAME_LENGTH

_LOCK_SECONDS = 5
# Lock timeout and deadlock.
_BUSY = {"55P03", "40P01"}


class RenameRefused(Exception):
    """Nothing was renamed; the message says why. ``usages`` are what has to end first."""

    def __init__(self, message: str, usages: Sequence[Usage] = ()) -> None:
        super().__init__(message)
        self.usages = usages


def rename_attribute(attribute_id: int, name: str, *, by: User) -> str:
    """Rename an attribute, and all that uses it. Returns the new name; empty when the attribute is gone already.
    Raises RenameRefused and PermissionDenied."""
    check_can_manage_data_sources(by)
    with _busy_as_refused(), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{_LOCK_SECONDS}s"])
        return _rename(attribute_id, " ".join(name.split()), by)


def _rename(attribute_id: int, after: str, by: User) -> str:
    catalog.lock()
    catalog.lock_names()
    attribute = ProfileAttribute.objects.filter(pk=attribute_id).first()
    if attribute is None:
        return ""
    before = attribute.name
    if before == after:
        return after
    _check_name(attribute, after)
    segments = [each for each in Segment.objects.select_for_update().order_by("pk") if _uses(each.rules, before)]
    sources = list(DataSource.objects.select_for_update().order_by("pk"))
    hooks.attribute_users.lock()
    if open_uses := _open_uses(segments, before):
        names = ", ".join(dict.fromkeys(f"“{usage.name}”" for usage in open_uses))
        message = _("In progress: %(names)s. Nothing was renamed. Wait until this ends, then try again.")
        raise RenameRefused(message % {"names": names}, open_uses)
    for segment in segments:
        _rename_in_segment(segment, before, after, by)
    _rename_in_new_drafts(before, after)
    for source in sources:
        _rename_in_source(source, attribute, after)
    for held in ImportJob.objects.filter(status=JobStatus.NEEDS_CONFIRMATION):
        held.column_plans = _renamed_plans(held.column_plans, before, after)
        held.save(update_fields=["column_plans"])
    hooks.attribute_users.rename(before, after, by=by)
    attribute.name = after
    attribute.save(update_fields=["name"])
    record("renamed", attribute, by=by, changes={"name": (before, after)})
    return after


def _check_name(attribute: ProfileAttribute, after: str) -> None:
    """Raise RenameRefused when the attribute cannot have a name."""
    if not after or len(after) > MAX_NAME_LENGTH or not after.isprintable():
        message = _("Enter a name of 1 to %(most)d characters.")
        raise RenameRefused(message % {"most": MAX_NAME_LENGTH})
    other = catalog.find([after]).get(after)
    if other is not None and other.id != attribute.pk:
        message = _("There is an attribute “%(name)s” already. Attributes cannot be merged. Choose another name.")
        raise RenameRefused(message % {"name": other.name})
    sent_to = hooks.personal_data.email_attributes()
    if (
        is_email_attribute(attribute.name, ())
        and attribute.name not in sent_to
        and not is_email_attribute(after, ())
    ):
        raise RenameRefused(
            _(
                "Erasures and requests for personal data find the addresses of customers by the name of the "
                "attribute. Choose a name such as “email”, “private email” or “work email”."
            )
        )


def _uses(rules: rule_trees.Tree, name: str) -> bool:
    return rule_trees.rename_attribute(rules, name, "") != rules


def _open_uses(segments: Sequence[Segment], name: str) -> list[Usage]:
    """Return the open imports, the open refreshes of segments that use the attribute, and what reads it outside of
    this app."""
    imports = [
        Usage(_("Import"), job.file_name, reverse("segments:import", args=[job.pk]))
        for job in ImportJob.objects.filter(status__in=OPEN).order_by("pk")
    ]
    refreshes = SegmentRefresh.objects.filter(status__in=OPEN, segment__in=segments).select_related("segment")
    refreshed = [
        Usage(_("Segment"), job.segment.name, reverse("segments:detail", args=[job.segment_id]))
        for job in refreshes.order_by("pk")
    ]
    return [*imports, *refreshed, *hooks.attribute_users.open_uses(name)]


def _rename_in_segment(segment: Segment, before: str, after: str, by: User) -> None:
    """Rename in the rules of a segment and of its drafts. The members stay, since the rules mean the same."""
    old = segment.version
    take_version(segment, old)
    described = without_addresses(segment_rules.describe(segment.rules))
    segment.rules = rule_trees.rename_attribute(segment.rules, before, after)
    segment.save(update_fields=["rules"])
    changed = (described, without_addresses(segment_rules.describe(segment.rules)))
    record("edited", segment, by=by, version=segment.version, changes={"rule": changed})
    # Their users changed what is the newest version still.
    segment.drafts.filter(base_version=old).update(base_version=segment.version)


def _rename_in_new_drafts(before: str, after: str) -> None:
    for draft in SegmentDraft.objects.select_for_update().order_by("pk"):
        renamed = rule_trees.rename_attribute(draft.rules, before, after)
        if renamed != draft.rules:
            draft.rules = dict(renamed)
            draft.save(update_fields=["rules"])


def _rename_in_source(source: DataSource, attribute: ProfileAttribute, after: str) -> None:
    """Let the next imports of a source put a column into the attribute by its new name."""
    before = attribute.name.casefold()
    plans = _renamed_plans(source.column_plans, attribute.name, after)
    columns = [after if each.casefold() == before else each for each in source.columns]
    planned = {each["column"].casefold() for each in plans}
    if columns != source.columns and before not in planned and after not in _attributes(plans):
        # Of an import before plans were stored: the column has the old name of the attribute.
        column = next(each for each in source.columns if each.casefold() == before)
        plans = [*plans, ColumnPlan(column, attribute=after, type=ColumnType(attribute.data_type)).to_dict()]
    if plans != source.column_plans or columns != source.columns:
        source.column_plans, source.columns = plans, columns
        source.save(update_fields=["column_plans", "columns"])


def _attributes(plans: Sequence[dict[str, Any]]) -> set[str]:
    return {plan.attribute for plan in plans_from_list(plans) if not plan.is_ignored}


def _renamed_plans(stored: Sequence[dict[str, Any]], before: str, after: str) -> list[dict[str, Any]]:
    """Return stored plans with the attribute renamed. Raises RenameRefused when another column has the name."""
    plans = [
        replace(plan, attribute=after) if plan.attribute.casefold() == before.casefold() else plan
        for plan in plans_from_list(stored)
    ]
    names = [plan.attribute.casefold() for plan in plans if not plan.is_ignored]
    if names.count(after.casefold()) > 1:
        message = _("A data source imports another column as “%(name)s”. Choose another name.")
        raise RenameRefused(message % {"name": after})
    return plans_to_list(plans)


@contextmanager
def _busy_as_refused() -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        if getattr(error.__cause__, "pgcode", "") not in _BUSY:
            raise
        raise RenameRefused(
            _("Another change is being saved. Nothing was renamed. Try again in a minute.")
        ) from error
