"""Encode one value as an entry of ``CustomFields``, by the type of the field. Pure.

Values are as profiles store them: text, numbers, yes/no, and dates as “YYYY-MM-DD”, or text throughout.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from json.encoder import encode_basestring as quote
from typing import Any

import phonenumbers
from django.utils import timezone
from django.utils.translation import gettext as _

from connections.destinations.campaign_monitor import field_options
from connections.destinations.values import TargetField, Violation

# Vendor documentation, “Adding a subscriber”: no longer value is kept.
LONGEST_VALUE = 250
# … and dates outside these days are silently ignored over there, so we say it here.
FIRST_DAY, LAST_DAY = "1900-01-01", "2076-06-06"
# Combinations of options that are remembered ready-made.
MOST_COMBINATIONS = 10_000

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)\Z", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)

# Takes a present value; gives a piece of JSON (empty: leave it out) or why there is none.
Convert = Callable[[Any], "str | Violation"]


def converter(field: TargetField, blank: str = "", separator: str | None = None) -> Convert:
    """Return the function that encodes values for ``field``; ``blank`` is the entry of blank values. With a
    ``blank`` that clears, options that a profile no longer has are removed too. ``separator`` stands between
    several options; None: it is detected."""
    if field.data_type == "choices":
        return _choices(field, blank, separator)
    convert = {"number": _number, "date": _date, "choice": _choice}.get(field.data_type)
    # The vendor fills in countries and states itself; where it does not tell us which, any text may be right.
    if convert is None and field.options:
        convert = _country if field.data_type == "country" else _choice
    if convert is None:
        convert = _state if field.data_type == "state" else _text
    return convert(field, blank)


def clearing(field: TargetField) -> str:
    """Return the entry that clears ``field``."""
    if field.data_type == "date":
        return f'{_head(field)}"0000-00-00"}}'  # documented for dates alone
    return f'{_head(field)}"","Clear":true}}'


def mobile_number(value: object, country: str | None = None) -> str | Violation:
    """Normalize a mobile number to the vendor's form, +358401234567; empty where there is none. A number without +
    is read as one of ``country`` (ISO code), if given."""
    text = to_text(value)
    if not text:
        return ""
    try:
        number = phonenumbers.parse(text, country)
        if phonenumbers.is_possible_number(number) and not number.extension:
            return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    except phonenumbers.NumberParseException:
        pass
    sentence = _(
        "A mobile number needs + and the country code, such as +358401234567, and 7 to 15 "
        "digits. The value of this profile does not match."
    )
    if country:
        sentence = _(
            "A mobile number needs + and the country code, or must be a number of the country of the "
            "export ({country}). The value of this profile does not match."
        ).format(country=country)
    return Violation("not_a_mobile_number", sentence, "mobile_number")


def to_text(value: object) -> str:
    """Convert a value to the text of a text field."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else format(Decimal(repr(value)), "f")
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def _text(field: TargetField, blank: str) -> Convert:
    head = _head(field)

    def convert(value: Any) -> str | Violation:
        text = value.strip() if value.__class__ is str else to_text(value)
        if len(text) > LONGEST_VALUE:
            return _too_long(field, len(text))
        return f"{head}{quote(text)}}}" if text else blank

    return convert


def _state(field: TargetField, blank: str) -> Convert:
    """Encode text, with US postal codes spelled out."""
    text = _text(field, blank)

    def convert(value: Any) -> str | Violation:
        return text(field_options.US_STATES_BY_CODE.get(to_text(value).upper(), value))

    return convert


def _number(field: TargetField, blank: str) -> Convert:
    head = _head(field)

    def convert(value: Any) -> str | Violation:
        text = to_text(value)
        if not text:
            return blank
        if not _NUMBER.match(text):
            return _violation(
                "not_a_number", _("“{field}” requires a number. The value of this profile is not a number."), field
            )
        if len(text) > LONGEST_VALUE:
            return _too_long(field, len(text))
        return f"{head}{quote(text)}}}"

    return convert


def _date(field: TargetField, blank: str) -> Convert:
    head = _head(field)
    known: dict[Any, str] = {}  # bounded by the number of days there are; whatever is no day stays out

    def convert(value: Any) -> str | Violation:
        try:
            return known[value]
        except (KeyError, TypeError):
            day = _day(value)
        if day is None and not to_text(value):
            return blank
        if day is None:
            sentence = _("“{field}” requires a date such as 2024-05-31. The value of this profile is not a date.")
            return _violation("not_a_date", sentence, field)
        if not FIRST_DAY <= day <= LAST_DAY:
            sentence = _(
                "“{field}” requires a date from 1900-01-01 to 2076-06-06. The date of this profile is "
                "out of range."
            )
            return _violation("date_out_of_range", sentence, field)
        piece = f"{head}{quote(day.replace('-', '/'))}}}"
        return known.setdefault(day, piece)

    return convert


def _day(value: object) -> str | None:
    """Return the day as “YYYY-MM-DD”; None when it is none. A moment with an offset gives its day in the
    environment's time zone; one without is local already."""
    text = value.isoformat() if isinstance(value, date) else str(value).strip()
    if not _DAY.match(text) or text[10:11] not in {"", "T", " "}:
        return None
    try:
        return _local_day(text) or date.fromisoformat(text[:10]).isoformat()
    except ValueError:
        return None


def _local_day(text: str) -> str | None:
    """Return the local day of a moment with an offset; None for anything else."""
    if len(text) == len("YYYY-MM-DD"):
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(timezone.get_default_timezone()).date().isoformat() if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _choice(field: TargetField, blank: str) -> Convert:
    pieces = _pieces_by_option(field)

    def convert(value: Any) -> str | Violation:
        try:
            return pieces[value]
        except (KeyError, TypeError):
            text = to_text(value)
            piece = pieces.get(text.casefold()) if text else blank
            return piece if piece is not None else _no_such_option(field)

    return convert


def _country(field: TargetField, blank: str) -> Convert:
    """Encode an option by any name or code of the country. Yes and no are not Norway."""
    head = _head(field)
    pieces = {
        name: f"{head}{quote(option)}}}"
        for name, option in field_options.countries_by_spelling(field.options).items()
    }
    known: dict[str, str] = {}

    def convert(value: Any) -> str | Violation:
        if value.__class__ is not str:
            return _no_such_country(field)
        piece = known.get(value)
        if piece is None:
            piece = pieces.get(field_options.normalize_country(value)) if value.strip() else blank
            if piece is None:
                return _no_such_country(field)
            if len(known) < MOST_COMBINATIONS:
                known[value] = piece
        return piece

    return convert


def _choices(field: TargetField, blank: str, separator: str | None) -> Convert:
    pieces = _pieces_by_option(field)
    # The documented way to take one option away, whether an import adds to what is there or replaces it.
    clear_entries = {pieces[option]: f'{pieces[option][:-1]},"Clear":true}}' for option in field.options if blank}
    known: dict[str, str] = {}

    separators = field_options.SEPARATORS if separator is None else (separator,)

    def is_option(text: str) -> bool:
        return text in pieces or text.casefold() in pieces

    def convert(value: Any) -> str | Violation:
        made = known.get(value) if value.__class__ is str else None
        if made is None:
            made = combine(value)
            if value.__class__ is str and made.__class__ is str and len(known) < MOST_COMBINATIONS:
                known[value] = made
        return made

    def combine(value: Any) -> Any:
        entries: dict[str, None] = {}  # once each, in the order of the value
        for text in field_options.split_options(value, is_option, separators):
            piece = pieces.get(text) or pieces.get(text.casefold())
            if piece is None:
                return _no_such_option(field)
            entries[piece] = None
        if not entries:
            return blank
        return ",".join(
            [*entries, *(clear_entry for piece, clear_entry in clear_entries.items() if piece not in entries)]
        )

    return convert


def _pieces_by_option(field: TargetField) -> Mapping[Any, str]:
    """Return the encoded entries by option. The vendor requires its own spelling; profiles may differ in case."""
    head = _head(field)
    by_option = {option: f"{head}{quote(option)}}}" for option in field.options}
    by_case = _unique({option: option.strip().casefold() for option in by_option}, by_option)
    if field.data_type == "state":
        by_code = {
            code.casefold(): by_case.get(name.casefold()) for code, name in field_options.US_STATES_BY_CODE.items()
        }
        by_case = {code: piece for code, piece in by_code.items() if piece} | by_case
    return by_case | by_option


def _unique(names: Mapping[str, str], by_option: Mapping[str, str]) -> dict[str, str]:
    """Return the encoded entries by the names of options, without names that several options share."""
    counts = Counter(names.values())
    return {name: by_option[option] for option, name in names.items() if counts[name] == 1}


def _head(field: TargetField) -> str:
    return f'{{"Key":{quote(field.key)},"Value":'


def _too_long(field: TargetField, length: int) -> Violation:
    sentence = _("“{field}” allows at most {limit} characters. This profile has {length}.")
    return Violation("too_long", sentence.format(field=field.label, limit=LONGEST_VALUE, length=length), field.key)


def _no_such_option(field: TargetField) -> Violation:
    sentence = _(
        "“{field}” has no option for the value of this profile. Add the option to the field in "
        "Campaign Monitor, or fix the profile."
    )
    return _violation("no_such_option", sentence, field)


def _no_such_country(field: TargetField) -> Violation:
    sentence = _(
        "“{field}” requires a country of Campaign Monitor, by name or ISO 3166 code. The value "
        "of this profile does not match."
    )
    return _violation("no_such_option", sentence, field)


def _violation(code: str, sentence: str, field: TargetField) -> Violation:
    """Build a violation. Its sentence never contains the value, which is personal data."""
    return Violation(code, sentence.format(field=field.label), field.key)
