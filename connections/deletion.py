"""Removing a connection: for each thing that uses it, remove it or detach it; then the connection goes, and its
secrets with it.

What is at work over it stops first. Until it has, the connection stands as “Being removed”: nothing new starts on
it, and a tick looks again. All that happens then is one transaction, so that there is no half state.
"""

import logging
from collections.abc import Mapping, Sequence

from django.db import models, transaction

from config.platform.accounts.models import User
from config.platform.audit.record import record
from config.platform.jobs import clock
from connections import usage
from connections.models import Connection
from connections.usage import StillBusy, Use, Verb

logger = logging.getLogger(__name__)


class Undecided(Exception):
    """It is not decided what becomes of some of the uses of the connection; ``uses`` are all of them."""

    def __init__(self, uses: Sequence[Use]) -> None:
        super().__init__(f"used by {len(uses)}")
        self.uses = uses


def remove(*, by: User | None, connection: Connection, verbs: Mapping[str, Verb] | None = None) -> bool:
    """Remove the connection, each of its uses treated as ``verbs`` says by its key. True when it is gone, False
    when something that is at work over it is being stopped first. Raises Undecided."""
    _ask(by=by, connection=connection, verbs=verbs or {})
    return finish(connection.pk)


def finish(connection_id: int) -> bool:
    """Let a connection go whose removal was asked for, if nothing is at work over it; True when it is gone."""
    try:
        with transaction.atomic():
            connection = _locked(connection_id)
            if connection is None:
                return True
            if not connection.is_being_removed:
                return False
            _let_go(connection)
            return True
    except (StillBusy, models.ProtectedError):  # it stays as it was; what works over it was asked to stop
        return False


def finish_all() -> None:
    """Look again at every connection that is being removed."""
    for pk, by in _waiting().values_list("pk", "removal_asked_by"):
        if not finish(pk):
            _stop_uses(pk, User.objects.filter(pk=by).first())


@transaction.atomic
def _ask(*, by: User | None, connection: Connection, verbs: Mapping[str, Verb]) -> None:
    """Write down what is wanted and ask what is at work to stop."""
    locked = _locked(connection.pk)
    if locked is None:
        return
    uses = usage.uses_of(locked.pk)
    if any(use.key not in verbs for use in uses):
        raise Undecided(uses)
    if not locked.is_being_removed:
        locked.removal_asked_at, locked.removal_asked_by = clock.now(), by
        said = {use.name: (None, verbs[use.key]) for use in uses}
        record("connection.removal_asked", locked, by=by, changes=said, version=locked.version)
    locked.removal_verbs = {use.key: verbs[use.key].value for use in uses}
    locked.save(update_fields=["removal_asked_at", "removal_asked_by", "removal_verbs"])
    for use in uses:
        if use.is_busy:
            use.stop(by)


def _let_go(connection: Connection) -> None:
    by = connection.removal_asked_by
    uses = usage.uses_of(connection.pk)
    if any(use.is_busy for use in uses):
        raise StillBusy
    for use in uses:  # what came to use it meanwhile is kept: that can be mended, a removal cannot
        use.carry_out(Verb(connection.removal_verbs.get(use.key, Verb.DETACH)), by)
    changes: dict[str, tuple[object, object]] = {"name": (connection.name, None)}
    if consent := connection.consents.first():
        changes["consent"] = (f"{consent} ({consent.text_version})", None)
    record("connection.removed", connection, by=by, changes=changes)
    connection.delete()


def _stop_uses(connection_id: int, by: User | None) -> None:
    for use in usage.uses_of(connection_id):
        if use.is_busy:
            use.stop(by)


def _waiting() -> "models.QuerySet[Connection]":
    return Connection.objects.filter(removal_asked_at__isnull=False).order_by("pk")


def _locked(pk: int) -> Connection | None:
    return Connection.objects.select_for_update(of=("self",)).filter(pk=pk).first()
