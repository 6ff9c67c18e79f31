"""From the rows of a request to what they ask for: all that can be told without looking at the list's people.

The one hot loop of the sandbox, a thousand rows in about two milliseconds; hence the plain dictionaries and the
short cuts for what everybody sends.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from connections.destinations.campaign_monitor.sandbox.answers import ApiError, cannot_read
from connections.destinations.campaign_monitor.sandbox.model import MailingList
from connections.destinations.campaign_monitor.sandbox.values import converter

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
_AS_EVERYBODY_WRITES_IT = {"Yes": "Yes", "No": "No", "Unchanged": ""}


@dataclass(slots=True)
class Incoming:
    """What one row asks for. ``changes`` are values by field id ("" clears); ``choices`` are steps for fields of
    many options, in order: (field id, option or "" for all, whether to take it away). ``name`` and ``mobile`` None
    and ``consent`` "" leave what is there. ``code`` is the row's own failure, 0 when it has none."""

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
    """Reads the rows of one request to one list.

    Raises ApiError for what refuses a whole request: a shape that does not bind (400), consent missing (214) or
    not one of its words (215). ``parameter`` is what a refusal calls the rows."""

    def __init__(self, mailing_list: MailingList, *, consent_required: bool, parameter: str) -> None:
        self._fields = _Fields(mailing_list)
        self._consent_required = consent_required
        self._parameter = parameter

    def read(self, row: Any) -> Incoming:
        """What one row asks for."""
        if type(row) is not dict:
            raise cannot_read(self._parameter)
        if not row.keys() <= _KNOWN:
            row = {_BY_LOWER_CASE.get(name.lower(), name): value for name, value in row.items()}
        email = self._text(row.get("EmailAddress")).strip()
        name = row.get("Name")
        if name is not None:
            name = self._text(name)
        consent = row.get("ConsentToTrack")
        consent = _AS_EVERYBODY_WRITES_IT.get(consent) if type(consent) is str else None
        if consent is None:
            consent = self._consent(row.get("ConsentToTrack"), required=self._consent_required)
        incoming = Incoming(email.lower(), email, name, {}, None, False, consent, None, "", 0)
        if entries := row.get("CustomFields"):
            self._read_fields(entries, incoming)
        mobile_valid = "MobileNumber" not in row or self._read_mobile(row, incoming)
        if not mobile_valid or not is_address(email):
            incoming.code = _code(valid=is_address(email), mobile_valid=mobile_valid)
        return incoming

    def _read_mobile(self, row: dict[str, Any], incoming: Incoming) -> bool:
        """Put the number into ``incoming``; whether it is valid. An empty one clears, null changes nothing."""
        if row["MobileNumber"] is None:
            return True
        incoming.mobile = self._text(row["MobileNumber"]).strip()
        incoming.sms = self._consent(row.get("ConsentToSendSms"), required=False)
        return not incoming.mobile or _MOBILE.fullmatch(incoming.mobile) is not None

    def _read_fields(self, entries: Any, incoming: Incoming) -> None:
        if type(entries) is not list:
            raise cannot_read(self._parameter)
        changes, fields = incoming.changes, self._fields
        for entry in entries:
            try:
                field, value = fields[entry["Key"]], entry["Value"]
                plain = len(entry) == 2 and type(value) is str and not field.many
            except (KeyError, TypeError):
                self._read_unusual(entry, incoming)
                continue
            if not plain:
                self._read_unusual(entry, incoming)
            elif value:  # an empty value without Clear changes nothing
                kept = field.kept(value)
                if kept is not None:
                    changes[field.id] = kept
                    if not kept:
                        incoming.clears = True

    def _read_unusual(self, entry: Any, incoming: Incoming) -> None:
        """An entry that says Clear, chooses an option among many, or is written otherwise than by everybody."""
        if type(entry) is not dict:
            raise cannot_read(self._parameter)
        bound = {name.lower(): value for name, value in entry.items()}
        field, value = self._fields[self._text(bound.get("key"))], self._text(bound.get("value"))
        clear = self._flag(bound.get("clear"))
        if field.many:
            _choose(field, value, clear, incoming)
        elif clear:
            incoming.changes[field.id], incoming.clears = "", True
        elif value and (kept := field.kept(value)) is not None:
            incoming.changes[field.id] = kept
            incoming.clears = incoming.clears or not kept

    def _text(self, value: Any) -> str:
        """A value bound to a text: numbers and flags are spelled out, nothing is empty, the rest is refused."""
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
        chosen = _AS_EVERYBODY_WRITES_IT.get(value.strip().capitalize())
        if chosen is None:
            raise ApiError(215)
        return chosen


class _Fields(dict[str, "_Field"]):
    """The list's fields by the spellings that a request uses, each looked up once."""

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
    kept: Callable[[str], str | None]
    many: bool


_NO_FIELD = _Field("", lambda _value: None, False)


def is_address(email: str) -> bool:
    """Whether the vendor takes this for an email address. Only ASCII."""
    return len(email) <= _LONGEST_ADDRESS and _ADDRESS.fullmatch(email) is not None


def _choose(field: _Field, value: str, clear: bool, incoming: Incoming) -> None:
    option = field.kept(value) if value else ""
    if option is None or not (option or clear):
        return
    incoming.choices = [*(incoming.choices or []), (field.id, option, clear)]


def _code(*, valid: bool, mobile_valid: bool) -> int:
    if mobile_valid:
        return 1
    return 220 if valid else 221
