"""Encode the mapped values of a contact as the JSON of an import row. Pure, and called a million times a run: what
depends on the settings of the export is computed once, in ``preparer``.

Pieces are joined from text instead of building dictionaries; ``quote`` is the C function beneath Python's own JSON
encoder. An absent value is omitted, so that the list keeps its value, unless the export clears blanks. A value
that the list cannot hold is omitted too, unless the export excludes the contact for it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from json.encoder import encode_basestring as quote
from typing import Any

import orjson
from django.utils.translation import gettext as _

from connections.destinations.campaign_monitor import options
from connections.destinations.campaign_monitor.field_values import (
    Convert,
    clearing,
    converter,
    mobile_number,
    to_text,
)
from connections.destinations.errors import PermanentError
from connections.destinations.values import (
    Incomplete,
    Preparer,
    SendSettings,
    TargetField,
    Violation,
    attribute_of,
)

NAME_KEY = "name"
CONSENT_VALUES = {"yes": "Yes", "no": "No", "unchanged": "Unchanged"}

# Where in the values a custom field's stands, what converts it, and what stands for a blank one.
Entry = tuple[int, Convert, str]


@dataclass(frozen=True)
class _Consent:
    """JSON about consent: the same for all contacts, or by the value ``at`` a position of the mapped values."""

    fixed: str
    at: int = -1
    by_answer: Mapping[Any, str] | None = None

    def of(self, values: Sequence[Any]) -> str:
        return self.fixed if self.by_answer is None else self.by_answer[values[self.at]]


def preparer(settings: SendSettings) -> Preparer:
    """Return the function that encodes (address, values in the mapping's order) as JSON text. Raises
    PermanentError when the settings cannot work: the list lacks a field, or no consent is chosen."""
    places = {pair.field_key: place for place, pair in enumerate(settings.mapping)}
    clears = options.clears_blanks(settings.answers)
    separator = options.separator_of_options(settings.answers)
    entries = [
        _entry(place, _field(key, settings.fields), separator, clears=clears)
        for key, place in places.items()
        if key not in {NAME_KEY, options.MOBILE_KEY}
    ]
    prepare = _person(entries, _consent(settings, options.CONSENT_TO_TRACK, "ConsentToTrack"))
    if options.MOBILE_KEY in places:
        sms = _consent(settings, options.CONSENT_TO_SEND_SMS, "ConsentToSendSms")
        country = options.country_of_numbers(settings.answers)
        prepare = _with_mobile_number(prepare, places[options.MOBILE_KEY], sms, country, clears=clears)
    if NAME_KEY in places:
        prepare = _with_name(prepare, places[NAME_KEY], clears=clears)
    return _exclude_incomplete(prepare) if options.excludes_unusable(settings.answers) else prepare


def sent_values(payload: str) -> dict[str, str]:
    """Return the values of an import row by the key of the field; several options of a field are separated by
    commas."""
    row = orjson.loads(payload)
    values: dict[str, list[str]] = {}
    for entry in row.get("CustomFields", ()):
        values.setdefault(entry["Key"], []).append(str(entry["Value"]))
    fixed = {NAME_KEY: row.get("Name"), options.MOBILE_KEY: row.get("MobileNumber")}
    return {key: ", ".join(texts) for key, texts in values.items()} | {
        key: text for key, text in fixed.items() if text is not None
    }


def _exclude_incomplete(prepare_others: Preparer) -> Preparer:
    """Exclude contacts with a value that the list cannot hold: the first such value is the reason."""

    def prepare(email: str, values: Sequence[Any]) -> str | Incomplete | Violation:
        made = prepare_others(email, values)
        return made.left_out[0] if isinstance(made, Incomplete) else made

    return prepare


def _person(entries: Sequence[Entry], consent: _Consent) -> Preparer:
    fixed, by_answer, answer_at = f"{consent.fixed}}}", consent.by_answer, consent.at

    def prepare(email: str, values: Sequence[Any]) -> str | Incomplete | Violation:
        fields: list[Any] = []
        left_out: list[Any] = []
        for at, convert, blank in entries:
            value = values[at]
            made = blank if value is None or value == "" else convert(value)
            if made.__class__ is not str:
                left_out.append(made)
            elif made:
                fields.append(made)
        tail = fixed if by_answer is None else f"{by_answer[values[answer_at]]}}}"
        custom = f',"CustomFields":[{",".join(fields)}]' if fields else ""
        payload = f'{{"EmailAddress":{quote(email)}{custom}{tail}'
        return Incomplete(payload, left_out) if left_out else payload

    return prepare


def _with_name(prepare_others: Preparer, at: int, *, clears: bool) -> Preparer:
    """Add the name, which is no custom field but stands beside the address."""
    blank = '"Name":"",' if clears else ""

    def prepare(email: str, values: Sequence[Any]) -> str | Incomplete | Violation:
        rest = prepare_others(email, values)
        name = values[at]
        if name is not None:
            name = name.strip() if name.__class__ is str else to_text(name)
        return _before(f'"Name":{quote(name)},' if name else blank, rest)

    return prepare


def _with_mobile_number(
    prepare_others: Preparer, at: int, sms: _Consent, country: str | None, *, clears: bool
) -> Preparer:
    """Add a mobile number with the consent to text messages, which belongs to a number. A number without + is one
    of ``country``."""
    blank = '"MobileNumber":"",' if clears else ""

    def prepare(email: str, values: Sequence[Any]) -> str | Incomplete | Violation:
        rest = prepare_others(email, values)
        number = values[at]
        made = "" if number is None else mobile_number(number, country)
        if isinstance(made, Violation):
            return _without(made, rest)
        return _before(f'"MobileNumber":"{made}"{sms.of(values)},' if made else blank, rest)

    return prepare


def _before(piece: str, rest: str | Incomplete | Violation) -> str | Incomplete | Violation:
    """Put a piece of JSON before the others of a contact."""
    if isinstance(rest, str):
        return f"{{{piece}{rest[1:]}"
    if isinstance(rest, Incomplete):
        return replace(rest, payload=f"{{{piece}{rest.payload[1:]}")
    return rest


def _without(value: Violation, rest: str | Incomplete | Violation) -> str | Incomplete | Violation:
    """Add a value to those that are omitted."""
    if isinstance(rest, Incomplete):
        return replace(rest, left_out=[*rest.left_out, value])
    return Incomplete(rest, [value]) if isinstance(rest, str) else rest


def _entry(place: int, field: TargetField, separator: str | None, *, clears: bool) -> Entry:
    blank = clearing(field) if clears else ""
    return place, converter(field, blank, separator), blank


def _field(field_key: str, fields: Sequence[TargetField]) -> TargetField:
    for field in fields:
        if field.key == field_key:
            return field
    raise PermanentError(
        _(
            "The list in Campaign Monitor has no field {field}. Edit the export and choose its fields again."
        ).format(field=field_key),
        code="field_missing",
    )


def _consent(settings: SendSettings, question: str, name: str) -> _Consent:
    answer = settings.answers.get(question, "")
    said = {text: f',"{name}":"{word}"' for text, word in CONSENT_VALUES.items()}
    if attribute_of(answer):
        at = len(settings.mapping) + settings.attribute_questions.index(question)
        # A contact who is not known to have consented has not.
        return _Consent("", at, {True: said["yes"], False: said["no"], None: said["no"]})
    if answer in said:
        return _Consent(said[answer])
    label = next(asked.label for asked in options.all_questions() if asked.name == question)
    raise PermanentError(
        _("“{question}” is not set. Edit the export, choose an option and save.").format(question=label),
        code="consent_not_chosen",
    )
