"""Import a suppression list for the list of an export, and remove it."""

from typing import BinaryIO

from django.db import transaction
from django.utils.translation import gettext as _

from config.platform.accounts.models import User
from config.platform.audit.record import record
from exports import permissions, policies
from exports.feedback import suppression_list, watches
from exports.feedback.suppression_list import ImportedSuppressions, UnreadableFile
from exports.models import Export, ListState


def import_list(export: Export, file: BinaryIO, *, replaces: bool, by: User) -> ImportedSuppressions:
    """Suppress the addresses in a file on the list of the export, for all exports to it. Raises PermissionDenied
    and policies.Refusal. It is no transaction: see import_suppressions()."""
    permissions.check_can_manage(by, export)
    state = _state_of(export)
    try:
        done = suppression_list.import_suppressions(state, file, replaces=replaces)
    except UnreadableFile:
        raise policies.Refusal(_("The file has no email addresses, or is not a text file.")) from None
    changes = {"suppressions": (None, {"added": done.added, "replaces": replaces, "list": export.list_id})}
    record("suppressions_imported", export, by=by, changes=changes)
    return done


@transaction.atomic
def remove_imported(export: Export, *, by: User) -> int:
    """Suppress no address any more because it was imported. Returns how many these were. Raises PermissionDenied
    and policies.Refusal."""
    permissions.check_can_manage(by, export)
    removed = suppression_list.remove_imported(_state_of(export))
    record("suppressions_removed", export, by=by, changes={"suppressions": (removed, 0)})
    return removed


def _state_of(export: Export) -> ListState:
    watches.make_missing()
    account = export.connection.account if export.connection else ""
    state = ListState.objects.filter(account=account, list_id=export.list_id).first()
    if state is None:
        raise policies.Refusal(_("Choose a connection and a list for this export first."))
    return state
