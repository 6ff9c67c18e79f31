"""Apply a connection of the file.

A file gives no consent: a live connection waits for an administrator's consent on its page.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _

from config.console.applying import secrets
from config.console.applying.document import Lined
from config.console.applying.problems import Problems
from config.console.applying.report import Applied, Fate
from config.console.applying.specs import ConnectionSpec
from config.platform.accounts.permissions import Role
from config.platform.encryption.keyring import CannotDecrypt
from connections import actions, diagnosis, policies, secret_references, vault
from connections.account import Environment
from connections.destinations import registry
from connections.destinations.base import Destination
from connections.models import Connection


@dataclass(frozen=True)
class Wanted:
    """A connection as the file wants it, judged good. ``secrets`` None: the file says nothing of credentials."""

    spec: ConnectionSpec
    existing: Connection | None
    roles: list[str] | None
    secrets: Mapping[str, str] | None
    options: Mapping[str, str]

    def __repr__(self) -> str:
        return f"<Wanted connection {self.spec.name}>"


def find(name: str) -> Connection | None:
    """The connection of that name, whatever its case."""
    return Connection.objects.filter(name__iexact=name).first()


def judge(spec: ConnectionSpec, problems: Problems, environ: Mapping[str, str] | None) -> Wanted | None:
    """What the entry means, or None when something is wrong, which is noted. References are kept as such, unless
    they lead into an ``environ`` that only the caller has."""
    existing = find(spec.name)
    destination = _destination(spec.destination, problems)
    _judge_environment(spec, destination, problems)
    if existing is not None:
        _judge_what_stays(spec, existing, problems)
    roles = _roles(spec, problems)
    if destination is None:
        return None
    found_secrets, options = _credentials(spec, destination, problems, environ)
    return Wanted(spec, existing, roles, found_secrets, options)


def carry_out(wanted: Wanted, problems: Problems) -> Applied:
    """Create or update it; what the account refuses is noted as a problem."""
    spec = wanted.spec
    connection, changed = (_create(wanted), []) if wanted.existing is None else _edit(wanted, wanted.existing)
    notes: list[str] = []
    if wanted.secrets is not None and not _is_connected_with(connection, wanted.secrets, wanted.options):
        changed.append("credentials")
        notes += _connect(connection, wanted.secrets, wanted.options, spec, problems)
    if (status := policies.why_it_cannot_run(connection)) is not None:
        notes.append(f"{status.label}. {status.sentence}")
    fate = Fate.UPDATED if changed else Fate.UNCHANGED
    if wanted.existing is None:
        fate, changed = Fate.CREATED, []
    return Applied(_("connection"), connection.name, fate, changed, notes, in_sandbox=connection.is_sandbox)


def _destination(written: Lined, problems: Problems) -> Destination | None:
    key, line = written
    try:
        return registry.get(key)
    except KeyError:
        known = ", ".join(destination.key for destination in registry.all_destinations())
        problems.add(
            line, _("There is no destination “%(key)s”. Known are: %(known)s.") % {"key": key, "known": known}
        )
        return None


def _judge_environment(spec: ConnectionSpec, destination: Destination | None, problems: Problems) -> None:
    environment, line = spec.environment
    if environment not in Environment.values:
        problems.add(line, _("“environment” is live or sandbox, not “%s”.") % environment)
    elif environment == Environment.SANDBOX and destination is not None and not destination.sandbox_url:
        problems.add(line, _("There is no sandbox here: set CAMPAIGN_MONITOR_SANDBOX_URL to its address."))


def _judge_what_stays(spec: ConnectionSpec, existing: Connection, problems: Problems) -> None:
    """Type and environment are chosen when a connection is made."""
    stays = _("“%(name)s” was made for %(kept)s and keeps that. Give the connection another name.")
    for (written, line), kept in (
        (spec.destination, existing.destination_key),
        (spec.environment, existing.environment),
    ):
        if written != kept:
            problems.add(line, stays % {"name": existing.name, "kept": kept})


def _roles(spec: ConnectionSpec, problems: Problems) -> list[str] | None:
    if spec.shared_with is None:
        return None
    for role, line in spec.shared_with:
        if role not in Role.values:
            problems.add(
                line,
                _("There is no role “%(role)s”. Roles are: %(known)s.")
                % {"role": role, "known": ", ".join(Role.values)},
            )
    return [role for role, _line in spec.shared_with]


def _credentials(
    spec: ConnectionSpec, destination: Destination, problems: Problems, environ: Mapping[str, str] | None
) -> tuple[dict[str, str] | None, dict[str, str]]:
    """The secrets and what is not secret. Missing and unknown ones are noted."""
    if spec.credentials is None:
        return None, {}
    fields = {field.name: field for field in destination.credential_fields()}
    found: dict[str, str] = {}
    options: dict[str, str] = {}
    for name, (written, line) in spec.credentials.items():
        if name not in fields:
            known = ", ".join(fields)
            problems.add(
                line, _("“%(name)s” is not known here. Known are: %(known)s.") % {"name": name, "known": known}
            )
        elif fields[name].secret:
            suggestion = f"{secret_references.VARIABLE_PREFIX}{destination.key}_{name}".upper()
            try:
                found[name] = _secret(written, suggestion, environ)
            except (secrets.SecretRefused, secret_references.LeadsNowhere) as refused:
                problems.add(line, f"“{name}”: {refused}")
        else:
            options[name] = written
    for name, field in fields.items():
        if field.required and name not in spec.credentials:
            problems.add(spec.credentials_line, _("“%s” is missing.") % name)
    return found, options


def _secret(written: str, suggestion: str, environ: Mapping[str, str] | None) -> str:
    """What is kept for a secret: the reference, once it is sure that it leads somewhere."""
    value = secrets.resolve(written, suggestion=suggestion, environ=os.environ if environ is None else environ)
    if environ is not None:
        return value
    secret_references.resolve(written)
    return written


def _create(wanted: Wanted) -> Connection:
    return actions.create(
        by=None,
        destination_key=wanted.spec.destination[0],
        environment=wanted.spec.environment[0],
        name=wanted.spec.name,
        allowed_roles=wanted.roles or [],
    )


def _edit(wanted: Wanted, connection: Connection) -> tuple[Connection, list[str]]:
    """The connection as the file wants it, and which fields that changed."""
    name = wanted.spec.name
    roles = connection.allowed_roles if wanted.roles is None else wanted.roles
    changed = ["name"] if connection.name != name else []
    administrator = {Role.ADMINISTRATOR.value}
    if {*roles} | administrator != {*connection.allowed_roles} | administrator:
        changed.append("shared_with")
    if changed:
        actions.edit(by=None, connection=connection, version=connection.version, name=name, allowed_roles=roles)
    return connection, changed


def _is_connected_with(connection: Connection, wanted: Mapping[str, str], options: Mapping[str, str]) -> bool:
    """Whether it already has just these credentials and they are not refused; what cannot be read counts as
    others."""
    try:
        stored = vault.stored(connection)
    except CannotDecrypt:
        return False
    return (
        stored == dict(wanted)
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
        told = diagnosis.try_typed(connection, found, options)
        learned = told.learned
        failed = next((step for step in told.steps if not step.ok), None)
        if failed is not None and failed.key != told.steps[0].key:
            problems.add(spec.credentials_line, f"{failed.label}: {failed.detail}")
        elif failed is not None:
            notes.append(_("The credentials could not be checked: %s") % failed.detail)
    actions.set_credentials(by=None, connection=connection, secrets=found, options={**options, **learned})
    return notes
