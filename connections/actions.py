"""Change connections: create, edit, limits, pause, consent, credentials, export user, remove.

Each action is one transaction and writes an audit record with the user who did it, never with secrets. A
connection that is removed stops the runs that use it first; until then nothing starts on it, and a tick tries
again. Then its exports are removed or detached and it is deleted, in one transaction.
"""

import logging
from collections.abc import Mapping, Sequence
from functools import partial

from django.db import IntegrityError, models, transaction
from django.urls import reverse

from config.platform.accounts.models import User
from config.platform.accounts.ownership import Dependent
from config.platform.accounts.permissions import Role
from config.platform.audit.record import record
from config.platform.encryption.fields import Sealed
from config.platform.jobs import clock
from config.platform.web.versions import take_version
from connections import consent_text, hooks, policies
from connections.hooks import OnRemoval, StillBusy, Usage
from connections.models import Connection, Consent, Limits
from connections.permissions import check_can_manage_connections

logger = logging.getLogger(__name__)


class NameTaken(Exception):
    """Another connection has this display name, whatever its case."""


class Undecided(Exception):
    """Report usages of the connection without a choice of what to do with them; ``usages`` are all of them."""

    def __init__(self, usages: Sequence[Usage]) -> None:
        super().__init__(f"used by {len(usages)}")
        self.usages = usages


@transaction.atomic
def create(
    *, by: User | None, destination_key: str, environment: str, name: str, allowed_roles: Sequence[str] = ()
) -> Connection:
    """Create a connection without an account. Raises NameTaken. ``by`` is None for the system itself."""
    connection = Connection(
        name=name,
        destination_key=destination_key,
        environment=environment,
        allowed_roles=_with_administrators(allowed_roles),
        created_by=by,
    )
    _save_named(connection)
    changes = {
        "name": (None, connection.name),
        "destination": (None, destination_key),
        "environment": (None, environment),
        "allowed_roles": (None, connection.allowed_roles),
    }
    record("connection.created", connection, by=by, changes=changes, version=connection.version)
    return connection


@transaction.atomic
def edit(
    *, by: User | None, connection: Connection, version: int, name: str, allowed_roles: Sequence[str]
) -> Connection:
    """Change the name and the allowed roles. Raises StaleEdit when the connection was saved after ``version``,
    and NameTaken."""
    take_version(connection, version)
    before = Connection.objects.get(pk=connection.pk)
    connection.name, connection.allowed_roles = name, _with_administrators(allowed_roles)
    _save_named(connection, update_fields=["name", "allowed_roles"])
    changes = _changes(before, connection, "name", "allowed_roles")
    record("connection.edited", connection, by=by, changes=changes, version=connection.version)
    return connection


@transaction.atomic
def set_credentials(
    *, by: User | None, connection: Connection, secrets: Mapping[str, str], options: Mapping[str, str]
) -> None:
    """Store credentials that were checked, with what the check learned of the account. The audit record says
    which account they open, never what they are."""
    before = dict(connection.options)
    was_connected = connection.credentials is not None
    connection.credentials = Sealed.of(dict(secrets))
    connection.options = {name: value for name, value in options.items() if value}
    connection.reconnect_reason = ""
    connection.save(update_fields=["credentials", "options", "reconnect_reason"])
    names = sorted(before.keys() | connection.options.keys())
    changes = {name: (before.get(name), connection.options.get(name)) for name in names}
    action = "connection.reconnected" if was_connected else "connection.connected"
    differing = {name: pair for name, pair in changes.items() if pair[0] != pair[1]}
    record(action, connection, by=by, changes=differing, version=connection.version)


@transaction.atomic
def set_limits(*, by: User | None, connection: Connection, limits: Limits) -> None:
    """Set what may be sent over the connection from now on. Exports stay; those that no longer fit do not run."""
    before, after = connection.limited.keep(), limits.keep()
    changes = {name: (before[name], after[name]) for name in after if before[name] != after[name]}
    if not changes:
        return
    connection.limits = after
    connection.save(update_fields=["limits"])
    record("connection.limits_changed", connection, by=by, changes=changes, version=connection.version)


@transaction.atomic
def set_max_in_flight(*, by: User | None, connection: Connection, calls: int) -> None:
    """Set how many calls all exports on the connection together may have in flight. Open runs follow within a
    moment."""
    before = connection.max_in_flight
    if calls == before:
        return
    connection.max_in_flight = calls
    connection.save(update_fields=["max_in_flight"])
    changes = {"max_in_flight": (before, calls)}
    record("connection.limits_changed", connection, by=by, changes=changes, version=connection.version)


@transaction.atomic
def pause(*, by: User, connection: Connection) -> bool:
    """Let no request start over the connection until the pause is lifted; False when it is paused already."""
    waiting = Connection.objects.filter(pk=connection.pk, paused_at=None)
    if not waiting.update(paused_at=clock.now(), paused_by=by):
        return False
    record("connection.paused", connection, by=by)
    return True


@transaction.atomic
def lift_pause(*, by: User, connection: Connection) -> bool:
    """Let requests start over the connection again; False when it is not paused."""
    paused = Connection.objects.filter(pk=connection.pk, paused_at__isnull=False)
    if not paused.update(paused_at=None, paused_by=None):
        return False
    record("connection.resumed", connection, by=by)
    return True


@transaction.atomic
def give_consent(
    *, by: User, connection: Connection, language: str | None = None, given_from: str = ""
) -> Consent:
    """Record the consent of ``by``: when, from which network address, and to which text in which language (by
    default that of the page)."""
    text = consent_text.read(connection.destination, language)
    consent = Consent.objects.create(
        connection=connection,
        given_by=by,
        given_by_name=str(by),
        given_from=given_from,
        text_version=text.version,
        language=text.language,
        text=text.in_full,
    )
    changes = {
        "consent": (None, consent.text_version),
        "language": (None, consent.language),
        "from": (None, given_from),
    }
    record("connection.consent_given", connection, by=by, changes=changes, version=connection.version)
    return consent


@transaction.atomic
def add_export_user(*, by: User, connection: Connection) -> None:
    """Make ``by``, who has confirmed their identity, responsible for what is sent over this connection."""
    before = connection.export_user
    connection.export_user, connection.export_user_added_at = by, clock.now()
    connection.save(update_fields=["export_user", "export_user_added_at"])
    changes = {"export_user": (str(before) if before else None, str(by))}
    record("connection.export_user_added", connection, by=by, changes=changes, version=connection.version)


def export_user_dependents(user: User) -> list[Dependent]:
    """Return the connections of which this user is the export user, with the action by which another user takes
    over."""
    return [
        Dependent(
            key=f"connection-{connection.pk}",
            name=connection.name,
            url=reverse("connections:edit", args=[connection.pk]),
            take_over=partial(_take_over, connection.pk),
        )
        for connection in policies.depending_on(user)
    ]


def remove(*, by: User | None, connection: Connection, choices: Mapping[str, OnRemoval] | None = None) -> bool:
    """Remove the connection, and remove or detach each of its usages as ``choices`` says by its key. Returns True
    when it is deleted, False when runs that use it are being stopped first. Raises Undecided."""
    _request_removal(by=by, connection=connection, choices=choices or {})
    return finish_removal(connection.pk)


def finish_removal(connection_id: int) -> bool:
    """Delete a connection whose removal was requested, if no run uses it. Returns True when it is gone."""
    try:
        with transaction.atomic():
            connection = _locked(connection_id)
            if connection is None:
                return True
            if not connection.is_being_removed:
                return False
            _delete(connection)
            return True
    except (StillBusy, models.ProtectedError):  # it stays as it was; what works over it was asked to stop
        return False


def finish_removals() -> None:
    """Try again to delete every connection that is being removed."""
    waiting = Connection.objects.filter(removal_asked_at__isnull=False).order_by("pk")
    for pk, by in waiting.values_list("pk", "removal_asked_by"):
        if not finish_removal(pk):
            _stop_usages(hooks.connection_users.usages(pk), User.objects.filter(pk=by).first())


@transaction.atomic
def _request_removal(*, by: User | None, connection: Connection, choices: Mapping[str, OnRemoval]) -> None:
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
    _stop_usages(usages, by)


def _delete(connection: Connection) -> None:
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


def _stop_usages(usages: Sequence[Usage], by: User | None) -> None:
    for usage in usages:
        if usage.is_busy:
            hooks.connection_users.stop(usage.key, by=by)


def _locked(pk: int) -> Connection | None:
    return Connection.objects.select_for_update(of=("self",)).filter(pk=pk).first()


def _with_administrators(roles: Sequence[str]) -> list[str]:
    """Return the roles in the order of the enum, administrators always among them."""
    return [role.value for role in reversed(Role) if role is Role.ADMINISTRATOR or role.value in roles]


def _save_named(connection: Connection, update_fields: Sequence[str] | None = None) -> None:
    try:
        with transaction.atomic():
            connection.save(update_fields=update_fields)
    except IntegrityError as error:
        if "connection_name_is_unique" in str(error):
            raise NameTaken(connection.name) from error
        raise


def _changes(before: Connection, after: Connection, *names: str) -> dict[str, tuple[object, object]]:
    pairs = {name: (getattr(before, name), getattr(after, name)) for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


@transaction.atomic
def _take_over(connection_id: int, by: User) -> None:
    check_can_manage_connections(by)
    connection = Connection.objects.select_for_update(of=("self",)).filter(pk=connection_id).first()
    if connection is not None:
        add_export_user(by=by, connection=connection)
