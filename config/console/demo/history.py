"""Add earlier subscribers to the sandbox's list, some of whom have left it again.

So the first export meets a list like a real one: some contacts are there already, and some are suppressed.
"""

from collections.abc import Sequence

import requests
from django.conf import settings

from config.console.demo.people import Person

API_KEY = "sandbox-api-key"
LIST_ID = "a1150000000000000000000000000001"
# How many of the newsletter's readers were on the list before, and where others went who were there. Nobody is
# merely suppressed: such people still count as active over there, and the first run's figures would not match.
STILL_ACTIVE = 240
LEFT_BY_STATE = {"Unsubscribed": 43, "Bounced": 13, "Deleted": 8}
_EVERY_NTH = 17


class SandboxAway(Exception):
    """The sandbox does not answer, or refuses a request. The message says how."""


def add_history(people: Sequence[Person]) -> None:
    """Subscribe some of ``people`` to the sandbox's list, and let some of those leave it again. Raises
    SandboxAway."""
    known = earlier_subscribers(people)
    _post(f"/api/v3.3/subscribers/{LIST_ID}/import.json", {"Subscribers": [_subscriber(one) for one in known]})
    rest = [person.email for person in known[STILL_ACTIVE:]]
    for state, count in LEFT_BY_STATE.items():
        _post("/_sandbox/states", {"list_id": LIST_ID, "emails": rest[:count], "state": state})
        rest = rest[count:]


def earlier_subscribers(people: Sequence[Person]) -> list[Person]:
    """Return the people who were on the list before: newsletter readers with a plain address, spread over the
    file."""
    regular = [
        person
        for person in people
        if person.newsletter == "yes" and person.email == person.email.strip().lower() and _is_plain(person.email)
    ]
    return regular[::_EVERY_NTH][: STILL_ACTIVE + sum(LEFT_BY_STATE.values())]


def _is_plain(email: str) -> bool:
    local, _at, domain = email.partition("@")
    letters = "".join((local, domain)).replace(".", "").replace("-", "")
    return letters.isalnum() and letters.isascii() and bool(local) and not domain.endswith(".") and "." in domain


def _subscriber(person: Person) -> dict[str, object]:
    return {"EmailAddress": person.email, "Name": person.full_name, "ConsentToTrack": "Yes"}


def _post(path: str, body: dict[str, object]) -> None:
    with requests.Session() as session:
        session.trust_env = False  # a proxy that the environment names is for the world outside
        try:
            answer = session.post(
                settings.CAMPAIGN_MONITOR_SANDBOX_URL + path, json=body, auth=(API_KEY, "x"), timeout=30
            )
        except requests.RequestException as error:
            where = settings.CAMPAIGN_MONITOR_SANDBOX_URL
            raise SandboxAway(f"The sandbox at {where} does not answer ({type(error).__name__}).") from None
    if not answer.ok:
        raise SandboxAway(f"The sandbox refused {path}: {answer.status_code} {answer.text[:200]}")
