"""Rename an attribute together with all that uses it. Its columns in the profile store are named after a number,
so that no data change. Runs that have ended keep the old name."""

from django.utils.translation import gettext as _

from config.platform.accounts.models import User
from config.platform.audit.record import record
from segments import catalog, hooks
from segments.attribute_changes.checks import check_addresses_found
from segments.attribute_changes.following import change_plans, rename_in_segments, unchanged
from segments.attribute_changes.frame import ChangeRefused, InProgress, Locked, locked, open_uses
from segments.models import ProfileAttribute
from segments.permissions import check_can_manage_data_sources
from segments.sources.import_plan import MAX_NAME_LENGTH


def rename_attribute(attribute_id: int, name: str, *, by: User) -> str:
    """Rename an attribute, and all that uses it. Returns the new name; empty when the attribute is gone already.
    Raises ChangeRefused and PermissionDenied."""
    check_can_manage_data_sources(by)
    with locked() as users:
        return _rename(users, attribute_id, " ".join(name.split()), by)


def _rename(users: Locked, attribute_id: int, after: str, by: User) -> str:
    attribute = ProfileAttribute.objects.filter(pk=attribute_id).first()
    if attribute is None:
        return ""
    before = attribute.name
    if before == after:
        return after
    _check_name(attribute, after)
    if reading := open_uses([before]):
        raise InProgress(reading)
    rename_in_segments(users, before, after, by)
    change_plans(users, attribute, after, unchanged)
    hooks.attribute_users.rename(before, after, by=by)
    attribute.name = after
    attribute.save(update_fields=["name"])
    record("renamed", attribute, by=by, changes={"name": (before, after)})
    return after


def _check_name(attribute: ProfileAttribute, after: str) -> None:
    """Raise ChangeRefused when the attribute cannot have a name."""
    if not after or len(after) > MAX_NAME_LENGTH or not after.isprintable():
        message = _("Enter a name of 1 to %(most)d characters.")
        raise ChangeRefused(message % {"most": MAX_NAME_LENGTH})
    other = catalog.find([after]).get(after)
    if other is not None and other.id != attribute.pk:
        message = _("There is an attribute “%(name)s” already. Choose another name, or merge the attributes.")
        raise ChangeRefused(message % {"name": other.name})
    check_addresses_found(attribute.name, after)
