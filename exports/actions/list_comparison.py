"""Start a comparison of the list of an export with what is known of it."""

from django.db import transaction

from config.platform.accounts.models import User
from config.platform.audit.record import record
from config.platform.jobs.enqueue import enqueue_on_commit
from exports import permissions
from exports.feedback import comparison, watches
from exports.models import Export, ListComparison, ListState


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
