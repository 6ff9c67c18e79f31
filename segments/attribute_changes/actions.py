"""Request and cancel changes of the type of an attribute, and merges; a job does them (job.py)."""

from collections.abc import Mapping

from django.db import transaction
from django.utils.translation import gettext as _

from config.platform.accounts.models import User
from config.platform.audit.record import record
from config.platform.jobs import leases
from config.platform.jobs.enqueue import enqueue_on_commit
from segments import catalog
from segments.attribute_changes.checks import check_merge, check_type
from segments.attribute_changes.conversion import NO_SOURCE
from segments.attribute_changes.frame import ChangeRefused, InProgress, open_uses
from segments.attribute_changes.retype import plans_to_json
from segments.models import AttributeChange, AttributeType, ChangeKind, ProfileAttribute
from segments.permissions import check_can_manage_data_sources
from segments.sources.column_plan import ColumnPlan


@transaction.atomic
def request_retype(
    attribute: ProfileAttribute,
    plans: Mapping[str, ColumnPlan],
    *,
    accepted_misfits: int,
    by: User | None,
    wake_worker: bool = True,
) -> AttributeChange:
    """Queue a change of the type of an attribute, as it was read. ``plans`` say how texts are converted, by the ID
    of the data source; that of NO_SOURCE holds for all others. Up to ``accepted_misfits`` values may become empty.
    Raises ChangeRefused and PermissionDenied."""
    check_can_manage_data_sources(by)
    catalog.lock()
    _check_unchanged(attribute)
    kind = AttributeType(str(plans[NO_SOURCE].type))
    check_type(attribute, kind)
    change = AttributeChange(kind=ChangeKind.RETYPE, attribute=attribute, name=attribute.name, data_type=kind)
    return _queue(change, plans, accepted_misfits, by, wake_worker=wake_worker)


@transaction.atomic
def request_merge(
    merged: ProfileAttribute,
    target: ProfileAttribute,
    plans: Mapping[str, ColumnPlan],
    *,
    accepted_misfits: int,
    by: User | None,
    wake_worker: bool = True,
) -> AttributeChange:
    """Queue a merge of the attribute ``merged`` into ``target``, both as they were read. ``plans`` convert its
    texts where the types differ. Raises ChangeRefused and PermissionDenied."""
    check_can_manage_data_sources(by)
    catalog.lock()
    _check_unchanged(merged)
    _check_unchanged(target)
    check_merge(merged, target)
    change = AttributeChange(
        kind=ChangeKind.MERGE,
        attribute=target,
        merged=merged,
        name=target.name,
        merged_name=merged.name,
        data_type=target.data_type,
    )
    return _queue(change, plans, accepted_misfits, by, wake_worker=wake_worker)


@transaction.atomic
def cancel_change(change: AttributeChange, *, by: User | None) -> None:
    """Request cancellation of a change: the attributes stay as they are, unless it has ended already. Raises
    PermissionDenied."""
    check_can_manage_data_sources(by)
    leases.request_cancel(change)
    record("change canceled", change.attribute, by=by)


def _queue(
    change: AttributeChange,
    plans: Mapping[str, ColumnPlan],
    accepted_misfits: int,
    by: User | None,
    *,
    wake_worker: bool,
) -> AttributeChange:
    if reading := open_uses(change.names):
        raise InProgress(reading)
    change.plans, change.accepted_misfits, change.requested_by = plans_to_json(plans), accepted_misfits, by
    change.save()
    if wake_worker:
        enqueue_on_commit("segments.tasks.change_attribute", change.pk)
    return change


def _check_unchanged(attribute: ProfileAttribute) -> None:
    """Raise ChangeRefused when an attribute is not as it was read."""
    now = ProfileAttribute.objects.filter(pk=attribute.pk).first()
    if now is None or (now.name, now.data_type, now.column_number) != (
        attribute.name,
        attribute.data_type,
        attribute.column_number,
    ):
        raise ChangeRefused(_("Another user has changed the attribute. Nothing was changed. Preview it again."))
