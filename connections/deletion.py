"""Remove a connection: remove or detach each export that uses it, then delete the connection with its secrets.

Runs over it stop first. Until they have, the connection is “Being removed”: nothing new starts on it, and a
tick tries again. All that happens then is one transaction, so there is no partial state.
"""

import logging
from collections.abc import Mapping, Sequence

from django.db import models, transaction

from config.platform.accounts.models import User
from config.platform.audit.record import record
from config.platform.jobs import clock
from connections import hooks
from connections.hooks import OnRemoval, StillBusy, Usage
from connections.models import Connection

logger = logging.getLogger(__name__)


class Undecided(Exception):
    """It is not decided what becomes of some of the uses of the connection; ``usages`` are all of them."""

    def __init__(self, usages: Sequence[Usage]) -> None:
        super().__init__(f"used by {len(usages)}")
        self.usages = usages


def remove(*, by: User | None, connection: Connection, choices: Mapping[str, OnRemoval] | None = None) -> bool:
    """Remove the connection, and remove or detach each of its usages as ``choices`` says by its key. Returns True
    when it is gone, False when something that works over it is being stopped first. Raises Undecided."""
    _request(by=by, connection=connection, choices=choices or {})
    return finish(connection.pk)


def finish(connection_id: int) -> bool:
    """Delete a connection whose removal was requested, if no run uses it. Returns True when it is gone."""
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
    """Try again to delete every connection that is being removed."""
    for pk, by in _waiting().values_list("pk", "removal_asked_by"):
        if not finish(pk):
            _stop(hooks.connection_users.usages(pk), User.objects.filter(pk=by).first())


@transaction.atomic
def _request(*, by: User | None, connection: Connection, choices: Mapping[str, OnRemoval]) -> None:
    """Record the request to remove, and stop the runs."""
    locked = _locked(connection.pk)
    if locked is None:
        return
    usages = hooks.connection_users.usages(locked.pk)
    if any(usage.key not in choices for usage in usages):
        raise Undecided(usages)
    if not locked.is_being_removed:
        locked.removal_asked_at, locked.removal_asked_by = clock.now(), by
        chosen = {usage.name: (None, choices[usage.key]) for usage in usages}
        record("connection.removal_asked", locked, by=by, changes=chosen, version=locked.version)
    locked.removal_choices = {usage.key: choices[usage.key].value for usage in usages}
    locked.save(update_fields=["removal_asked_at", "removal_asked_by", "removal_choices"])
    _stop(usages, by)


def _let_go(connection: Connection) -> None:
    by = connection.removal_asked_by
    usages = hooks.connection_users.usages(connection.pk)
    if any(usage.is_busy for usage in usages):
        raise StillBusy
    for usage in usages:  # what began to use it meanwhile is detached: that can be undone, a removal cannot
        choice = OnRemoval(connection.removal_choices.get(usage.key, OnRemoval.DETACH))
        hooks.connection_users.carry_out(usage.key, choice, by=by)
    changes: dict[str, tuple[object, object]] = {"name": (connection.name, None)}
    if consent := connection.consents.first():
        changes["consent"] = (f"{consent} ({consent.text_version})", None)
    record("connection.removed", connection, by=by, changes=changes)
    connection.delete()


def _stop(usages: Sequence[Usage], by: User | None) -> None:
    for usage in usages:
        if usage.is_busy:
            hooks.connection_users.stop(usage.key, by=by)


def _waiting() -> "models.QuerySet[Connection]":
    return Connection.objects.filter(removal_asked_at__isnull=False).order_by("pk")


def _locked(pk: int) -> Connection | None:
    return Connection.objects.select_for_update(of=("self",)).filter(pk=pk).first()
