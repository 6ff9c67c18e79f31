"""Every parameter that a page reads from its address, and every field of a post, tried for each role.
The parameters are those that the pages ask for while they are tried, so that new pages are covered as well."""

import re

import pytest
import time_machine
from django.db import transaction
from django.http import QueryDict
from django.test import Client

from config.console import metrics
from config.platform.accounts.models import User
from config.platform.accounts.permissions import Role
from config.platform.jobs import clock
from connections.models import Connection
from exports.models import Export, Outcome, Run
from segments.models import Segment
from tests.integration.access.reading import keys_read
from tests.integration.access.test_every_address import ADDRESSES, FOUND, STRANGER, ground, url_of
from tests.support import exports
from tests.support.profiles import all_profiles, create_profiles, get_profile, replace_attributes

_MOST_VALUES = 8  # of each parameter, such as long lists of time zones
_SECRET, _NONSENSE = "zara@hidden.example", "zzzz@absent.example"
_CHANGING = re.compile(r"[A-Za-z0-9+/_-]{32,}={0,2}|\d\d:\d\d(:\d\d)?|tm-\d+|\d+ (second|minute)s?")
# Reading these pages does something: another site is asked, or the session ends.
_LEFT_OUT = {"connections:authorized", "account_logout", "accounts:sign_out", "openid_connect_callback"}


@pytest.fixture
def clients(alice: User, bob: User, charlie: User) -> dict[str, Client]:
    found = {STRANGER: Client(raise_request_exception=False)}
    for user in (alice, bob, charlie):
        found[user.role] = Client(raise_request_exception=False)
        found[user.role].force_login(user)
    return found


@pytest.fixture
def ids(alice: User) -> dict[str, int]:
    """One of each kind of thing, which hold personal data where they can."""
    ids = ground(alice, shared=True)
    replace_attributes(get_profile(), _person("zara"))
    create_profiles([_person("zoe")])
    rule = {"attribute": "first_name", "operator": "is", "value": "zara"}
    Segment.objects.filter(pk=ids["segment"]).update(rules={"join": "and", "rules": [rule]})
    for name in ("zara", "zoe"):
        Outcome.objects.create(run_id=ids["run"], email=f"{name}@hidden.example", kind="rejected", code="1")
    return ids


# Pages that tell the size of the database, which changes meanwhile.
_MEASURED = {"system:about"}


def _person(name: str) -> dict[str, str]:
    return {"email": f"{name}@hidden.example", "first_name": name, "town": f"{name}town", "birthday": "1990-01-02"}


def parameters(url: str, client: Client, patch: pytest.MonkeyPatch) -> dict[str, set[str]]:
    """What the page reads from its address, with the values that its own links and forms offer."""
    with keys_read(patch, of_empty=True) as read, transaction.atomic():
        content = client.get(url).getvalue().decode(errors="replace")
        transaction.set_rollback(True)
    offered: dict[str, set[str]] = {key: set() for key in read}
    for query in re.findall(r'(?:href|hx-get)="[^"?]*\?([^"#]+)"', content):
        for key, values in QueryDict(query.replace("&amp;", "&")).lists():
            offered.setdefault(key, set()).update(values)
    for select in re.findall(r'<select[^>]*name="([^"]+)"(.*?)</select>', content, re.DOTALL):
        offered.setdefault(select[0], set()).update(re.findall(r'<option value="([^"]+)"', select[1]))
    return {key: set(sorted(values)[:_MOST_VALUES]) for key, values in offered.items()}


def tried(client: Client, url: str, data: dict[str, str], method: str = "get") -> tuple[int, str]:
    """The status and the text of an answer; the database stays as it was."""
    with transaction.atomic():
        answer = getattr(client, method)(url, data)
        transaction.set_rollback(True)
    return answer.status_code, _CHANGING.sub("·", answer.getvalue().decode(errors="replace"))


def pages() -> list[str]:
    return [name for name in ADDRESSES if name not in _LEFT_OUT]


def test_no_place_in_an_address_ends_in_an_error_page(clients: dict[str, Client]) -> None:
    found = []
    for name in pages():
        places = ("9" * 30, "%00", "x%00", "0")
        for url in dict.fromkeys(re.sub(r"\{\w+\}", place, FOUND[name]) for place in places):
            for role in (STRANGER, Role.ADMINISTRATOR):
                status, _text = tried(clients[role], url, {})
                if status >= 500 and name != "readyz":
                    found.append(f"{url} as {role}: {status}")
    assert found == []


def test_a_viewer_is_answered_alike_whether_a_masked_value_exists_or_not(
    ids: dict[str, int], clients: dict[str, Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    viewer, found = clients[Role.VIEWER], []
    for name in pages():
        if Role.VIEWER in ADDRESSES[name].look:
            url = url_of(name, ids)
            for key in parameters(url, viewer, monkeypatch):
                asked = [tried(viewer, url, {key: value}) for value in (_SECRET, _NONSENSE)]
                told = [
                    (status, text.replace(value, "").replace(value.replace("@", "%40"), ""))
                    for (status, text), value in zip(asked, (_SECRET, _NONSENSE), strict=True)
                ]
                if told[0] != told[1]:
                    found.append(f"{url}?{key}=")
    assert found == []


@time_machine.travel(clock.now(), tick=False)
def test_a_viewer_is_shown_no_masked_value_nor_an_order_computed_from_one(
    ids: dict[str, int], clients: dict[str, Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Swap the data of two people whose masked values look alike: no page, filter or order may change."""
    monkeypatch.delitem(metrics._PARTS, "sizes")  # the database grows meanwhile
    viewer = clients[Role.VIEWER]
    asked: list[tuple[str, dict[str, str]]] = []
    for name in pages():
        if Role.VIEWER in ADDRESSES[name].look and name not in _MEASURED:
            url = url_of(name, ids)
            asked.append((url, {}))
            offered = parameters(url, viewer, monkeypatch)
            asked += [(url, {key: value}) for key, values in offered.items() for value in values]
            if "sort" in offered:
                asked += [(url, {"sort": order}) for order in ("email", "-email", "first_name", "key", "why")]
    before = [tried(viewer, url, data) for url, data in asked]
    assert [
        url for (url, _), (_s, text) in zip(asked, before, strict=True) if "zara" in text or "zoe" in text
    ] == []
    first, second = all_profiles()
    replace_attributes(first, second.attributes)
    replace_attributes(second, first.attributes)
    one, other = Outcome.objects.order_by("pk")
    one.email, other.email = other.email, one.email
    Outcome.objects.bulk_update([one, other], ["email"])
    after = [tried(viewer, url, data) for url, data in asked]
    changed = [asked[place] for place, text in enumerate(before) if after[place] != text]
    assert changed == []


def test_posting_the_id_of_something_private_in_any_field_changes_nothing_of_it(
    alice: User, ids: dict[str, int], clients: dict[str, Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    private = exports.sandbox_connection(by=alice, shared=False, name="Private")
    segment = Segment.objects.get(pk=ids["segment"])
    hidden = exports.export_to(None, private, segment, list_id="b" * 32, by=alice, name="Private")
    before, found = _state(private), []
    for name, address in ADDRESSES.items():
        if name in _LEFT_OUT or not {Role.CONTRIBUTOR, Role.VIEWER} & {*address.look, *address.do}:
            continue
        url = url_of(name, ids)
        with keys_read(monkeypatch, of_empty=True) as read:
            tried(clients[Role.ADMINISTRATOR], url, {"selected": str(hidden.pk)}, "post")
        for role in (Role.CONTRIBUTOR, Role.VIEWER):
            for value in {str(private.pk), str(hidden.pk)}:
                with transaction.atomic():
                    answer = clients[role].post(url, dict.fromkeys(read - {"csrfmiddlewaretoken"}, value))
                    changed = _state(private) != before
                    transaction.set_rollback(True)
                if changed or answer.status_code >= 500:
                    found.append(f"{url} as {role} with {value}: {answer.status_code}")
    assert found == []


def _state(private: Connection) -> list[str]:
    """All that is kept of a connection and what stands on it."""
    found = [
        Connection.objects.filter(pk=private.pk),
        Export.objects.filter(connection=private).order_by("pk"),
        Run.objects.filter(export__connection=private).order_by("pk"),
    ]
    return [str(row) for rows in found for row in rows.values()]
