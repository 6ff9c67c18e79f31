"""Every form that a page offers to a role, posted with hidden and extra fields: nothing more is changed by them.

The forms are read from the pages of the URL table as each role sees them. Each is posted as it is, with a field
for every column of every model, and with what the same form offers administrators. An extra field may be refused;
it may not change a row. A form that is offered to administrators alone changes nothing when others post it."""

from collections import Counter
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from http.cookies import SimpleCookie

import pytest
import time_machine
from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.db import models, transaction
from django.test import Client
from django.urls import Resolver404, resolve
from pytest_django import Settings

from config.console.system_refresh import actions as refresh_actions
from config.platform.accounts.models import User
from config.platform.accounts.permissions import Role
from config.platform.jobs import clock
from exports.models import Export
from tests.integration.access.forms import forms_of
from tests.integration.access.reading import keys_read
from tests.integration.access.rows import Rows
from tests.integration.access.test_every_address import ADDRESSES, ground, url_of
from tests.support.sandbox import RunningSandbox, sandbox, sandbox_process

__all__ = ["sandbox", "sandbox_process"]

Data = Mapping[str, list[str]]
_LEFT_OUT = {"connections:authorized", "account_logout", "accounts:sign_out", "openid_connect_callback"}
_LOWER = (Role.CONTRIBUTOR, Role.VIEWER)
PLANTED = "planted"


def _value(column: "models.Field[object, object]") -> str:
    """A value that this column would hold to get more rights or another owner."""
    if column.name in ("role", "allowed_roles"):
        return Role.ADMINISTRATOR if column.name == "role" else Role.CONTRIBUTOR
    if isinstance(column, models.BooleanField):
        return "on"
    if isinstance(column, models.ForeignKey | models.IntegerField):
        return "1"
    if isinstance(column, models.DateTimeField | models.DateField):
        return "2001-02-03"
    if isinstance(column, models.JSONField | ArrayField):
        return '{"planted": "1"}'
    return PLANTED


def columns() -> dict[str, list[str]]:
    """A field for every column of every model, and for rights that other systems have."""
    found = {name: ["on"] for name in ("is_superuser", "is_staff", "owner", "user", "permissions", "groups")}
    for model in apps.get_models():
        for column in model._meta.concrete_fields:
            found[column.name] = found[column.attname] = [_value(column)]
    return found


@dataclass(frozen=True)
class Post:
    """What a form sends, and all names that it offers, checked or not."""

    url: str
    data: Data
    offered: frozenset[str]


@dataclass
class Matrix:
    """Posts forms as a role and says which rows changed; the database stays as it was."""

    clients: dict[str, Client]
    rows: Rows
    patch: pytest.MonkeyPatch
    cookies: dict[str, SimpleCookie]
    untouched: "Counter[str]" = field(default_factory=Counter)

    def after(self, role: str, url: str, data: Data) -> tuple["Counter[str]", set[str], int]:
        """The rows after a post, the fields that were read, and the status."""
        with transaction.atomic(), keys_read(self.patch) as read:
            self.rows.renumber()
            self.clients[role].cookies = deepcopy(self.cookies[role])  # a post may end or renew the session
            answer = self.clients[role].post(url, data)
            rows = self.rows.now()
            transaction.set_rollback(True)
        return rows, read, answer.status_code

    def complaints(self, role: str, post: Post, extra: Data) -> list[str]:
        """What extra fields change that the form alone does not, and errors of ours."""
        extra = {name: values for name, values in extra.items() if name not in post.offered}
        together, read, status = self.after(role, post.url, {**post.data, **extra})
        if status >= 500:
            return [f"{post.url} as {role} with extra fields: {status}"]
        if role == Role.ADMINISTRATOR:  # who may change every row
            return []
        alone, _read, status = self.after(role, post.url, post.data)
        if status >= 500:
            return [f"{post.url} as {role}: {status}"]
        return [] if together == alone else self._halves(role, post, alone, sorted(read & extra.keys()), extra)

    def _halves(self, role: str, post: Post, alone: "Counter[str]", names: list[str], extra: Data) -> list[str]:
        """Find the fields that change a row; one that is refused may hide others, so that its half is halved."""
        if not names:
            return []
        rows, _read, status = self.after(role, post.url, {**post.data, **{name: extra[name] for name in names}})
        if len(names) > 1 and rows != alone:
            middle = len(names) // 2
            return [
                line
                for half in (names[:middle], names[middle:])
                for line in self._halves(role, post, alone, half, extra)
            ]
        if status < 500 and rows in (alone, self.untouched):
            return []
        return [f"{post.url} as {role} with {names}: {status}, {sorted((rows - alone).keys())}"]


@pytest.fixture
def ids(alice: User, sandbox: RunningSandbox, settings: Settings) -> dict[str, int]:
    settings.CAMPAIGN_MONITOR_SANDBOX_URL = sandbox.url
    ids = ground(alice, shared=True)
    Export.objects.update(list_id=sandbox.list_id)
    refresh_actions.load_schedule()  # which the first look at its page would add
    return ids


@pytest.fixture
def matrix(alice: User, bob: User, charlie: User, ids: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> Matrix:
    clients = {}
    for user in (alice, bob, charlie):
        clients[user.role] = Client(raise_request_exception=False)
        clients[user.role].force_login(user)
    rows = Rows()
    cookies = {role: client.cookies for role, client in clients.items()}
    return Matrix(clients, rows, monkeypatch, cookies, rows.now())


def forms(matrix: Matrix, ids: dict[str, int], role: str) -> Iterator[Post]:
    """The forms of all pages that the role may look at, each once, with each of its buttons."""
    seen = set()
    for name, address in ADDRESSES.items():
        if name in _LEFT_OUT or role not in address.look:
            continue
        url = url_of(name, ids)
        query = {"selected": str(ids.get(address.of, 0))} if address.of else {}
        with transaction.atomic():
            answer = matrix.clients[role].get(url, query)
            transaction.set_rollback(True)
        found = forms_of(answer.getvalue().decode(errors="replace"), url) if answer.status_code == 200 else []
        posts = [
            Post(form.url, data, frozenset(data.keys() | form.unchecked))
            for form in found
            for data in form.posts()
        ]
        if answer.status_code == 405:
            data = {"selected": [str(ids.get(address.of, 0))], "version": ["1"]}
            posts = [Post(url, data, frozenset(data))]
        for post in posts:
            key = (post.url, post.offered, *post.data.get("act", []), *post.data.get("then", []))
            if key not in seen and _name_of(post.url) not in _LEFT_OUT:
                seen.add(key)
                yield post


def _name_of(url: str) -> str:
    try:
        return resolve(url.partition("?")[0]).view_name
    except Resolver404:
        return ""


@time_machine.travel(clock.now(), tick=False)
def test_no_form_changes_more_rows_than_its_role_may(matrix: Matrix, ids: dict[str, int]) -> None:
    offered = {role: list(forms(matrix, ids, role)) for role in matrix.clients}
    assert {role for role, posts in offered.items() if len(posts) < 5} == set()
    of_administrators: dict[str, dict[str, list[str]]] = {}
    for post in offered[Role.ADMINISTRATOR]:
        of_administrators.setdefault(post.url, {}).update(post.data)
    found: list[str] = []
    for role, posts in offered.items():
        for post in posts:
            found += matrix.complaints(role, post, {**columns(), **of_administrators.get(post.url, {})})
    for post in offered[Role.ADMINISTRATOR]:
        found += of_lower_roles(matrix, post)
    assert found == []


def of_lower_roles(matrix: Matrix, post: Post) -> list[str]:
    """What becomes of a form that administrators are offered when others post it who may not."""
    found, address = [], ADDRESSES[_name_of(post.url)]
    for role in _LOWER:
        if role not in (address.do or address.look):
            rows, _read, status = matrix.after(role, post.url, post.data)
            if rows != matrix.untouched or status not in (403, 405):
                found.append(f"{post.url} as {role}: {status}, {sorted((rows - matrix.untouched).keys())}")
    return found
