"""From the rows of a request to what they ask for: all that can be told without looking at the list's people.

The one hot loop of the sandbox, a thousand rows in about two milliseconds; hence the plain dictionaries and the
short cuts for what everybody sends.
"""

import re
from dataclasses import dataclass
from typing import Any

from connections.destinations.campaign_monitor.sandbox.answers import ApiError, cannot_read
from connections.destinations.campaign_monitor.sandbox.model import CustomField, MailingList
from connections.destinations.campaign_monitor.sandbox.values import kept_value

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
_CONSENTS: dict[str, str] = {"Yes": "Yes", "No": "No", "Unchanged": ""}
_ENTRY_NAMES = {"key": "Key", "value": "Value", "clear": "Clear"}


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


def read_row(row: Any, mailing_list: MailingList, *, consent_required: bool, parameter: str) -> Incoming:
    """What the row asks for.

    Raises ApiError for what refuses a whole request: a shape that does not bind (400), consent missing (214) or
    not one of its words (215)."""
    if type(row) is not dict:
        raise cannot_read(parameter)
    if not row.keys() <= _KNOWN:
        row = {_BY_LOWER_CASE.get(name.lower(), name): value for name, value in row.items()}
    email = row.get("EmailAddress")
    if type(email) is not str:
        email = _text(email, parameter)
    email = email.strip()
    valid = _ADDRESS.fullmatch(email) is not None and len(email) <= _LONGEST_ADDRESS
    name = row.get("Name")
    if name is not None and type(name) is not str:
        name = _text(name, parameter)
    mobile = row.get("MobileNumber")
    if mobile:
        mobile = _text(mobile, parameter).strip()
        mobile_valid = _MOBILE.fullmatch(mobile) is not None
    else:
        mobile_valid = True
    consent = row.get("ConsentToTrack")
    if type(consent) is str and consent in _CONSENTS:
        consent = _CONSENTS[consent]
    else:
        consent = _consent(consent, required=consent_required, parameter=parameter)
    sms = row.get("ConsentToSendSms")
    entries = row.get("CustomFields")
    changes: dict[str, str] = {}
    choices, clears = None, False
    if entries:
        choices, clears = _read_fields(entries, mailing_list, changes, parameter)
    code = 0 if valid and mobile_valid else _code(valid=valid, mobile_valid=mobile_valid)
    return Incoming(
        email.lower(),
        email,
        name,
        changes,
        choices,
        clears,
        consent,
        mobile,
        _consent(sms, required=False, parameter=parameter) if sms else "",
        code,
    )


def is_address(email: str) -> bool:
    """Whether the vendor takes this for an email address. Only ASCII."""
    return len(email) <= _LONGEST_ADDRESS and _ADDRESS.fullmatch(email) is not None


def _read_fields(
    entries: Any, mailing_list: MailingList, changes: dict[str, str], parameter: str
) -> tuple[list[tuple[str, str, bool]] | None, bool]:
    if type(entries) is not list:
        raise cannot_read(parameter)
    choices: list[tuple[str, str, bool]] | None = None
    clears = False
    for entry in entries:
        try:
            field = mailing_list.field_by_key(entry["Key"])
            value, clear = entry["Value"], entry.get("Clear", False)
        except (KeyError, TypeError, AttributeError):
            bound = _bound_entry(entry, parameter)
            field, value, clear = mailing_list.field_by_key(bound["Key"]), bound["Value"], bound["Clear"]
        if field is None:
            continue  # an unknown key: users report that the value silently vanishes
        if type(value) is not str:
            value = _text(value, parameter)
        if clear is not False:
            clear = _flag(clear, parameter)
        if field.data_type == "MultiSelectMany":
            choices = choices or []
            _choose(field, value, clear, choices)
        elif clear:
            changes[field.id], clears = "", True
        elif value:  # an empty value without Clear changes nothing
            kept = kept_value(field, value)
            if kept is not None:
                changes[field.id] = kept
                clears = clears or not kept
    return choices, clears


def _choose(field: CustomField, value: str, clear: bool, choices: list[tuple[str, str, bool]]) -> None:
    if not value:
        if clear:
            choices.append((field.id, "", True))
        return
    option = kept_value(field, value)
    if option is not None:
        choices.append((field.id, option, clear))


def _bound_entry(entry: Any, parameter: str) -> dict[str, Any]:
    if not isinstance(entry, dict):
        raise cannot_read(parameter)
    bound: dict[str, Any] = {"Key": "", "Value": "", "Clear": False}
    bound.update({_ENTRY_NAMES.get(name.lower(), name): value for name, value in entry.items()})
    bound["Key"] = _text(bound["Key"], parameter)
    return bound


def _consent(value: Any, *, required: bool, parameter: str) -> str:
    if value is None or value == "":
        if required:
            raise ApiError(214)
        return ""
    # "true" and true were seen to be refused as unreadable, other words as invalid.
    if type(value) is not str or value.lower() in {"true", "false"}:
        raise cannot_read(parameter)
    chosen = _CONSENTS.get(value.strip().capitalize())
    if chosen is None:
        raise ApiError(215)
    return chosen


def _flag(value: Any, parameter: str) -> bool:
    if isinstance(value, bool):
        return value
    if value is None:
        return False
    if isinstance(value, str) and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    raise cannot_read(parameter)


def _text(value: Any, parameter: str) -> str:
    """A value bound to a text: numbers and flags are spelled out, nothing is empty, the rest is refused."""
    if value is None:
        return ""
    if isinstance(value, list | dict):
        raise cannot_read(parameter)
    return str(value)


def _code(*, valid: bool, mobile_valid: bool) -> int:
    if mobile_valid:
        return 1
    return 220 if valid else 221
