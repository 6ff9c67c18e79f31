"""Change connections: create, edit, limits, pause, consent, credentials. deletion.py removes them.

Each action is one transaction and writes an audit record with the user who did it; secrets are never in the
record.
"""

from collections.abc import Mapping, Sequence

from django.db import IntegrityError, transaction

from config.platform.accounts.models import User
from config.platform.accounts.permissions import Role
from config.platform.audit.record import record
from config.platform.jobs import clock
from config.platform.web.versions import take_version
from connections import consent_text, vault
from connections.limits import Limits
from connections.models import Connection, Consent


class NameTaken(Exception):
    """Another connection has this display name, whatever its case."""


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
    connection.credentials = vault.seal(dict(secrets))
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
