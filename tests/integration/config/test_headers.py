"""Headers of answers, of every kind, and the cookies that come with them."""

import re
import subprocess
import sys
from collections.abc import Iterable
from http.cookies import Morsel

import pytest
from django.conf import LazySettings, settings
from django.contrib.sessions.backends.db import SessionStore
from django.http.response import HttpResponseBase
from django.test import Client, RequestFactory

from config.platform.accounts.models import User
from config.platform.web.message_storage import MessageStorage
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db

# A page, a page without sign-in, a refusal, a page that is not there, the API, a file, an endpoint for machines.
KINDS = ("/", "/accounts/sign-in/", "/exports/nothing/", "/api/v1/exports", "/static/img/icon.svg", "/healthz")


def answers(browser: Client) -> Iterable[tuple[str, HttpResponseBase]]:
    yield from ((path, browser.get(path)) for path in KINDS)


def test_every_answer_forbids_guessing_framing_and_foreign_content(alice_client: Client) -> None:
    for path, answer in answers(alice_client):
        policy = str(answer.get("Content-Security-Policy", ""))
        assert answer.get("X-Content-Type-Options") == "nosniff", path
        assert answer.get("Referrer-Policy") == "same-origin", path
        assert "object-src 'none'" in policy, path
        assert "base-uri 'none'" in policy, path
        assert "frame-ancestors 'none'" in policy, path
        assert "unsafe" not in policy, path


def test_every_answer_says_its_type_and_texts_their_encoding(alice_client: Client) -> None:
    for path, answer in answers(alice_client):
        kind = answer["Content-Type"]
        assert re.match(r"text/\w+; charset=utf-8|application/(problem\+)?json|image/", kind), (path, kind)


def test_no_answer_is_open_to_pages_of_other_sites(alice_client: Client) -> None:
    for path in KINDS:
        answer = alice_client.get(path, headers={"Origin": "https://evil.example"})
        assert not [name for name in answer.headers if name.startswith("Access-Control-")], path


def test_browsers_store_no_page_and_no_answer_of_the_api(alice_client: Client) -> None:
    for path in ("/", "/customers/", "/accounts/sign-in/", "/api/v1/exports"):
        answer = alice_client.get(path)
        assert answer.status_code != 404, path
        assert "no-store" in answer["Cache-Control"], path


@pytest.mark.parametrize("path", ["/", "/accounts/sign-in/", "/api/v1/exports", "/healthz"])
def test_trace_is_not_answered_with_what_was_sent(alice_client: Client, path: str) -> None:
    answer = alice_client.trace(path, headers={"X-Sent": "what was sent"})
    assert answer.status_code == 405
    assert b"what was sent" not in answer.content


def test_folders_are_not_listed(alice_client: Client) -> None:
    assert [alice_client.get(path).status_code for path in ("/static/", "/static/js/")] == [404, 404]


def is_private(cookie: "Morsel[str]") -> bool:
    return bool(cookie["httponly"]) and cookie["samesite"] == "Lax" and cookie["path"] == "/"


def test_cookies_are_for_the_server_and_this_site_alone(alice: User) -> None:
    browser = Client()
    browser.get("/accounts/sign-in/")
    browser.post("/accounts/sign-in/", {"username": "alice", "password": PASSWORD})
    expected = {settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME, settings.DEVICE_COOKIE_NAME}
    assert expected <= set(browser.cookies)
    assert [name for name, cookie in browser.cookies.items() if not is_private(cookie)] == []
    assert len(browser.cookies[settings.SESSION_COOKIE_NAME].value) >= 32  # of 36 letters: 165 bits


def test_messages_are_in_a_cookie_of_ours() -> None:
    request = RequestFactory().get("/")
    request.session = SessionStore()
    storage = MessageStorage(request)
    assert [getattr(each, "cookie_name", "") for each in storage.storages] == [settings.MESSAGE_COOKIE_NAME, ""]


def test_programs_without_tls_are_refused_and_not_led_on(client: Client, settings: LazySettings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    refused = client.get("/api/v1/exports", headers={"Authorization": "Bearer sgx_x"})
    assert (refused.status_code, refused["Content-Type"]) == (403, "application/problem+json")
    page = client.get("/accounts/sign-in/")
    assert (page.status_code, page["Location"]) == (301, "https://testserver/accounts/sign-in/")
    assert client.get("/api/v1/exports", secure=True).status_code == 401


def test_behind_https_browsers_remember_it_for_a_year_and_cookies_need_it() -> None:
    program = (
        "from config import settings as s; print(s.SECURE_HSTS_SECONDS, s.SECURE_HSTS_INCLUDE_SUBDOMAINS, "
        "s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE)"
    )
    known = {"PATH": "/usr/bin:/bin", "HTTPS": "yes", "VAR_DIR": "/tmp/headers", "SECRET_KEY": "x" * 40}
    known |= {"DATABASE_URL": "postgres://a:b@localhost/c"}
    found = subprocess.run([sys.executable, "-c", program], env=known, capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["31536000", "True", "True", "True"]
