"""Hostile values in every parameter that a page reads from its address, for every role.

The pages are those of the URL table; the parameters are those that a page asks for while it is tried. Each request
gives all parameters of its page a value, another one each time, so that every parameter meets every value once."""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote, urlencode

import pytest
from django.db import transaction
from django.test import Client

from config.platform.accounts.models import User
from config.platform.accounts.permissions import Role
from exports.models import Outcome
from segments.models import Segment
from tests.integration.access.reading import keys_read
from tests.integration.access.test_every_address import ADDRESSES, STRANGER, ground, url_of
from tests.support import exports
from tests.support.profiles import get_profile, replace_attributes

# Reading these pages does something: another site is asked, or the session ends.
_LEFT_OUT = {"connections:authorized", "account_logout", "accounts:sign_out", "openid_connect_callback"}
DEACTIVATED = "deactivated"
_TELLING = 7  # the last of the values: attributes, masked values, ids of private things
# What a role must never read: personal data, and what only administrators know.
_PERSONAL = ("zara", "hidden.example")
_SECRETS = ("sandbox-api-key", "erin@staff.example")
_NEVER = {
    STRANGER: (*_PERSONAL, *_SECRETS, "Board only"),
    DEACTIVATED: (*_PERSONAL, *_SECRETS, "Board only"),
    Role.VIEWER: (*_PERSONAL, *_SECRETS),
    Role.CONTRIBUTOR: _SECRETS,
    Role.ADMINISTRATOR: ("sandbox-api-key",),
}


@dataclass(frozen=True)
class World:
    ids: dict[str, int]
    values: tuple[str, ...]
    clients: dict[str, Client]

    def turns(self, role: str, *, refused: bool) -> Iterable[int]:
        """The turns of a role, of as many as there are values. An administrator, who reads all there is to read,
        takes all of them; a viewer those of masked values and every third of the rest; others every fifth."""
        every = len(self.values)
        if refused:
            return range(1)
        if role == Role.ADMINISTRATOR:
            return range(every)
        if role == Role.VIEWER:
            return [*range(0, every - _TELLING, 3), *range(every - _TELLING, every)]
        return range(0, every, 6)


@pytest.fixture
def world(alice: User, bob: User, charlie: User) -> World:
    """One of each kind of thing, with personal data, something private, and a client of each role."""
    ids = ground(alice, shared=True)
    private = exports.sandbox_connection(by=alice, shared=False, name="Board only")
    segment = Segment.objects.get(pk=ids["segment"])
    hidden = exports.export_to(None, private, segment, list_id="b" * 32, by=alice, name="Board")
    zara = {"email": "zara@hidden.example", "first_name": "zara", "town": "zaratown"}
    replace_attributes(get_profile(), zara)
    rule = {"attribute": "first_name", "operator": "is", "value": "zara"}
    Segment.objects.filter(pk=segment.pk).update(rules={"join": "and", "rules": [rule]})
    Outcome.objects.create(run_id=ids["run"], email="zara@hidden.example", kind="rejected", code="1")
    User.objects.filter(pk=ids["user"]).update(email="erin@staff.example")
    gone = User.objects.create_user("gone", "a-long-password", role=Role.ADMINISTRATOR)
    clients: dict[str, Client] = {}
    for role, user in (*((user.role, user) for user in (alice, bob, charlie)), (DEACTIVATED, gone)):
        clients[role] = Client(raise_request_exception=False)
        clients[role].force_login(user)
    clients[STRANGER] = Client(raise_request_exception=False)
    User.objects.filter(pk=gone.pk).update(is_active=False)
    return World(ids, hostile(private.pk, hidden.pk), clients)


def hostile(*private: int) -> tuple[str, ...]:
    """Values that pages may stumble over; ``[]`` is the array form of the parameter."""
    return (
        "",
        "a\x00b",
        "9999-12-31",
        "0001-01-01T00:00",
        "-1",
        "9" * 40,
        "1e400",
        "²",
        "x" * 20_000,
        "\ud7ff\U0001f600\u202e%ff",
        "' OR 1=1;--",
        "[]",
        "../../etc/passwd",
        "first_name",
        "-email",
        "attributes__first_name",
        "zara",
        "zara@hidden.example",
        *(str(pk) for pk in private),
    )


def query_of(keys: list[str], values: tuple[str, ...], turn: int) -> str:
    """The query of one turn: each key with another value, in the array form where the value says so."""
    pairs: list[tuple[str, str]] = []
    for place, key in enumerate(keys):
        value = values[(turn + place) % len(values)]
        pairs += [(f"{key}[]", "1"), (key, "1"), (key, "2")] if value == "[]" else [(key, value)]
    return urlencode(pairs, quote_via=quote)


def test_no_role_gets_an_error_page_or_hidden_data_by_a_hostile_value(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[str] = []
    for name, address in ADDRESSES.items():
        if name in _LEFT_OUT:
            continue
        url = url_of(name, world.ids)
        with keys_read(monkeypatch) as read:  # grows while pages are asked, by parameters that others lead to
            for role, client in world.clients.items():
                if (
                    role == Role.ADMINISTRATOR
                ):  # who comes first; what each role is answered is in test_every_address
                    found += complaints(client, f"{url}?asks=for", role, typed="")
                for turn in world.turns(role, refused=role not in address.look) if read else ():
                    query = query_of(sorted(read - {"asks"}), world.values, turn)
                    found += complaints(client, f"{url}?{query}", role, typed=query)
    assert found == []


def complaints(client: Client, url: str, role: str, *, typed: str) -> list[str]:
    """What an answer must not be or hold: an error of ours, or data that the role may not see."""
    with transaction.atomic():
        answer = client.get(url)
        transaction.set_rollback(True)
    if answer.status_code >= 500 and answer.status_code != 503:
        return [f"{url[:300]} as {role}: {answer.status_code}"]
    text = answer.getvalue().decode(errors="replace")
    return [f"{url[:300]} as {role} shows {word}" for word in _NEVER[role] if word in text and word not in typed]
