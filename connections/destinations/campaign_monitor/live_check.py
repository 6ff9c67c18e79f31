"""Check against a real account what the public documentation leaves open and this package assumes, on a list
that is deleted again. No mail is sent: the list is single opt-in and every address is of example.com."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import orjson
from django.utils.translation import gettext as _

from connections.destinations.campaign_monitor import wire
from connections.destinations.campaign_monitor.client import Client
from connections.destinations.campaign_monitor.responses import Answer
from connections.destinations.errors import DestinationError, PermanentError
from connections.destinations.values import Finding

THOUSAND = 1000
_FIELDS: tuple[tuple[str, str, list[str]], ...] = (
    ("Note", "Text", []),
    ("Size", "Number", []),
    ("Likes", "MultiSelectMany", ["A", "B"]),
    ("Tier", "MultiSelectOne", ["Gold"]),
    ("Born", "Date", []),
)
# A number that Ofcom reserves for films: it is assigned to no subscriber.
_MOBILE = "+447700900123"


class Prober(Client):
    """A client that also makes calls that exports never make, and returns responses unread."""

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Make a call. Returns status and content."""
        content = orjson.dumps(body) if body is not None else None
        answer = self._call(method, path, content)
        try:
            return answer.status, orjson.loads(answer.body) if answer.body else None
        except orjson.JSONDecodeError:
            return answer.status, None

    def make(self, path: str, body: object) -> str:
        """Create something and return its ID. Raises PermanentError when that is refused."""
        status, content = self.ask("POST", path, body)
        if status not in {200, 201} or not isinstance(content, str):
            raise PermanentError(
                _("Campaign Monitor refused {path}: {answer}").format(path=path, answer=_told(content))
            )
        return content


class Trial:
    """A temporary list, with imports into it and reads of its subscribers."""

    def __init__(self, prober: Prober, list_id: str) -> None:
        self.prober, self.list_id = prober, list_id

    def put(self, *people: dict[str, Any]) -> tuple[int, Any]:
        """Import contacts; those without a value for consent get No."""
        rows = [{"ConsentToTrack": "No", **person} for person in people]
        return self.send(rows)

    def send(self, rows: list[dict[str, Any]]) -> tuple[int, Any]:
        return self.prober.ask("POST", f"/subscribers/{self.list_id}/import.json", {"Subscribers": rows})

    def person(self, email: str) -> dict[str, Any]:
        """Return what the account shows of a subscriber; empty when it is not on the list."""
        path = f"/subscribers/{self.list_id}.json?email={quote(email)}&includesmspreference=true"
        status, content = self.prober.ask("GET", path)
        return content if status == 200 and isinstance(content, dict) else {}

    def values(self, email: str, field: str) -> list[str]:
        """Return the values of a subscriber in one field."""
        fields = self.person(email).get("CustomFields") or []
        return sorted(
            str(each["Value"]) for each in fields if str(each["Key"]).strip("[]").lower() == field.lower()
        )


def verify(client: Prober, client_id: str, *, thousand: bool = False) -> Iterator[Finding]:
    """Check all assumptions on a temporary list, and iterate over the findings. Raises DestinationError when no
    list can be created."""
    with _trial(client, client_id) as trial:
        for asked, assumed, probe in _PROBES:
            yield _tried(asked(), assumed(), trial, probe)
        if thousand:
            yield _tried(_("1000 contacts in one import"), _("accepted within two minutes"), trial, _thousand)
    yield _gone(client, trial.list_id)
    yield from (Finding(question, "", None, why) for question, why in _not_tried())


@contextmanager
def _trial(prober: Prober, client_id: str) -> Iterator[Trial]:
    settings = {
        "Title": f"Segment Exports trial {int(time.time())}",
        "ConfirmedOptIn": False,
        "UnsubscribeSetting": "OnlyThisList",
    }
    list_id = prober.make(f"/lists/{quote(client_id, safe='')}.json", settings)
    try:
        for name, kind, options in _FIELDS:
            field = {"FieldName": name, "DataType": kind, "Options": options}
            prober.make(f"/lists/{list_id}/customfields.json", field)
        yield Trial(prober, list_id)
    finally:
        status, content = prober.ask("DELETE", f"/lists/{list_id}.json")
        if status != 200:
            raise PermanentError(
                _("The test list {list} could not be deleted ({answer}). Delete it in Campaign Monitor.").format(
                    list=list_id, answer=_told(content)
                )
            )


def _tried(question: str, assumed: str, trial: Trial, probe: Callable[[Trial], tuple[bool, str]]) -> Finding:
    try:
        holds, seen = probe(trial)
    except DestinationError as error:
        return Finding(question, assumed, None, error.sentence)
    return Finding(question, assumed, holds, seen)


def _without_consent(trial: Trial) -> tuple[bool, str]:
    status, content = trial.send([{"EmailAddress": "no-consent@example.com"}])
    code = content.get("Code") if isinstance(content, dict) else None
    whole = isinstance(content, dict) and "ResultData" not in content
    return code in {214, 215, -213} and whole, f"HTTP {status}, {_told(content)}"


def _unknown_field(trial: Trial) -> tuple[bool, str]:
    field = {"Key": "[Nowhere]", "Value": "x"}
    status, content = trial.put({"EmailAddress": "field@example.com", "CustomFields": [field]})
    return status == 201 and bool(trial.person("field@example.com")), f"HTTP {status}, {_told(content)}"


def _long_value(trial: Trial) -> tuple[bool, str]:
    field = {"Key": "[Note]", "Value": "x" * 300}
    status, _content = trial.put({"EmailAddress": "long@example.com", "CustomFields": [field]})
    kept = [len(value) for value in trial.values("long@example.com", "Note")]
    return status == 201 and kept == [250], f"HTTP {status}, kept {kept}"


def _no_number(trial: Trial) -> tuple[bool, str]:
    field = {"Key": "[Size]", "Value": "large"}
    status, _content = trial.put({"EmailAddress": "size@example.com", "CustomFields": [field]})
    kept = [value for value in trial.values("size@example.com", "Size") if value]
    return status == 201 and not kept, f"HTTP {status}, kept {kept}"


def _merged(trial: Trial) -> tuple[bool, str]:
    for option in ("A", "B"):
        trial.put({"EmailAddress": "likes@example.com", "CustomFields": [{"Key": "[Likes]", "Value": option}]})
    kept = trial.values("likes@example.com", "Likes")
    return kept == ["A", "B"], f"kept {kept}"


def _option_goes(trial: Trial) -> tuple[bool, str]:
    email = "option@example.com"
    chosen = [{"Key": "[Likes]", "Value": option} for option in ("A", "B")]
    trial.put({"EmailAddress": email, "CustomFields": chosen})
    trial.put({"EmailAddress": email, "CustomFields": [chosen[1], {**chosen[0], "Clear": True}]})
    kept = trial.values(email, "Likes")
    return kept == ["B"], f"kept {kept}"


def _no_option(trial: Trial) -> tuple[bool, str]:
    field = {"Key": "[Tier]", "Value": "Bronze"}
    status, _content = trial.put({"EmailAddress": "tier@example.com", "CustomFields": [field]})
    kept = [value for value in trial.values("tier@example.com", "Tier") if value]
    return status == 201 and not kept, f"HTTP {status}, kept {kept}"


def _date_goes(trial: Trial) -> tuple[bool, str]:
    for value in ("1990/05/31", "0000-00-00"):
        field = {"Key": "[Born]", "Value": value}
        trial.put({"EmailAddress": "born@example.com", "CustomFields": [field]})
    kept = [value for value in trial.values("born@example.com", "Born") if value]
    return not kept, f"kept {kept}"


def _bad_mobile(trial: Trial) -> tuple[bool, str]:
    status, content = trial.put({"EmailAddress": "mobile@example.com", "MobileNumber": "12345"})
    codes = _failure_codes(content)
    return status == 400 and codes == [220], f"HTTP {status}, codes {codes}"


def _sms_consent(trial: Trial) -> tuple[bool, str]:
    trial.put({"EmailAddress": "sms@example.com", "MobileNumber": _MOBILE, "ConsentToSendSms": "No"})
    person = trial.person("sms@example.com")
    kept = (person.get("MobileNumber"), person.get("ConsentToSendSms"))
    return kept == (_MOBILE, "No"), f"number {'kept' if kept[0] else 'lost'}, consent {kept[1]}"


def _name_goes(trial: Trial) -> tuple[bool, str]:
    trial.put({"EmailAddress": "nameless@example.com", "Name": "Gone"})
    trial.put({"EmailAddress": "nameless@example.com", "Name": ""})
    name = trial.person("nameless@example.com").get("Name")
    return not name, f"name “{name}”"


def _last_wins(trial: Trial) -> tuple[bool, str]:
    trial.put(
        {"EmailAddress": "twice@example.com", "Name": "First"},
        {"EmailAddress": "TWICE@example.com", "Name": "Last"},
    )
    name = trial.person("twice@example.com").get("Name")
    return name == "Last", f"kept “{name}”"


def _name_stays(trial: Trial) -> tuple[bool, str]:
    trial.put({"EmailAddress": "name@example.com", "Name": "Kept"})
    trial.put({"EmailAddress": "name@example.com"})
    name = trial.person("name@example.com").get("Name")
    return name == "Kept", f"name “{name}”"


def _stays_unsubscribed(trial: Trial) -> tuple[bool, str]:
    trial.put({"EmailAddress": "left@example.com"})
    trial.prober.ask(
        "POST", f"/subscribers/{trial.list_id}/unsubscribe.json", {"EmailAddress": "left@example.com"}
    )
    status, content = trial.put({"EmailAddress": "left@example.com"})
    codes = _failure_codes(content)
    return status == 400 and codes == [206], f"HTTP {status}, codes {codes}"


def _failure_codes(content: Any) -> list[Any]:
    failures = content.get("ResultData", {}).get("FailureDetails", []) if isinstance(content, dict) else []
    return [failure.get("Code") for failure in failures]


def _thousand(trial: Trial) -> tuple[bool, str]:
    started = time.monotonic()
    status, content = trial.put(*({"EmailAddress": f"trial{n}@example.com"} for n in range(THOUSAND)))
    seconds = time.monotonic() - started
    return status == 201, f"HTTP {status} after {seconds:.1f} s, {_told(content)}"


def _gone(prober: Prober, list_id: str) -> Finding:
    status, content = prober.ask("GET", f"/lists/{list_id}.json")
    code = wire.code_of(Answer(status, orjson.dumps(content)))
    question, assumed = _("A list that does not exist"), _("401 with code 101 or 102, or 404")
    return Finding(question, assumed, status == 404 or code in {101, 102}, f"HTTP {status}, {_told(content)}")


_PROBES: list[tuple[Callable[[], str], Callable[[], str], Callable[[Trial], tuple[bool, str]]]] = [
    (lambda: _("Consent missing in one row"), lambda: _("the whole import is rejected"), _without_consent),
    (lambda: _("An unknown field"), lambda: _("ignored without an error"), _unknown_field),
    (lambda: _("A value over 250 characters"), lambda: _("truncated to 250 characters"), _long_value),
    (lambda: _("Text for a number"), lambda: _("ignored"), _no_number),
    (lambda: _("Text that is not an option"), lambda: _("ignored"), _no_option),
    (lambda: _("Another option of a multiple choice"), lambda: _("added to the existing options"), _merged),
    (lambda: _("An option sent with Clear"), lambda: _("that option is removed, others stay"), _option_goes),
    (lambda: _("A date of zeros"), lambda: _("the date is cleared"), _date_goes),
    (lambda: _("A mobile number without country code"), lambda: _("rejected with code 220"), _bad_mobile),
    (lambda: _("No consent to SMS"), lambda: _("stored with the number"), _sms_consent),
    (
        lambda: _("One email twice in an import"),
        lambda: _("same subscriber regardless of case, the last row wins"),
        _last_wins,
    ),
    (lambda: _("A contact sent without a name"), lambda: _("the name is kept"), _name_stays),
    (lambda: _("A contact sent with an empty name"), lambda: _("the name is cleared"), _name_goes),
    (lambda: _("An unsubscribed contact"), lambda: _("status unchanged, code 206"), _stays_unsubscribed),
]


def _not_tried() -> list[tuple[str, str]]:
    return [
        (_("Unconfirmed subscribers and resubscribing"), _("would send an email")),
        (
            _("Suppressed contacts who were never on the list"),
            _("would change the suppression list of the client"),
        ),
        (_("Whether a refresh returns another refresh token"), _("the returned token is stored")),
    ]


def _told(content: Any) -> str:
    """Return the code and message of an answer, without personal data."""
    if isinstance(content, dict) and "Code" in content:
        return f"{content['Code']} {str(content.get('Message', ''))[:100]}"
    if isinstance(content, dict):
        return ", ".join(f"{name} {value}" for name, value in content.items() if isinstance(value, int))
    return "" if content is None else str(content)[:60]
