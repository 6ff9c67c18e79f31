"""Start a comparison of the list of an export with what is known of it, and let contacts that differ be sent
again."""

from django.db import transaction
from django.utils.translation import gettext as _

from config.platform.accounts.models import User
from config.platform.audit.record import record
from config.platform.jobs.enqueue import enqueue_on_commit
from config.platform.jobs.models import JobStatus
from exports import permissions, policies
from exports.actions import preview
from exports.feedback import comparison, differences, watches
from exports.models import Export, ExportPreview, ListComparison, ListState


@transaction.atomic
def start(export: Export, *, by: User) -> ListComparison | None:
    """Start it; None when the list is being compared already, or no connection leads to it. Raises
    PermissionDenied."""
    permissions.check_can_manage(by, export)
    account = export.connection.account if export.connection else ""
    state = ListState.objects.filter(account=account, list_id=export.list_id).first()
    if state is None or watches.connection_of(state) is None:
        return None
    found = comparison.request(state)
    if found is not None:
        record("list_compared", export, by=by, changes={"list": (None, export.list_id)})
        enqueue_on_commit(comparison.COMPARE_LIST, found.pk)
    return found


@transaction.atomic
def repair(export: Export, *, by: User) -> ExportPreview:
    """Let the next run send the contacts again that are not on the list, or whose data were changed there, and
    request a preview of it. Raises PermissionDenied and policies.Refusal."""
    permissions.check_can_manage(by, export)
    found = last_comparison(export)
    if found is None:
        raise policies.Refusal(_("The list was not compared yet."))
    contacts = differences.let_be_sent_again(found)
    record("list_repaired", export, by=by, changes={"people": (None, contacts)})
    return preview.request(export, by=by)


def last_comparison(export: Export) -> ListComparison | None:
    """Return the last comparison of the list of an export that has ended well; None before the first."""
    account = export.connection.account if export.connection else ""
    found = ListComparison.objects.filter(list_state__account=account, list_state__list_id=export.list_id)
    return found.filter(status=JobStatus.SUCCESSFUL).first()
