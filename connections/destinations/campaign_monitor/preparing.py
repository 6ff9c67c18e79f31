"""From a person's mapped values to the piece of JSON that stands for them in an import. Pure, and called a million
times a run: whatever depends on the export's settings is worked out once, in ``preparer``.

Pieces are joined from text instead of building dictionaries; ``quote`` is the C function beneath Python's own
JSON encoder. A value that is absent is left out, so that what the list already holds stays as it is.
"""

from collections.abc import Callable, Mapping, Sequence
from json.encoder import encode_basestring as quote
from typing import Any

from django.utils.translation import gettext as _

from connections.destinations.campaign_monitor.converting import converter, to_text
from connections.destinations.errors import StopRun
from connections.destinations.values import Preparer, SendSettings, TargetField, Violation

NAME_KEY = "name"
CONSENT_QUESTION = "consent_to_track"
CONSENT_VALUES = {"yes": "Yes", "no": "No", "unchanged": "Unchanged"}

# Takes a present value; gives a piece of JSON (empty: leave it out) or why there is none.
Piece = Callable[[Any], "str | Violation"]


def preparer(settings: SendSettings) -> Preparer:
    """The function that turns (address, values in the mapping's order) into a subscriber as JSON text. Raises
    StopRun when the settings cannot work: a field that the list lacks, or no choice of consent."""
    pieces = [_piece(mapping.field_key, settings.fields) for mapping in settings.mapping]
    keys = [mapping.field_key for mapping in settings.mapping]
    tail = f',"ConsentToTrack":"{_consent(settings.answers)}"}}'
    if NAME_KEY not in keys:
        return _without_name(pieces, tail)
    return _with_name(pieces, keys.index(NAME_KEY), tail)


def _without_name(pieces: Sequence[Piece], tail: str) -> Preparer:
    def prepare(email: str, values: Sequence[Any]) -> str | Violation:
        fields = []
        for piece, value in zip(pieces, values, strict=True):
            if value is None or value == "":
                continue
            made = piece(value)
            if made.__class__ is not str:
                return made
            if made:
                fields.append(made)
        if fields:
            return f'{{"EmailAddress":{quote(email)},"CustomFields":[{",".join(fields)}]{tail}'
        return f'{{"EmailAddress":{quote(email)}{tail}'

    return prepare


def _with_name(pieces: Sequence[Piece], at: int, tail: str) -> Preparer:
    """The same, with the name taken out of the values: it is no custom field but stands beside the address."""
    others = _without_name([*pieces[:at], *pieces[at + 1 :]], tail)

    def prepare(email: str, values: Sequence[Any]) -> str | Violation:
        rest = others(email, [*values[:at], *values[at + 1 :]])
        name = values[at]
        if rest.__class__ is not str or name is None:
            return rest
        name = name.strip() if name.__class__ is str else to_text(name)
        return f'{{"Name":{quote(name)},{rest[1:]}' if name else rest

    return prepare


def _piece(field_key: str, fields: Sequence[TargetField]) -> Piece:
    for field in fields:
        if field.key == field_key:
            return converter(field)
    if field_key == NAME_KEY:  # every list has it, also where the settings keep only the custom fields
        return converter(TargetField(NAME_KEY, "", "text"))
    raise StopRun(
        _(
            "The list in Campaign Monitor has no field {field}. Open the export and choose its fields again."
        ).format(field=field_key),
        code="field_missing",
    )


def _consent(answers: Mapping[str, str]) -> str:
    try:
        return CONSENT_VALUES[answers[CONSENT_QUESTION]]
    except KeyError as error:
        raise StopRun(
            _("Consent to track is not chosen. Open the export, choose “Consent to track” and save."),
            code="consent_not_chosen",
        ) from error
