"""Make a field on a list that it lacks, and add options to a field that it has.

It is done at the destination at once, and recorded in the same moment. A double click makes one field.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.db import transaction
from django.utils.translation import gettext as _

from config.platform.accounts.models import User
from config.platform.audit.record import record
from config.platform.jobs import deadline
from connections import credentials, lookups
from connections.destinations.errors import PermanentError
from connections.destinations.values import NewField, TargetField
from connections.models import Connection, forbidden
from connections.permissions import check_can_use
from connections.policies import why_it_cannot_run
from exports.policies import Refusal, check_can_be_put_on


def create_field(
    connection: Connection, list_id: str, field: NewField, *, attribute: str | None, by: User
) -> TargetField:
    """Make ``field`` on the list for ``attribute`` (None: for other values), or return the field of that name when
    it exists by now. Raises PermissionDenied, Refusal, DestinationError and NotConnected."""
    _check(connection, list_id, attribute, by)
    try:
        with _guarded(), transaction.atomic():
            access = credentials.access(connection)
            changes = {"list": list_id, "field": field.label, "type": field.data_type}
            record("field_created", connection, by=by, changes={n: (None, value) for n, value in changes.items()})
            made = connection.destination.create_field(access, list_id, field)
    except PermanentError:
        found = _by_label(connection, list_id, field)
        if found is None:
            raise
        made = found
    finally:
        lookups.forget(connection, list_id)
    return made


def add_options(
    connection: Connection, list_id: str, field: TargetField, options: Sequence[str], *, attribute: str, by: User
) -> None:
    """Let ``field`` of the list have ``options`` beside those that it has. Raises as ``create_field`` does."""
    _check(connection, list_id, attribute, by)
    try:
        with _guarded(), transaction.atomic():
            access = credentials.access(connection)
            added = {"list": (None, list_id), "field": (None, field.label), "options": (None, list(options))}
            record("options_added", connection, by=by, changes=added)
            connection.destination.add_options(access, list_id, field.key, options)
    finally:
        lookups.forget(connection, list_id)


@contextmanager
def _guarded() -> Iterator[None]:
    """Let no request leave after a lease's length, when this process was frozen meanwhile: the list may be
    another one by then. Raises Refusal."""
    try:
        with deadline.within_one_lease():
            yield
    except deadline.LeaseExpired as expired:
        raise Refusal(_("The request timed out. The list was not changed. Try again.")) from expired


def _check(connection: Connection, list_id: str, attribute: str | None, by: User) -> None:
    """Options are values of profiles: what may not leave does not leave in this way either."""
    check_can_use(by, connection)
    check_can_be_put_on(connection)
    if obstacle := why_it_cannot_run(connection):
        raise Refusal(str(obstacle.sentence))
    if not connection.limited.allows_list(list_id):
        raise Refusal(_("The limits of the connection do not allow this list."))
    if attribute is not None and not connection.limited.allows_attribute(attribute):
        raise Refusal(forbidden(attribute))


def _by_label(connection: Connection, list_id: str, wanted: NewField) -> TargetField | None:
    """Look up the field of that name and type on the list."""
    lookups.forget(connection, list_id)
    details = lookups.look_up(connection, list_id).details
    fields = details.fields if details else ()
    return next(
        (field for field in fields if (field.label, field.data_type) == (wanted.label, wanted.data_type)), None
    )
