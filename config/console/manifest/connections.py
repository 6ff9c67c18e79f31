"""Plan and apply the connections of a manifest.

A file gives no consent: a live connection waits for an administrator's consent on its page. A file holds no
secrets either; it says where to find one, ``env:NAME`` or ``file:/path``.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from django.utils.translation import gettext as _

from config.console.manifest.document import Lined, Problems
from config.console.manifest.limits import check_limits
from config.console.manifest.specs import KEPT, ConnectionSpec, report_line, what_changed
from config.platform.accounts.permissions import Role
from config.platform.encryption.keyring import CannotDecrypt
from config.platform.encryption.references import VARIABLE_PREFIX, UnresolvedReference, resolve_reference
from connections import actions, credentials, destinations, policies, vault
from connections.destinations.base import Destination
from connections.models import Connection, Environment


class SecretRefused(Exception):
    """An invalid reference to a secret. The message says what to write, and holds no secret."""


def resolve_secret(written: str, *, suggestion: str, environ: Mapping[str, str]) -> str:
    """Return the secret that ``written`` refers to; raises SecretRefused. ``suggestion`` is a name of a
    variable to propose where the file holds the secret itself."""
    kind, colon, name = written.partition(":")
    if colon and kind == "env":
        return _from_environment(name.strip(), environ)
    if colon and kind == "file":
        return _from_file(Path(name.strip()))
    raise SecretRefused(
        _("Secrets are not allowed in the file. Set an environment variable and write env:%s here.") % suggestion
    )


def _from_environment(name: str, environ: Mapping[str, str]) -> str:
    value = environ.get(name, "").strip()
    if not value:
        raise SecretRefused(
            _("The environment has no variable %s. Set it, then apply the file again.") % (name or "“”")
        )
    return value


def _from_file(path: Path) -> str:
    if not path.is_absolute():
        raise SecretRefused(_("Use the full path: file:/…"))
    try:
        value = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SecretRefused(
            _("%(path)s cannot be read: %(why)s.") % {"path": path, "why": error.strerror}
        ) from error
    except UnicodeDecodeError:
        raise SecretRefused(_("%s is not UTF-8.") % path) from None
    if not value:
        raise SecretRefused(_("%s is empty.") % path)
    return value


@dataclass(frozen=True)
class Desired:
    """A connection as the file wants it, checked. ``secrets`` None: the credentials stay; ``lacks_secrets``: since
    the file wants to keep some that are not stored here."""

    spec: ConnectionSpec
    existing: Connection | None
    roles: list[str] | None
    secrets: Mapping[str, str] | None
    lacks_secrets: bool
    options: Mapping[str, str]

    def __repr__(self) -> str:
        return f"<Desired connection {self.spec.name}>"


def find(name: str) -> Connection | None:
    """Find a connection by name, whatever its case."""
    return Connection.objects.filter(name__iexact=name).first()


def plan(spec: ConnectionSpec, problems: Problems, environ: Mapping[str, str] | None) -> Desired | None:
    """Check an entry and return the connection it asks for, or None when it has problems. References are stored
    as such, unless they lead into an ``environ`` that only the caller has."""
    existing = find(spec.name)
    destination = _destination(spec.destination, problems)
    _check_environment(spec, destination, problems)
    if existing is not None:
        _check_unchangeable(spec, existing, problems)
    roles = _roles(spec, problems)
    if destination is None:
        return None
    if spec.limits is not None:
        check_limits(spec.limits, existing, spec.limits_line, problems)
    found_secrets, options = _credentials(spec, destination, problems, environ)
    kept = _kept(existing)
    lacks = found_secrets is not None and any(
        value == KEPT and name not in kept for name, value in found_secrets.items()
    )
    if found_secrets is not None:
        found_secrets = {
            name: kept.get(name, "") if value == KEPT else value for name, value in found_secrets.items()
        }
    return Desired(spec, existing, roles, None if lacks else found_secrets, lacks, options)


def apply(desired: Desired, problems: Problems) -> str:
    """Create or update a connection; what the account refuses is added to ``problems``."""
    spec = desired.spec
    connection, changed = (_create(desired), []) if desired.existing is None else _edit(desired, desired.existing)
    notes: list[str] = []
    if desired.lacks_secrets:
        notes.append(_("The credentials are not in the file. Enter them on the page of the connection."))
    if desired.secrets is not None and not _is_connected_with(connection, desired.secrets, desired.options):
        changed.append("credentials")
        notes += _connect(connection, desired.secrets, desired.options, spec, problems)
    changed += _set_limits(connection, spec)
    if (status := policies.why_it_cannot_run(connection)) is not None:
        notes.append(f"{status.label}. {status.sentence}")
    change = what_changed(changed, created=desired.existing is None)
    return report_line(_("connection"), connection.name, change, notes, in_sandbox=connection.is_sandbox)


def _destination(written: Lined, problems: Problems) -> Destination | None:
    key, line = written
    try:
        return destinations.get(key)
    except KeyError:
        known = ", ".join(destination.key for destination in destinations.all_destinations())
        problems.add(
            line, _("There is no destination “%(key)s”. Available: %(known)s.") % {"key": key, "known": known}
        )
        return None


def _check_environment(spec: ConnectionSpec, destination: Destination | None, problems: Problems) -> None:
    environment, line = spec.environment
    if environment not in Environment.values:
        problems.add(line, _("“environment” must be live or sandbox, not “%s”.") % environment)
    elif environment == Environment.SANDBOX and destination is not None and not destination.sandbox_url:
        problems.add(line, _("No sandbox is configured. Set CAMPAIGN_MONITOR_SANDBOX_URL to its address."))


def _check_unchangeable(spec: ConnectionSpec, existing: Connection, problems: Problems) -> None:
    """Type and environment are chosen when a connection is made."""
    stays = _("“%(name)s” was created for %(kept)s, which cannot be changed. Use another name for the connection.")
    for (written, line), present in (
        (spec.destination, existing.destination_key),
        (spec.environment, existing.environment),
    ):
        if written != present:
            problems.add(line, stays % {"name": existing.name, "kept": present})


def _roles(spec: ConnectionSpec, problems: Problems) -> list[str] | None:
    if spec.shared_with is None:
        return None
    for role, line in spec.shared_with:
        if role not in Role.values:
            problems.add(
                line,
                _("There is no role “%(role)s”. Available: %(known)s.")
                % {"role": role, "known": ", ".join(Role.values)},
            )
    return [role for role, _line in spec.shared_with]


def _credentials(
    spec: ConnectionSpec, destination: Destination, problems: Problems, environ: Mapping[str, str] | None
) -> tuple[dict[str, str] | None, dict[str, str]]:
    """Return the secrets and the options of an entry. Missing and unknown ones are problems."""
    if spec.credentials is None:
        return None, {}
    fields = {field.name: field for field in destination.credential_fields()}
    found: dict[str, str] = {}
    options: dict[str, str] = {}
    for name, (written, line) in spec.credentials.items():
        if name not in fields:
            known = ", ".join(fields)
            problems.add(line, _("“%(name)s” is unknown. Available: %(known)s.") % {"name": name, "known": known})
        elif fields[name].secret:
            if written == KEPT:
                found[name] = KEPT
                continue
            suggestion = f"{VARIABLE_PREFIX}{destination.key}_{name}".upper()
            try:
                found[name] = _secret(written, suggestion, environ)
            except (SecretRefused, UnresolvedReference) as refused:
                problems.add(line, f"“{name}”: {refused}")
        else:
            options[name] = written
    for name, field in fields.items():
        if field.required and name not in spec.credentials:
            problems.add(spec.credentials_line, _("“%s” is missing.") % name)
    return found, options


def _secret(written: str, suggestion: str, environ: Mapping[str, str] | None) -> str:
    """Return the value to store for a secret: its reference, after checking that the reference can be resolved."""
    value = resolve_secret(written, suggestion=suggestion, environ=os.environ if environ is None else environ)
    if environ is not None:
        return value
    resolve_reference(written)
    return written


def _create(desired: Desired) -> Connection:
    return actions.create(
        by=None,
        destination_key=desired.spec.destination[0],
        environment=desired.spec.environment[0],
        name=desired.spec.name,
        allowed_roles=desired.roles or [],
    )


def _edit(desired: Desired, connection: Connection) -> tuple[Connection, list[str]]:
    """Return the connection as the file wants it, and which fields that changed."""
    name = desired.spec.name
    roles = connection.allowed_roles if desired.roles is None else desired.roles
    changed = ["name"] if connection.name != name else []
    administrator = {Role.ADMINISTRATOR.value}
    if {*roles} | administrator != {*connection.allowed_roles} | administrator:
        changed.append("shared_with")
    if changed:
        actions.edit(by=None, connection=connection, version=connection.version, name=name, allowed_roles=roles)
    return connection, changed


def _set_limits(connection: Connection, spec: ConnectionSpec) -> list[str]:
    """Set the limits and the number of parallel requests that the file says. Returns which of them changed."""
    changed = []
    if spec.limits is not None and spec.limits != connection.limited:
        actions.set_limits(by=None, connection=connection, limits=spec.limits)
        changed.append("limits")
    if spec.parallel_requests not in (None, connection.max_in_flight):
        actions.set_max_in_flight(by=None, connection=connection, calls=spec.parallel_requests)
        changed.append("parallel_requests")
    return changed


def _kept(connection: Connection | None) -> Mapping[str, str]:
    """Return the credentials that are stored, empty when there are none or they cannot be read."""
    try:
        return vault.stored(connection) if connection else {}
    except CannotDecrypt:
        return {}


def _is_connected_with(connection: Connection, desired: Mapping[str, str], options: Mapping[str, str]) -> bool:
    """Return whether it already has just these credentials and they are not refused; credentials that cannot be
    read count as others."""
    try:
        stored = vault.stored(connection)
    except CannotDecrypt:
        return False
    return (
        stored == dict(desired)
        and not connection.reconnect_reason
        and all(connection.options.get(name, "") == value for name, value in options.items())
    )


def _connect(
    connection: Connection,
    found: Mapping[str, str],
    options: Mapping[str, str],
    spec: ConnectionSpec,
    problems: Problems,
) -> list[str]:
    """Check the credentials where that is allowed by now, and keep them; what could not be done, in sentences."""
    learned: dict[str, str] = {}
    notes: list[str] = []
    if not policies.lacks_consent(connection):
        diagnosed = credentials.check_typed(connection, found, options)
        learned = diagnosed.learned
        failed = next((step for step in diagnosed.steps if not step.ok), None)
        if failed is not None and failed.key != diagnosed.steps[0].key:
            problems.add(spec.credentials_line, f"{failed.label}: {failed.detail}")
        elif failed is not None:
            notes.append(_("The credentials could not be checked: %s") % failed.detail)
    actions.set_credentials(by=None, connection=connection, secrets=found, options={**options, **learned})
    return notes
