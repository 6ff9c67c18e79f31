"""How a profile's attributes match the fields of a list: from an export's settings to what a run sends by."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import orjson
from django.utils.translation import gettext as _

from connections.destinations.values import (
    Concerns,
    FieldMapping,
    ListDetails,
    ListOptIn,
    Mark,
    Question,
    SendSettings,
    TargetField,
    attribute_of,
)
from exports.models import Export, Removal
from exports.models.snapshot import ControlSettings, RemovalSettings, RunSnapshot, SegmentSnapshot


def freeze(export: Export, details: ListDetails) -> RunSnapshot:
    """Take a snapshot of all settings that a run depends on, so that later edits change nothing under way."""
    questions = export.connection.destination.questions() if export.connection else []
    return replace(
        what_is_sent(export.mapping, export.answers, questions, details.fields),
        export_version=export.version,
        connection=str(export.connection),
        list_title=details.title,
        confirmed_opt_in=details.opt_in == ListOptIn.CONFIRMED,
        opt_in_mail_accepted=export.opt_in_mail_accepted,
        segments=[
            SegmentSnapshot(segment.pk, segment.name, segment.member_count)
            for segment in export.segments.order_by("name")
        ],
        email_attribute=export.email_attribute,
        required_attribute=export.connection.limited.required_attribute if export.connection else "",
        removal=RemovalSettings(
            how=export.removal,
            mark_field=export.mark_field,
            mark_value=export.mark_value,
            unsubscribe_scope=details.unsubscribe_scope,
            unsubscribes_everywhere=export.unsubscribes_everywhere,
        ),
        control=control_of(export),
    )


def control_of(export: Export) -> ControlSettings:
    """Return the control group of an export as it is now."""
    return ControlSettings(
        mode=export.control_mode,
        percentage=export.control_percentage,
        field=export.control_field,
        salt=export.control_salt,
    )


def what_is_sent(
    mapping: Sequence[Mapping[str, str]],
    answers: Mapping[str, str],
    questions: Sequence[Question],
    fields: Sequence[TargetField],
) -> RunSnapshot:
    """Return a snapshot of the settings that the hash of a contact depends on. The mapping is in the order of the
    fields: the order in which its rows were added changes nothing."""
    holding = settled(answers, questions, mapping)
    pairs = sorted(mapping, key=lambda pair: str(pair["field"]))
    return RunSnapshot(
        mapping=[FieldMapping.from_json(pair) for pair in pairs],
        answers=holding,
        concerns=_concerns(holding, questions, mapping, fields),
        fields=fields,
    )


def send_settings(list_id: str, snapshot: RunSnapshot) -> SendSettings:
    """Return the settings by which the destination sends the contacts of a run."""
    return SendSettings(
        list_id=list_id,
        mapping=snapshot.sent_mapping,
        answers=snapshot.answers,
        fields=snapshot.fields,
        run=snapshot.run,
        mark=mark_of(snapshot.removal),
        began=snapshot.clock_there,
    )


def mark_of(removal: RemovalSettings) -> Mark | None:
    """Return which value is written into which field of contacts that leave; None where they are not marked."""
    if removal.how != Removal.MARK:
        return None
    return Mark(field_key=removal.mark_field, value=removal.mark_value)


def missing_fields(export: Export, details: ListDetails) -> list[str]:
    """Fields that the export maps to and the list does not have: the vendor would drop their values silently."""
    known = {field.key for field in details.fields}
    wanted = [pair["field"] for pair in export.mapping]
    if export.removal == Removal.MARK:
        wanted.append(export.mark_field)
    if control := control_of(export).written_to:
        wanted.append(control)
    return [field for field in wanted if field not in known]


def asked(questions: Sequence[Question], mapping: Sequence[Mapping[str, str]]) -> list[Question]:
    """The questions that make sense with what is mapped."""
    filled = {pair["field"] for pair in mapping}
    return [question for question in questions if not question.with_field or question.with_field in filled]


def settled(
    answers: Mapping[str, str], questions: Sequence[Question], mapping: Sequence[Mapping[str, str]]
) -> dict[str, str]:
    """Return the answers to the questions that are asked, with the default where none was chosen."""
    return {
        question.name: answers.get(question.name) or question.default for question in asked(questions, mapping)
    }


def unanswered(export: Export, questions: Sequence[Question]) -> list[str]:
    """Labels of the destination's questions that have no valid answer."""
    answers = settled(export.answers, questions, export.mapping)
    return [
        str(question.label)
        for question in asked(questions, export.mapping)
        if not question.takes(answers[question.name])
    ]


def attributes_that_leave(
    mapping: Sequence[Mapping[str, str]], answers: Mapping[str, str]
) -> list[Mapping[str, str]]:
    """Return the attributes whose values are sent: of the mapping, and those that answer a question."""
    mapped = [pair[name] for pair in mapping for name in ("attribute", "join") if pair.get(name)]
    return [{"attribute": name} for name in (*mapped, *map(attribute_of, answers.values())) if name]


def what_changes_the_list(snapshot: RunSnapshot, said: Mapping[str, str] | None = None) -> str:
    """The options that change what the list gets, in a canonical form: part of every profile's hash, so that a
    changed option sends everyone again. ``said`` are the answers of attributes for one person."""
    concerns = snapshot.concerns
    answers = {
        name: (said or {}).get(name, answer) for name, answer in snapshot.answers.items() if name not in concerns
    }
    fields = snapshot.mapped_fields
    return orjson.dumps({"fields": fields, "answers": answers}, option=orjson.OPT_SORT_KEYS).decode()


def what_changes_blanks(snapshot: RunSnapshot) -> str:
    """Return the options that only concern contacts with a blank among their values; empty when there are none."""
    concerns = snapshot.concerns
    answers = {name: answer for name, answer in snapshot.answers.items() if concerns.get(name) == Concerns.BLANKS}
    return orjson.dumps(answers, option=orjson.OPT_SORT_KEYS).decode() if answers else ""


def _concerns(
    answers: Mapping[str, str],
    questions: Sequence[Question],
    mapping: Sequence[Mapping[str, str]],
    fields: Sequence[TargetField],
) -> dict[str, str]:
    """Return which contacts an answer concerns, where that is not all of them. The usual answer about blanks
    leaves them alone; with another, fields of several options are told which ones went."""
    filled = {pair["field"] for pair in mapping}
    several = any(field.data_type == "choices" and field.key in filled for field in fields)
    found: dict[str, str] = {}
    for question in asked(questions, mapping):
        if question.concerns == Concerns.NONE or answers[question.name] == question.default != "":
            found[question.name] = Concerns.NONE.value
        elif question.concerns == Concerns.BLANKS and not several:
            found[question.name] = Concerns.BLANKS.value
    return found


def missing_fields_sentence(fields: Sequence[str]) -> str:
    return _("The list has no field %(fields)s. Create the field in the list, or change the export.") % {
        "fields": ", ".join(fields)
    }
