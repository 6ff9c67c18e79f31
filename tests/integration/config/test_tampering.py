"""Signed cookies, parameters and names that strangers or users made up change nothing, and nothing of customers is
in the cache."""

import base64

import pytest
from django.core import mail as outbox
from django.core import signing
from django.core.cache import cache
from django.db import connection
from django.test import Client
from pytest_django import Settings

from config.platform.accounts import lockout
from config.platform.accounts.models import SignInAttempt, User
from config.platform.audit.models import AuditEntry
from config.platform.notifications import mail
from segments.models import Segment
from tests.conftest import PASSWORD
from tests.support.api import client_of
from tests.support.profiles import create_profiles

pytestmark = pytest.mark.django_db
DOOR = "/accounts/sign-in/"
COOKIE = "segment_exports_device"
PAGES = ("/", "/data/exports/", "/segments/", "/data/sources/", "/customers/", "/help/", "/admin/audit/")


def device_of_attempt(cookie: str) -> str:
    """Fail to sign in with a device cookie, and return the device that was believed."""
    client = Client()
    client.cookies[COOKIE] = cookie
    client.post(DOOR, {"username": "alice", "password": "wrong"})
    return SignInAttempt.objects.get().device


@pytest.mark.parametrize(
    ("salt", "algorithm", "is_believed"),
    [
        (lockout._DEVICE_SALT, "sha256", True),
        (lockout._DEVICE_SALT, "sha1", False),
        (lockout._DEVICE_SALT, "sha512", False),
        ("another purpose", "sha256", False),
    ],
    ids=["ours", "SHA-1", "SHA-512", "another purpose"],
)
def test_a_cookie_counts_for_its_purpose_and_algorithm_alone(
    alice: User, salt: str, algorithm: str, is_believed: bool
) -> None:
    signer = signing.TimestampSigner(salt=salt, algorithm=algorithm)
    cookie = signer.sign_object({str(alice.pk): "device"})
    assert device_of_attempt(cookie) == ("device" if is_believed else "")


def test_the_password_does_not_count_in_the_address(alice: User) -> None:
    address = f"{DOOR}?username=alice&password={PASSWORD}"
    assert Client().post(address, {"username": "alice"}).status_code == 200
    assert Client().post(address, {"username": "alice", "password": "wrong"}).status_code == 200
    assert not AuditEntry.objects.filter(action="signed in").exists()


def test_a_parameter_that_comes_twice_is_one_value(alice: User, alice_client: Client) -> None:
    answer = client_of(alice).get("segments?limit=1&limit=x")
    assert answer.status_code == 422
    assert alice_client.get("/segments/?q=a&q=b").status_code == 200


def test_hostile_names_are_text_in_json(alice: User) -> None:
    name = "</script><script>'\"\\\u2028"
    Segment.objects.create(name=name, rules={"join": "all", "rules": []})
    answer = client_of(alice).get("segments")
    assert answer.headers["Content-Type"].startswith("application/json")
    assert [each["name"] for each in answer.json()["items"]] == [name]


def test_nothing_of_customers_is_cached(alice: User, alice_client: Client) -> None:
    create_profiles([{"email": "hush@example.com", "first_name": "Hush"}])
    cache.set("of-the-test", "hello")
    for path in PAGES:
        assert alice_client.get(path).status_code == 200, path
    client_of(alice).get("segments")
    with connection.cursor() as cursor:
        cursor.execute("SELECT value FROM cache")
        values = [base64.b64decode(value) for (value,) in cursor.fetchall()]
    assert [value for value in values if b"hello" in value]
    assert not [value for value in values if b"hush" in value.lower()]


def test_every_page_has_the_button_to_sign_out(alice_client: Client) -> None:
    for path in PAGES:
        assert '<form method="post" action="/accounts/sign-out/">' in alice_client.get(path).content.decode(), path


def test_a_name_adds_no_header_to_a_mail(settings: Settings) -> None:
    settings.MAIL_CONFIGURED = True
    subject = "Export “a\r\nBcc: evil@example.com\n\nbody” failed"
    assert mail.send("password_reset", to="alice@example.com", subject=subject, context={})
    (sent,) = outbox.outbox
    assert sent.recipients() == ["alice@example.com"]
    assert sent.message()["Bcc"] is None
    assert "\n" not in sent.subject
