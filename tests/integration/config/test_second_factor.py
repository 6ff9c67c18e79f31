"""The second factor: set up, asked for at the door, recovered from, taken away."""

import re
from importlib import import_module

import pytest
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet
from django.apps import apps
from django.test import Client
from pytest_django import Settings

from config.platform.accounts.models import User
from config.platform.audit.models import AuditEntry
from config.platform.encryption import rotation
from tests.conftest import PASSWORD
from tests.support.authenticator import code

DOOR = "/accounts/sign-in/"
CODE = "/accounts/sign-in/code/"
SECURITY = "/accounts/security/"
SET_UP = "/accounts/security/app/"
CODES = "/accounts/security/codes/"


def past_the_password(username: str, password: str = PASSWORD) -> Client:
    client = Client()
    assert client.post(DOOR, {"username": username, "password": password})["Location"] == CODE
    return client


def set_up(client: Client) -> str:
    """Set a second factor up the way a person does; its secret."""
    asked = client.get(SET_UP)
    client.post(asked["Location"], {"password": PASSWORD})
    page = client.get(SET_UP).content.decode()
    found = re.search(r"data-secret>([A-Z2-7]+)<", page)
    assert found
    assert client.post(SET_UP, {"code": code(found[1])})["Location"] == CODES
    return found[1]


@pytest.fixture
def secret(alice_client: Client) -> str:
    return set_up(alice_client)


def test_it_asks_for_the_password_before_setting_up(alice_client: Client) -> None:
    assert alice_client.get(SET_UP)["Location"].startswith("/accounts/again/?next=")
    page = alice_client.post(f"/accounts/again/?next={SET_UP}", {"password": "wrong"}).content.decode()
    assert "Incorrect password" in page
    assert alice_client.get(SET_UP).status_code == 302


def test_the_page_draws_the_code_without_breaking_the_policy(alice_client: Client) -> None:
    alice_client.post("/accounts/again/", {"password": PASSWORD})
    page = alice_client.get(SET_UP).content.decode()
    drawing = page[page.index("<svg", page.index("qr-code")) :]
    assert "data:" not in page
    assert "style=" not in drawing[: drawing.index("</svg>")]
    assert "<?xml" not in page


def test_it_asks_for_a_code_at_the_door(secret: str, alice: User) -> None:
    client = past_the_password("alice")
    assert client.get("/").status_code == 302
    assert "Enter your code" in client.get(CODE).content.decode()
    wrong = client.post(CODE, {"code": "000000"})
    assert "Incorrect code" in wrong.content.decode()
    assert client.get("/").status_code == 302
    assert client.post(CODE, {"code": code(secret, steps=1)})["Location"] == "/"
    assert client.get("/").status_code == 200


def test_it_leads_back_to_the_page_that_was_asked_for(secret: str, alice: User) -> None:
    client = Client()
    client.post(DOOR, {"username": "alice", "password": PASSWORD, "next": "/help/statuses/"})
    assert client.post(CODE, {"code": code(secret, steps=1)})["Location"] == "/help/statuses/"


def test_a_code_works_once(secret: str, alice: User) -> None:
    shown = code(secret, steps=1)
    assert past_the_password("alice").post(CODE, {"code": shown})["Location"] == "/"
    assert past_the_password("alice").post(CODE, {"code": shown}).status_code == 200


def test_the_code_that_activates_it_does_not_sign_in_again(alice_client: Client, alice: User) -> None:
    alice_client.post(alice_client.get(SET_UP)["Location"], {"password": PASSWORD})
    found = re.search(r"data-secret>([A-Z2-7]+)<", alice_client.get(SET_UP).content.decode())
    assert found
    shown = code(found[1])
    assert alice_client.post(SET_UP, {"code": shown})["Location"] == CODES
    assert past_the_password("alice").post(CODE, {"code": shown}).status_code == 200
    assert past_the_password("alice").post(CODE, {"code": code(found[1], steps=1)})["Location"] == "/"


def test_a_recovery_code_works_once(secret: str, alice_client: Client, alice: User) -> None:
    page = alice_client.get(CODES).content.decode()
    recovery = re.findall(r"<li>(\d{8})</li>", page)
    assert len(recovery) == 10
    assert past_the_password("alice").post(CODE, {"code": recovery[0]})["Location"] == "/"
    assert past_the_password("alice").post(CODE, {"code": recovery[0]}).status_code == 200
    assert AuditEntry.objects.get(action="recovery code used").target_name == "Alice Adams"
    assert alice_client.get(CODES + "file/").content.decode().count("\n") >= 9


def test_it_stops_guessing_of_codes(secret: str, alice: User) -> None:
    client = past_the_password("alice")
    for _ in range(5):
        client.post(CODE, {"code": "000000"})
    assert client.post(CODE, {"code": code(secret)}).status_code == 200
    assert client.get("/").status_code == 302


def test_a_user_who_was_deactivated_between_password_and_code_stays_out(secret: str, alice: User) -> None:
    client = past_the_password("alice")
    User.objects.filter(pk=alice.pk).update(is_active=False)
    client.post(CODE, {"code": code(secret)})
    assert client.get("/").status_code == 302


def test_its_secret_is_not_kept_in_the_clear(secret: str) -> None:
    assert secret not in str(list(Authenticator.objects.values_list("data", flat=True)))


def test_it_is_turned_off_and_all_of_it_recorded(secret: str, alice_client: Client, alice: User) -> None:
    assert alice_client.post(SET_UP + "remove/")["Location"] == SECURITY
    assert Client().post(DOOR, {"username": "alice", "password": PASSWORD})["Location"] == "/"
    recorded = list(AuditEntry.objects.order_by("id").values_list("action", flat=True))
    assert recorded == ["second factor added", "second factor removed", "signed in"]
    assert not Authenticator.objects.exists()


def test_an_administrator_resets_it(alice_client: Client, alice: User, bob_client: Client, bob: User) -> None:
    set_up(bob_client)
    past_the_password("bob")
    address = f"/admin/permissions/{bob.pk}/second-factor/"
    assert bob_client.post(address).status_code == 403
    assert "Reset the second factor of “Bob Brown”?" in alice_client.get(address).content.decode()
    alice_client.post(address)
    assert Client().post(DOOR, {"username": "bob", "password": PASSWORD})["Location"] == "/"
    assert AuditEntry.objects.get(action="second factor reset").actor_name == "Alice Adams"


def test_strangers_see_none_of_it(stranger_client: Client) -> None:
    for page in (SECURITY, SET_UP, CODES, CODES + "new/", CODES + "file/", "/accounts/again/"):
        assert stranger_client.get(page)["Location"].startswith(DOOR)
    assert stranger_client.get(CODE)["Location"] == DOOR


def test_the_security_page_says_how_things_stand(secret: str, alice_client: Client) -> None:
    assert "You need a code from your authenticator app" in alice_client.get(SECURITY).content.decode()
    assert "Turn off the second factor?" in alice_client.get(SET_UP + "remove/").content.decode()
    assert "Create new recovery codes?" in alice_client.get(CODES + "new/").content.decode()


def stored() -> list[str]:
    rows = Authenticator.objects.order_by("pk").values_list("data", flat=True)
    return [text for data in rows for name, text in data.items() if name in ("secret", "seed")]


def test_turning_the_keys_covers_it(secret: str, settings: Settings) -> None:
    assert [text.partition(":")[0] for text in stored()] == ["k1", "k1"]
    settings.ENCRYPTION_KEYS = [f"k2:{Fernet.generate_key().decode()}", *settings.ENCRYPTION_KEYS]

    done = rotation.rotate()

    assert (dict(done.converted), done.unreadable) == ({"k1": 2}, [])
    settings.ENCRYPTION_KEYS, settings.SECRET_KEY = settings.ENCRYPTION_KEYS[:1], "another" * 8
    assert past_the_password("alice").post(CODE, {"code": code(secret, steps=1)})["Location"] == "/"


def test_nothing_starts_without_its_key(secret: str, settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = [f"k2:{Fernet.generate_key().decode()}"]
    (found,) = rotation.check_keyring(databases=["default"])
    assert "contains no key “k1” (2 stored in second factors)" in str(found.msg)


def test_one_from_before_the_keyring_goes_on_working(secret: str) -> None:
    migration = import_module("config.platform.accounts.migrations.0004_second_factors_under_the_keyring")
    migration.under_secret_key(apps, None)
    assert [text for text in stored() if ":" in text] == []
    assert rotation.check_keyring(databases=["default"]) == []
    migration.under_the_keyring(apps, None)
    assert [text.partition(":")[0] for text in stored()] == ["k1", "k1"]
    assert past_the_password("alice").post(CODE, {"code": code(secret, steps=1)})["Location"] == "/"
