"""Write the JSON Schema of manifests, for editors. The keys are those that the parser knows, to which numbers and
yes are text, too."""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

from config.console.manifest.limits import LIMIT_KEYS
from config.console.manifest.mapped_fields import CHOICES, FORMAT_KEYS
from config.console.manifest.specs import (
    CONNECTION_KEYS,
    EXPORT_KEYS,
    KEPT,
    LONGEST_NAME,
    OFF,
    SCHEDULE_KEYS,
    SECTIONS,
    SEGMENT_KEYS,
    SYSTEM,
    SYSTEM_REFRESH,
)
from config.platform.accounts.permissions import Role
from config.platform.schedules.next_due import MOST_HOURS, Recurrence
from config.platform.schedules.serialize import LAST, WEEKDAYS
from connections.destinations import all_destinations
from connections.models import MOST_IN_FLIGHT, Environment
from exports.models import LARGEST_CONTROL_GROUP, ControlMode, Removal
from segments.rules.operators import MEMBERSHIP, OPERATORS
from segments.rules.tree import JOINS

Schema = dict[str, Any]

_TEXT: Schema = {"type": ["string", "number", "boolean"]}
_TEXTS: Schema = {"type": "array", "items": _TEXT}
_NAME: Schema = {"type": ["string", "number"], "maxLength": LONGEST_NAME}
_YES_OR_NO: Schema = {"enum": [True, False, "yes", "no", "on", "off"]}
_RULE, _GROUP, _SCHEDULE = ({"$ref": f"#/$defs/{name}"} for name in ("rule", "group", "schedule"))


def json_schema() -> Schema:
    """Return the schema of the whole file."""
    sections: dict[str, Schema] = {
        "connections": _list_of(_entry(("name", *CONNECTION_KEYS), _connection(), ("destination", "environment"))),
        "segments": _list_of(_entry(("name", *SEGMENT_KEYS), _segment(), ("rules",))),
        "exports": _list_of(
            _entry(("name", *EXPORT_KEYS), _export(), ("connection", "list_id", "segments", "email"))
        ),
        SYSTEM_REFRESH: _object({"schedule": _SCHEDULE}, ("schedule",)),
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Configuration for manage.py apply",
        **_object({section: sections[section] for section in SECTIONS}),
        "$defs": {"rule": _rule(), "group": _rule_group(), "schedule": _schedule()},
    }


def _connection() -> Mapping[str, Schema]:
    limits: dict[str, Schema] = dict.fromkeys(LIMIT_KEYS, _TEXTS)
    limits |= {"consent_attribute": _TEXT, "contact_limit": _number(1, 1_000_000_000)}
    limits |= {"may_remove": _YES_OR_NO, "may_resubscribe": _YES_OR_NO}
    return {
        "destination": _one_of(destination.key for destination in all_destinations()),
        "environment": _one_of(Environment),
        "shared_with": {"type": "array", "items": _one_of(Role)},
        "credentials": {
            "anyOf": [{"const": KEPT}, {"type": "object", "additionalProperties": _TEXT}],
            "description": f"env:CREDENTIAL_NAME, file:/run/secrets/name, or {KEPT}; never a secret",
        },
        "limits": _object(limits),
        "parallel_requests": _number(1, MOST_IN_FLIGHT),
    }


def _segment() -> Mapping[str, Schema]:
    flags = dict.fromkeys(("active", "static", "exclusion"), _YES_OR_NO)
    return {"description": _TEXT, "rules": _GROUP, "schedule": _SCHEDULE, "tags": _TEXTS, **flags}


def _export() -> Mapping[str, Schema]:
    formats: dict[str, Schema] = dict.fromkeys(("attribute", "constant", *FORMAT_KEYS), _TEXT)
    formats |= {name: _one_of(filter(None, kind)) for name, kind in CHOICES.items()}
    return {
        "connection": {"type": ["string", "number", "null"]},
        "list_id": _TEXT,
        "segments": _TEXTS | {"minItems": 1},
        "email": _TEXT,
        "fields": {"type": "object", "additionalProperties": {"anyOf": [_TEXT, _object(formats)]}},
        "answers": {"type": "object", "additionalProperties": _TEXT},
        "schedule": _SCHEDULE,
        "tags": _TEXTS,
        "tell_also": {"type": "array", "items": {"type": "string", "format": "email"}},
        "removal": _one_of(Removal),
        "mark_field": _TEXT,
        "mark_value": _TEXT,
        "control_group": {"enum": [*ControlMode.values, False]},  # some editors take off as no
        "control_percentage": _number(1, LARGEST_CONTROL_GROUP),
        "control_field": _TEXT,
        "after_sources": _TEXTS,
        "after_exports": _TEXTS,
    }


def _rule() -> Schema:
    operators = sorted({operator.key for known in OPERATORS.values() for operator in known})
    value = {"anyOf": [_TEXT, _TEXTS]}
    condition = {
        "attribute": _TEXT,
        "operator": _one_of(operators),
        "value": value,
        "other_attribute": _TEXT,
        "ignore_case": _YES_OR_NO,
    }
    membership = {"segment": _NAME, "operator": _one_of(MEMBERSHIP)}
    return {
        "anyOf": [
            _object(condition, ("attribute", "operator")),
            _object(membership, ("segment", "operator")),
            _GROUP,
        ]
    }


def _rule_group() -> Schema:
    return _object({"join": _one_of(JOINS), "rules": {"type": "array", "items": _RULE}}, ("rules",))


def _schedule() -> Schema:
    fields: dict[str, Schema] = {
        "on": _YES_OR_NO,
        "hours": _number(1, MOST_HOURS),
        "recurrence": _one_of([*Recurrence, SYSTEM]),
        "zone": _TEXT,
        "starts_on": _TEXT,
        "cron": _TEXT,
        "times": _TEXTS,
        "weekdays": {"type": "array", "items": _one_of(WEEKDAYS)},
        "month_days": {"type": "array", "items": {"anyOf": [_number(1, 31), {"const": LAST}]}},
    }
    rule = _object({key: fields[key] for key in SCHEDULE_KEYS}, ("recurrence",))
    return {"anyOf": [{"enum": [SYSTEM, OFF, False]}, rule]}


def _entry(keys: Sequence[str], schemas: Mapping[str, Schema], required: Sequence[str]) -> Schema:
    """Return the schema of an entry with just these keys, of which the name is always required."""
    return _object({key: _NAME if key == "name" else schemas[key] for key in keys}, ("name", *required))


def _object(properties: Mapping[str, Schema], required: Sequence[str] = ()) -> Schema:
    schema: Schema = {"type": "object", "properties": dict(properties), "additionalProperties": False}
    return schema | ({"required": list(required)} if required else {})


def _list_of(items: Schema) -> Schema:
    return {"type": ["array", "null"], "items": items}


def _one_of(values: Any) -> Schema:
    return {"enum": [value.value if isinstance(value, Enum) else str(value) for value in values]}


def _number(least: int, most: int) -> Schema:
    return {"type": "integer", "minimum": least, "maximum": most}
