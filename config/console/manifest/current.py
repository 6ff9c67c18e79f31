"""Read the configuration as it is now, as the document that ``manage.py apply`` reads: it has no secrets, and
nothing that only a person can do."""

from collections.abc import Mapping
from typing import Any

import yaml

from config.console.manifest.limits import plain_limits
from config.console.manifest.rules import plain_rules
from config.console.manifest.specs import KEPT, OFF, SYSTEM, SYSTEM_REFRESH
from config.console.system_refresh.actions import load_schedule
from config.platform.accounts.permissions import Role
from config.platform.encryption.keyring import CannotDecrypt
from config.platform.encryption.references import is_reference
from config.platform.jobs.models import Schedule
from config.platform.text.value_format import ValueFormat
from connections import vault
from connections.models import Connection
from exports.actions.manage import schedule_of as schedule_of_export
from exports.actions.run_after import Predecessors, predecessors_of_each
from exports.models import ControlMode, Export, Removal
from segments.models import Segment
from segments.refresh import schedule_of as schedule_of_segment

Document = dict[str, Any]

# In one language, so that files of all users are the same.
_COMMENT = "Configuration for “manage.py apply”, without secrets."


def current_configuration() -> Document:
    """Return the whole configuration in plain values, by name. The number of queries does not depend on it."""
    segments = _by_name(Segment.objects.select_related("schedule"))
    names = {segment.pk: segment.name for segment in segments}
    rows = Export.objects.select_related("connection", "schedule").filter(removal_asked_at=None)
    exports = _by_name(rows.prefetch_related("segments"))
    after = predecessors_of_each([export.pk for export in exports])
    return {
        "connections": [
            _connection(connection) for connection in _by_name(Connection.objects.filter(removal_asked_at=None))
        ],
        "segments": [_segment(segment, names) for segment in segments],
        "exports": [_export(export, after.get(export.pk, Predecessors())) for export in exports],
        SYSTEM_REFRESH: {"schedule": _schedule(load_schedule())},
    }


class _Dumper(yaml.SafeDumper):
    """Write lists below their key, and each value in full: the parser takes no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, indentless=False)


def as_yaml(document: Document) -> str:
    """Write a document as YAML, which ``manage.py apply`` reads as the same document."""
    text = yaml.dump(document, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=100)
    return f"# {_COMMENT}\n\n{text}"


def _by_name(rows: Any) -> list[Any]:
    return sorted(rows, key=lambda row: (row.name.casefold(), row.name))


def _connection(connection: Connection) -> Document:
    entry: Document = {
        "name": connection.name,
        "destination": connection.destination_key,
        "environment": connection.environment,
        "shared_with": [role for role in connection.allowed_roles if role != Role.ADMINISTRATOR],
    }
    if connection.credentials is not None:
        entry["credentials"] = _credentials(connection)
    entry["limits"] = plain_limits(connection.limited)
    entry["parallel_requests"] = connection.max_in_flight
    return entry


def _credentials(connection: Connection) -> Document | str:
    """Return where the secrets are: references as they are, and the word “kept” for what is stored here."""
    try:
        fields = connection.destination.credential_fields()
        stored = vault.stored(connection)
    except (CannotDecrypt, KeyError):
        return KEPT
    secrets = {field.name for field in fields if field.secret}
    if not stored.keys() <= secrets:  # an authorization at the vendor
        return KEPT
    entry: Document = {}
    for field in fields:
        if field.name in stored:
            entry[field.name] = stored[field.name] if is_reference(stored[field.name]) else KEPT
        elif not field.secret and connection.options.get(field.name):
            entry[field.name] = str(connection.options[field.name])
    return entry


def _segment(segment: Segment, names: Mapping[int, str]) -> Document:
    return {
        "name": segment.name,
        "description": segment.description,
        "rules": plain_rules(segment.rules, names),
        "tags": list(segment.tags),
        "active": segment.is_active,
        "static": segment.is_static,
        "exclusion": segment.is_exclusion,
        "schedule": _schedule(schedule_of_segment(segment)),
    }


def _export(export: Export, after: Predecessors) -> Document:
    entry: Document = {
        "name": export.name,
        "connection": export.connection.name if export.connection else None,
        "list_id": export.list_id,
        "segments": [segment.name for segment in _by_name(export.segments.all())],
        "email": export.email_attribute,
        "fields": {pair["field"]: _field(pair) for pair in export.mapping},
        "answers": _answers(export),
        "removal": export.removal,
    }
    if export.removal == Removal.MARK:
        entry |= {"mark_field": export.mark_field, "mark_value": export.mark_value}
    entry["control_group"] = export.control_mode
    if export.control_mode != ControlMode.OFF:
        entry["control_percentage"] = export.control_percentage
    if export.control_mode == ControlMode.FIELD:
        entry["control_field"] = export.control_field
    return entry | {
        "tags": list(export.tags),
        "tell_also": list(export.tell_also),
        "schedule": _schedule(schedule_of_export(export)),
        "after_sources": [source.name for source in _by_name(after.sources)],
        "after_exports": [each.name for each in _by_name(after.exports)],
    }


def _field(pair: Mapping[str, str]) -> str | Document:
    """Return what a field of the list gets: an attribute, one in a format, or a constant."""
    if not pair["attribute"]:
        return {"constant": pair.get("default", "")}
    written = ValueFormat.from_json(pair).to_json()
    return {"attribute": pair["attribute"], **written} if written else pair["attribute"]


def _answers(export: Export) -> Document:
    """Return the answers to the questions that the destination asks by now, in their order, defaults too: a file
    that leaves one out keeps what was chosen since."""
    if export.connection is None:
        return dict(export.answers)
    questions = export.connection.destination.questions()
    answers = {each.name: export.answers.get(each.name) or each.default for each in questions}
    return {name: answer for name, answer in answers.items() if answer}


def _schedule(schedule: Schedule) -> str | Document:
    if not schedule.rule:
        return SYSTEM if schedule.is_on else OFF
    return dict(schedule.rule) if schedule.is_on else {"on": False, **schedule.rule}
