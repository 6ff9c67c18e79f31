"""Rename an attribute in exports and in the limits of connections. Runs that have ended keep the old name."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from config.platform.accounts.models import User
from config.platform.audit.record import record
from config.platform.web.versions import take_version
from connections import actions as connection_actions
from connections.destinations.values import attribute_of, by_attribute
from connections.models import Connection
from exports.actions.manage import audited_settings
from exports.models import Export

Renaming = Callable[[str], str]


def rename_attribute(before: str, after: str, *, by: User | None) -> None:
    """Rename an attribute in the settings of all exports and connections, within the caller's transaction, which
    has locked them. There may be an attribute of the new name, which the other one is merged into."""

    def renamed(name: str) -> str:
        return after if name.casefold() == before.casefold() else name

    for export in Export.objects.order_by("pk"):
        _rename_in_export(export, renamed, by)
    for connection in Connection.objects.order_by("pk"):
        _rename_in_limits(connection, renamed, by)


def _rename_in_export(export: Export, renamed: Renaming, by: User | None) -> None:
    old = audited_settings(export)
    export.email_attribute = renamed(export.email_attribute)
    export.mapping = [_renamed_in_pair(pair, renamed) for pair in export.mapping]
    export.answers = {
        option: by_attribute(renamed(name)) if (name := attribute_of(answer)) else answer
        for option, answer in export.answers.items()
    }
    new = audited_settings(export)
    changes = {name: (old[name], new[name]) for name in new if old[name] != new[name]}
    if changes:
        take_version(export, export.version)
        export.save(update_fields=["email_attribute", "mapping", "answers"])
        record("edited", export, by=by, changes=changes, version=export.version)


def _renamed_in_pair(pair: Mapping[str, str], renamed: Renaming) -> dict[str, str]:
    return {name: renamed(text) if name in {"attribute", "join"} else text for name, text in pair.items()}


def _rename_in_limits(connection: Connection, renamed: Renaming, by: User | None) -> None:
    limits = connection.limited
    new = replace(
        limits,
        withheld=_renamed_once(limits.withheld, renamed),
        allowed=None if limits.allowed is None else _renamed_once(limits.allowed, renamed),
        required_attribute=renamed(limits.required_attribute),
    )
    if new != limits:
        take_version(connection, connection.version)
        connection_actions.set_limits(by=by, connection=connection, limits=new)


def _renamed_once(names: tuple[str, ...], renamed: Renaming) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(renamed, names)))
