"""Parse and validate rows of imports, without looking at the subscribers of the list.

This is the hot loop of the sandbox: 1,000 rows in about two milliseconds. Hence plain dictionaries, and fast paths
for the usual spellings. Where the vendor's documentation is silent, values that do not fit are ignored.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from connections.destinations.campaign_monitor.sandbox.http_messages import ApiError, cannot_read
from connections.destinations.campaign_monitor.sandbox.model import COUNTRIES, US_STATES, CustomField, MailingList

_ADDRESS = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9-]*[A-Za-z][A-Za-z0-9-]*",
)
_MOBILE = re.compile(r"\+[1-9][0-9]{6,14}")
_LONGEST_ADDRESS = 254
_NAMES = (
    *("EmailAddress", "Name", "MobileNumber", "CustomFields", "ConsentToTrack", "ConsentToSendSms"),
    *("Resubscribe", "RestartSubscriptionBasedAutoresponders"),
)
_KNOWN = frozenset(_NAMES)
_BY_LOWER_CASE = {name.lower(): name for name in _NAMES}
_CONSENT_VALUES = {"Yes": "Yes", "No": "No", "Unchanged": ""}
LONGEST_VALUE = 250
LONGEST_NAME = 100
DATA_TYPES = ("Text", "Number", "MultiSelectOne", "MultiSelectMany", "Date", "Country", "USState")
WITH_OPTIONS = ("MultiSelectOne", "MultiSelectMany")
_DATE = re.compile(r"(\d{4})[/-](\d{1,2})[/-](\d{1,2})(?:[ T].*)?", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)", re.ASCII)
_CLEARED_DATE = "0000-00-00"
_FIRST_DATE, _LAST_DATE = "1900-01-01", "2076-06-06"


def options_of(field: CustomField) -> list[str]:
    """Return the options of a custom field; the vendor's own for countries and US states."""
    if field.data_type == "Country":
        return list(COUNTRIES)
    if field.data_type == "USState":
        return list(US_STATES)
    return field.options


def converter(field: CustomField) -> Callable[[str], str | None]:
    """Return the function that converts a value to the stored one: "" clears the field, None is ignored because it
    does not fit."""
    match field.data_type:
        case "Text":
            return _kept_text
        case "Date":
            return _kept_date
        case "Number":
            return _kept_number
        case _:
            options = {option.lower(): option for option in options_of(field)}
            return lambda value: options.get(value.strip().lower())


def shown_values(value: Any) -> list[str]:
    """Return a value as the entries of a record, one for each option."""
    return value if isinstance(value, list) else [value]


def is_address(email: str) -> bool:
    """Tell whether the vendor accepts this as an email address. Only ASCII."""
    return len(email) <= _LONGEST_ADDRESS and _ADDRESS.fullmatch(email) is not None


@dataclass(slots=True)
class ParsedRow:
    """A parsed row. ``changes`` are values by field ID ("" clears); ``choices`` are changes of multi-select fields
    in order: (field ID, option or "" for all, whether to remove it). ``name`` and ``mobile`` None and ``consent``
    "" keep the present values. ``code`` is the error of the row, or 0."""

    key: str
    email: str
    name: str | None
    changes: dict[str, str]
    choices: list[tuple[str, str, bool]] | None
    clears: bool
    consent: str
    mobile: str | None
    sms: str
    code: int


class RowReader:
    """Parses the rows of a request to one list. Raises ApiError for what refuses the whole request: a wrong form
    (400), missing consent (214) or invalid consent (215). ``parameter`` is the name of the rows in the error."""

    def __init__(self, mailing_list: MailingList, *, consent_required: bool, parameter: str) -> None:
        self._fields = _Fields(mailing_list)
        self._consent_required = consent_required
        self._parameter = parameter

    def read(self, row: Any) -> ParsedRow:
        """Parse a row."""
        if type(row) is not dict:
            raise cannot_read(self._parameter)
        if not row.keys() <= _KNOWN:
            row = {_BY_LOWER_CASE.get(name.lower(), name): value for name, value in row.items()}
        email = self._text(row.get("EmailAddress")).strip()
        name = row.get("Name")
        if name is not None:
            name = self._text(name)
        consent = row.get("ConsentToTrack")
        consent = _CONSENT_VALUES.get(consent) if type(consent) is str else None
        if consent is None:
            consent = self._consent(row.get("ConsentToTrack"), required=self._consent_required)
        parsed = ParsedRow(email.lower(), email, name, {}, None, False, consent, None, "", 0)
        if entries := row.get("CustomFields"):
            self._read_fields(entries, parsed)
        mobile_valid = "MobileNumber" not in row or self._read_mobile(row, parsed)
        if not mobile_valid or not is_address(email):
            parsed.code = _code(valid=is_address(email), mobile_valid=mobile_valid)
        return parsed

    def _read_mobile(self, row: dict[str, Any], parsed: ParsedRow) -> bool:
        """Read the mobile number into ``parsed`` and tell whether it is valid. An empty one clears, null changes
        nothing."""
        if row["MobileNumber"] is None:
            return True
        parsed.mobile = self._text(row["MobileNumber"]).strip()
        parsed.sms = self._consent(row.get("ConsentToSendSms"), required=False)
        return not parsed.mobile or _MOBILE.fullmatch(parsed.mobile) is not None

    def _read_fields(self, entries: Any, parsed: ParsedRow) -> None:
        if type(entries) is not list:
            raise cannot_read(self._parameter)
        changes, fields = parsed.changes, self._fields
        for entry in entries:
            try:
                field, value = fields[entry["Key"]], entry["Value"]
                plain = len(entry) == 2 and type(value) is str and not field.many
            except (KeyError, TypeError):
                self._read_unusual(entry, parsed)
                continue
            if not plain:
                self._read_unusual(entry, parsed)
            elif value:  # an empty value without Clear changes nothing
                convert = field.convert(value)
                if convert is not None:
                    changes[field.id] = convert
                    if not convert:
                        parsed.clears = True

    def _read_unusual(self, entry: Any, parsed: ParsedRow) -> None:
        """Read an entry that has Clear, sets a multi-select field, or has an unusual spelling."""
        if type(entry) is not dict:
            raise cannot_read(self._parameter)
        bound = {name.lower(): value for name, value in entry.items()}
        field, value = self._fields[self._text(bound.get("key"))], self._text(bound.get("value"))
        clear = self._flag(bound.get("clear"))
        if field.many:
            _choose(field, value, clear, parsed)
        elif clear:
            parsed.changes[field.id], parsed.clears = "", True
        elif value and (convert := field.convert(value)) is not None:
            parsed.changes[field.id] = convert
            parsed.clears = parsed.clears or not convert

    def _text(self, value: Any) -> str:
        """Convert a value to text: numbers and booleans are spelled out, null is empty, other types are
        refused."""
        if type(value) is str:
            return value
        if value is None:
            return ""
        if isinstance(value, list | dict):
            raise cannot_read(self._parameter)
        return str(value)

    def _flag(self, value: Any) -> bool:
        if isinstance(value, bool):
            return value
        if value is None:
            return False
        if isinstance(value, str) and value.lower() in {"true", "false"}:
            return value.lower() == "true"
        raise cannot_read(self._parameter)

    def _consent(self, value: Any, *, required: bool) -> str:
        if value is None or value == "":
            if required:
                raise ApiError(214)
            return ""
        # "true" and true were seen to be refused as unreadable, other words as invalid.
        if type(value) is not str or value.lower() in {"true", "false"}:
            raise cannot_read(self._parameter)
        chosen = _CONSENT_VALUES.get(value.strip().capitalize())
        if chosen is None:
            raise ApiError(215)
        return chosen


class _Fields(dict[str, "_Field"]):
    """The custom fields of a list by the spellings in a request, each looked up once."""

    def __init__(self, mailing_list: MailingList) -> None:
        super().__init__()
        self._list = mailing_list

    def __missing__(self, spelling: str) -> "_Field":
        if not isinstance(spelling, str):
            raise TypeError(spelling)
        found = self._list.field_by_key(spelling)
        # An unknown key: users report that the value silently vanishes.
        field = _Field(found.id, converter(found), found.data_type == "MultiSelectMany") if found else _NO_FIELD
        self[spelling] = field
        return field


@dataclass(frozen=True, slots=True)
class _Field:
    id: str
    convert: Callable[[str], str | None]
    many: bool


_NO_FIELD = _Field("", lambda _value: None, False)


def _choose(field: _Field, value: str, clear: bool, parsed: ParsedRow) -> None:
    option = field.convert(value) if value else ""
    if option is None or not (option or clear):
        return
    parsed.choices = [*(parsed.choices or []), (field.id, option, clear)]


def _code(*, valid: bool, mobile_valid: bool) -> int:
    if mobile_valid:
        return 1
    return 220 if valid else 221


# Remembered, so that those who live in one city share one string.
@lru_cache(maxsize=50_000)
def _kept_text(value: str) -> str:
    return value if len(value) <= LONGEST_VALUE else value[:LONGEST_VALUE]


def _kept_number(value: str) -> str | None:
    return value.strip() if _NUMBER.fullmatch(value.strip()) else None


@lru_cache(maxsize=50_000)
def _kept_date(value: str) -> str | None:
    if value == _CLEARED_DATE:
        return ""
    found = _DATE.fullmatch(value)
    if found is None:
        return None
    try:
        text = date(int(found[1]), int(found[2]), int(found[3])).isoformat()
    except ValueError:
        return None
    return text if _FIRST_DATE <= text <= _LAST_DATE else None
