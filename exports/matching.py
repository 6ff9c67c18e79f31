"""How a profile's attributes match the fields of a list: from an export's settings to what a run sends by."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import orjson
from django.utils.translation import gettext as _

from connections.destinations.values import FieldMapping, ListDetails, ListOptIn, SendSettings, TargetField
from exports.models import Export


def freeze(export: Export, details: ListDetails) -> dict[str, Any]:
    """A copy of all that a run depends on, as plain values, so that later edits change nothing under way."""
    return {
        "export_version": export.version,
        "connection": str(export.connection),
        "list_title": details.title,
        "confirmed_opt_in": details.opt_in == ListOptIn.CONFIRMED,
        "opt_in_mail_accepted": export.opt_in_mail_accepted,
        "segments": [{"id": segment.pk, "name": segment.name} for segment in export.segments.order_by("name")],
        "email_attribute": export.email_attribute,
        "required_attribute": export.connection.limited.required_attribute if export.connection else "",
        "mapping": export.mapping,
        "answers": export.answers,
        "fields": [asdict(field) for field in details.fields],
    }


def send_settings(list_id: str, frozen: Mapping[str, Any]) -> SendSettings:
    """What the destination sends by, from a frozen copy."""
    return SendSettings(
        list_id=list_id,
        mapping=[FieldMapping(attribute=pair["attribute"], field_key=pair["field"]) for pair in frozen["mapping"]],
        answers=frozen["answers"],
        fields=[TargetField(**field) for field in frozen["fields"]],
        run=frozen.get("run", ""),
    )


def missing_fields(export: Export, details: ListDetails) -> list[str]:
    """Fields that the export maps to and the list does not have: the vendor would drop their values silently."""
    known = {field.key for field in details.fields}
    return [pair["field"] for pair in export.mapping if pair["field"] not in known]


def unanswered(export: Export, questions: Sequence[Any]) -> list[str]:
    """Labels of the destination's questions that have no valid answer."""
    return [
        str(question.label)
        for question in questions
        if export.answers.get(question.name) not in {choice.value for choice in question.choices}
    ]


def what_changes_the_list(frozen: Mapping[str, Any]) -> str:
    """The options that change what the list gets, in a canonical form: part of every profile's hash, so that a
    changed option sends everyone again."""
    fields = [pair["field"] for pair in frozen["mapping"]]
    return orjson.dumps({"fields": fields, "answers": frozen["answers"]}, option=orjson.OPT_SORT_KEYS).decode()


def missing_fields_sentence(fields: Sequence[str]) -> str:
    return _("The list has no field %(fields)s. Create it in the list, or change the export.") % {
        "fields": ", ".join(fields)
    }
