"""Build request bodies and read responses of Campaign Monitor, without I/O.

All functions are pure, over bytes and frozen values, so tests need no mock. A status says little: a partly
successful import is a 400, and so is a malformed one; a 401 may be a bad key or another account's list. Responses
are therefore told apart by ``Code``, and an import by whether it has ``ResultData``. responses.py maps refusals to
errors.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, TypeVar

import orjson
from django.utils.translation import gettext as _

from connections.destinations.campaign_monitor import error_codes, subscriber_values
from connections.destinations.campaign_monitor.client_time import SystemClock
from connections.destinations.campaign_monitor.responses import (
    Answer,
    code_in,
    error_of,
    is_about_consent,
    is_foreign,
    not_from_vendor,
    unreadable,
    without_addresses,
)
from connections.destinations.errors import DestinationError, PermanentError
from connections.destinations.subscribers import ListedSubscriber, SubscriberPage
from connections.destinations.values import BatchReceipt, NewField, ProfileRefusal, RefusalKind, TargetField

_TAIL = b"]}"
# No list has more contacts; what is larger is a mistake.
_MOST_PEOPLE = 2**53
# Stands for the code that a failure row does not give.
NO_CODE = "no_code"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
ACTIVE, DELETED, UNSUBSCRIBED = "Active", "Deleted", "Unsubscribed"

DATA_TYPES = {
    "Text": "text",
    "Number": "number",
    "Date": "date",
    "MultiSelectOne": "choice",
    "MultiSelectMany": "choices",
    "Country": "country",
    "USState": "state",
}


@dataclass(frozen=True)
class NamedId:
    """A client or a list: ID and name."""

    id: str
    name: str


@dataclass(frozen=True)
class ListSettings:
    """The settings of a list."""

    title: str
    confirmed_opt_in: bool
    unsubscribes_everywhere: bool


@dataclass(frozen=True)
class Subscriber:
    """A subscriber: state, since when, and when the address first joined the list."""

    state: str
    joined: str
    since: str
    # The values of custom fields that have one, by key in lower case without brackets.
    values: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class ActiveSince:
    """An active subscriber, and since when."""

    email: str
    since: str


# -- bodies out ------------------------------------------------------------------------------------------------


def import_body(
    payloads: Sequence[str],
    *,
    resubscribe: bool = False,
    starts_automations: bool = False,
    restarts_automations: bool = False,
) -> bytes:
    """Build the body of an import from subscribers that are JSON already; nothing is encoded twice. No mail is
    sent and none is resubscribed unless it says so."""
    flags = {
        "Resubscribe": resubscribe,
        # Spelled as documented: a capital R in the first, a small one in the second.
        "QueueSubscriptionBasedAutoResponders": starts_automations,
        "RestartSubscriptionBasedAutoresponders": restarts_automations,
    }
    head = orjson.dumps(flags)[:-1] + b',"Subscribers":['
    return b"".join((head, ",".join(payloads).encode("utf-8"), _TAIL))


def custom_field_body(new: NewField) -> bytes:
    """Build the body of a new field. Subscribers do not see it in their preferences until a user of the vendor
    shows it."""
    names = {ours: theirs for theirs, ours in DATA_TYPES.items()}
    return orjson.dumps(
        {
            "FieldName": new.label,
            "DataType": names[new.data_type],
            "Options": list(new.options),
            "VisibleInPreferenceCenter": False,
        }
    )


def options_body(options: Sequence[str]) -> bytes:
    """Build the body that adds options to a field."""
    return orjson.dumps({"KeepExistingOptions": True, "Options": list(options)})


def address_body(email: str) -> bytes:
    """Build the body of a call about one address."""
    return orjson.dumps({"EmailAddress": email})


# -- answers in ------------------------------------------------------------------------------------------------


def read_import(answer: Answer, *, bytes_sent: int, rows: int) -> BatchReceipt:
    """Read the receipt of an import of so many ``rows``, complete or partial. Raises TryLater, BatchRefused,
    PermanentError or NeedsAdministrator."""
    content = _parsed(answer)
    result = content.get("ResultData", content) if isinstance(content, dict) else None
    if not isinstance(result, dict) or "TotalUniqueEmailsSubmitted" not in result:
        raise error_of(answer, content, batch=True)
    try:
        return _receipt(answer, result, bytes_sent, rows)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise unreadable(answer) from error


def _receipt(answer: Answer, result: Mapping[str, Any], bytes_sent: int, rows: int) -> BatchReceipt:
    """Build the receipt. Counts that exceed the rows tell nothing: then all rows are unaccounted."""
    submitted = int(result["TotalUniqueEmailsSubmitted"])
    new = int(result["TotalNewSubscribers"])
    existing = int(result["TotalExistingSubscribers"])
    if not all(0 <= figure <= rows for figure in (submitted, new, existing)):
        submitted, new, existing = rows, 0, 0
    failures = [row if isinstance(row, dict) else {} for row in result.get("FailureDetails") or ()]
    refusals = [_refusal(row) for row in failures]
    refused = len({refusal.email for refusal in refusals if refusal.email})
    nameless = sum(not refusal.email for refusal in refusals)
    return BatchReceipt(
        new=new,
        existing=existing,
        refusals=refusals,
        http_status=answer.status,
        seconds=answer.seconds,
        bytes_sent=bytes_sent,
        unaccounted=max(0, submitted - new - existing - refused - nameless),
    )


def _refusal(row: Mapping[str, Any]) -> ProfileRefusal:
    """Read a failure row. Its address is as the list spells it, and empty where the row has none."""
    email = str(row.get("EmailAddress") or "").strip().lower()
    said = without_addresses(str(row.get("Message") or ""))
    code = code_in(row)
    if code is None:
        sentence = _("Campaign Monitor rejected this contact without a code: “{message}”.").format(message=said)
        return ProfileRefusal(email, RefusalKind.REJECTED, NO_CODE, sentence)
    if code in error_codes.SUPPRESSED:
        return ProfileRefusal(email, RefusalKind.SUPPRESSED, str(code), str(error_codes.SUPPRESSED[code]))
    retryable = code in error_codes.RETRYABLE
    return ProfileRefusal(email, RefusalKind.REJECTED, str(code), _rejection(code, said), retryable=retryable)


def _rejection(code: int, said: str) -> str:
    if code in error_codes.REJECTED:
        return str(error_codes.REJECTED[code])
    if is_about_consent(said):
        return str(error_codes.REJECTED[error_codes.CONSENT_MISSING])
    return _("Campaign Monitor rejected this contact: “{message}” (code {code}).").format(message=said, code=code)


Read = TypeVar("Read")


def _reader(read: Callable[[Any], Read]) -> Callable[[Answer], Read]:
    """Turn a reader of content into a reader of responses, which raises the error of a refusal, and TryLater for
    unexpected content."""

    @wraps(read)
    def read_answer(answer: Answer) -> Read:
        content = _parsed(answer)
        if answer.status >= 300 or (isinstance(content, dict) and "Code" in content):
            raise error_of(answer, content, batch=False)
        try:
            return read(content)
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
            raise unreadable(answer) from error

    return read_answer


@_reader
def read_clients(content: Any) -> list[NamedId]:
    """Read the clients that an account key can access."""
    return [NamedId(str(row["ClientID"]), str(row["Name"])) for row in content]


@_reader
def read_lists(content: Any) -> list[NamedId]:
    """Read the lists of a client."""
    return [NamedId(str(row["ListID"]), str(row["Name"])) for row in content]


@_reader
def read_client_name(content: Any) -> str:
    """Read a client's name. The body also contains a live key, which this function drops."""
    return str(content["BasicDetails"]["CompanyName"] or "")


@_reader
def read_client_time_zone(content: Any) -> str:
    """Read the name of a client's time zone. The live key in the body is dropped here too."""
    return str(content["BasicDetails"]["TimeZone"] or "")


@_reader
def read_list(content: Any) -> ListSettings:
    """Read a list's title, opt-in, and scope of an unsubscribe."""
    return ListSettings(
        title=str(content["Title"]),
        confirmed_opt_in=bool(content["ConfirmedOptIn"]),
        unsubscribes_everywhere=content.get("UnsubscribeSetting") == "AllClientLists",
    )


@_reader
def read_active_people(content: Any) -> int:
    """Read the number of active subscribers. Raises ValueError for a number that is no count."""
    count = int(content["TotalActiveSubscribers"])
    if not 0 <= count <= _MOST_PEOPLE:
        raise ValueError("not a count")
    return count


@_reader
def read_custom_fields(content: Any) -> list[TargetField]:
    """Read the custom fields of a list, by bracketed key. Unknown types are ignored."""
    return [
        TargetField(
            key=str(row["Key"]),
            label=str(row["FieldName"]),
            data_type=DATA_TYPES[row["DataType"]],
            options=tuple(str(option) for option in row.get("FieldOptions") or ()),
        )
        for row in content
        if row["DataType"] in DATA_TYPES
    ]


@_reader
def read_countries(content: Any) -> list[str]:
    """Read the countries as a country field accepts them."""
    return [str(name) for name in content]


@_reader
def read_system_date(content: Any) -> str:
    """Read the account's time, in its own time zone."""
    return str(content["SystemDate"])


def read_system_clock(answer: Answer) -> SystemClock:
    """Read the account's time and the moment of the response."""
    return SystemClock(read_system_date(answer), answer.sent_at)


def read_new_field(answer: Answer) -> str:
    """Read the key of a created field."""
    content = _parsed(answer)
    if answer.status >= 300 or not isinstance(content, str):
        raise _field_error(answer, content)
    return content


def read_changed_field(answer: Answer) -> None:
    """Check the response to a changed field; success has no body."""
    if answer.status >= 300:
        raise _field_error(answer, _parsed(answer))


def _field_error(answer: Answer, content: Any) -> DestinationError:
    code = code_in(content)
    if code is not None and code in error_codes.FIELDS:
        return PermanentError(str(error_codes.FIELDS[code]), code=str(code), http_status=answer.status)
    return error_of(answer, content, batch=False)


def read_removal(answer: Answer) -> bool:
    """Read whether a subscriber was removed; False when the list does not hold the address. Success has no body; a
    web page comes from another program, and nothing was removed."""
    if answer.status < 300 and is_foreign(answer):
        raise not_from_vendor(answer)
    if answer.status < 300:
        return True
    content = _parsed(answer)
    if code_in(content) in error_codes.NOT_ON_LIST:
        return False
    raise error_of(answer, content, batch=False)


def read_subscriber(answer: Answer) -> Subscriber | None:
    """Read the state of a subscriber; None when the list does not hold it."""
    content = _parsed(answer)
    if code_in(content) in error_codes.NOT_ON_LIST:
        return None
    return _read_subscriber(answer)


@_reader
def read_active_since(content: Any) -> list[ActiveSince]:
    """Read a page of active subscribers, each with the moment when it became active."""
    return [ActiveSince(str(row["EmailAddress"]), str(row["Date"])) for row in content["Results"]]


def read_subscribers(answer: Answer, fields: Sequence[str]) -> SubscriberPage:
    """Read a page of subscribers, each with a hash of its values in ``fields``."""
    content = read_object(answer)
    try:
        rows = [
            ListedSubscriber(
                str(row["EmailAddress"]).strip().lower(), str(row["Date"]), subscriber_values.hash_of(row, fields)
            )
            for row in content["Results"]
        ]
        return SubscriberPage(rows, int(content["NumberOfPages"]))
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise unreadable(answer) from error


@_reader
def read_object(content: Any) -> Mapping[str, Any]:
    """Read an object."""
    return dict(content)


@_reader
def _read_subscriber(content: Any) -> Subscriber:
    since, values = str(content["Date"]), subscriber_values.values_of(content)
    return Subscriber(str(content["State"]), str(content.get("ListJoinedDate") or since), since, values)


@_reader
def read_rows(content: Any) -> list[Mapping[str, Any]]:
    """Read a list of objects."""
    return [dict(row) for row in content]


@_reader
def read_text(content: Any) -> str:
    """Read a text, such as the ID of what was created."""
    if not isinstance(content, str):
        raise TypeError("not a text")
    return content


def content_of(answer: Answer) -> Any:
    """Return the content of a refusal; None where it has none."""
    return _parsed(answer)


def code_of(answer: Answer) -> int | None:
    """Return the vendor's code in a refusal, or None."""
    try:
        return code_in(orjson.loads(answer.body.removeprefix(_BYTE_ORDER_MARK)))
    except orjson.JSONDecodeError:
        return None


def _parsed(answer: Answer) -> Any:
    """Parse the JSON of the body; None for a refusal without one. Raises TryLater for unreadable content."""
    try:
        return orjson.loads(answer.body.removeprefix(_BYTE_ORDER_MARK))
    except orjson.JSONDecodeError as error:
        if answer.status < 300:
            raise unreadable(answer) from error
        return None
