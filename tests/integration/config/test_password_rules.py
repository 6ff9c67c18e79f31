"""Which passwords are taken, and how they are stored."""

import re

import pytest
from django.conf import LazySettings
from django.contrib.auth.hashers import PBKDF2PasswordHasher, identify_hasher
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.test import Client

from config.platform.accounts.models import User
from config.platform.web.models import Installation

pytestmark = pytest.mark.django_db

LONG = "four plain words, and ünïcode 🙂 to make it sixty-four letters or more"


def is_taken(password: str) -> bool:
    try:
        validate_password(password)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize("password", ["aaaaabbbbbcc", "only small letters", "8714069235170", LONG, "x y" * 40])
def test_any_characters_and_long_passwords_are_taken(password: str) -> None:
    assert is_taken(password)


@pytest.mark.parametrize("password", ["elevenchars", "qwertyuiop12", "1234567890", "q1w2e3r4t5y6"])
def test_short_and_common_ones_are_refused(password: str) -> None:
    assert is_taken(password) is False


@pytest.mark.parametrize(
    "password",
    [
        "SegmentExports1!",
        "segment exports",
        "Acme-Shoes-2026",
        "acmeshoes12345",
        "reports.acme2026",
        "exports-Reports",
    ],
)
def test_passwords_made_of_words_of_the_installation_are_refused(settings: LazySettings, password: str) -> None:
    Installation.objects.create(pk=1, organisation_name="Acme Shoes")
    settings.PUBLIC_URL = "https://reports.acme.example"
    with pytest.raises(ValidationError, match="name of the product, the organization or this site"):
        validate_password(password)


def test_such_a_word_in_a_long_password_is_no_problem(settings: LazySettings) -> None:
    settings.ORGANISATION_NAME = "Acme Shoes"
    assert is_taken("Acme has nine blue lamps")


def test_a_password_counts_exactly_as_it_was_typed(client: Client) -> None:
    user = User.objects.create_user("eve", f" {LONG} ", role="viewer")
    assert user.check_password(f" {LONG} ")
    for other in (LONG, f" {LONG.upper()} ", f" {LONG} "[:64], f" {LONG}"):
        assert not user.check_password(other)
    assert client.post("/accounts/sign-in/", {"username": "eve", "password": f" {LONG} "}).status_code == 302


def test_passwords_are_stored_by_a_slow_function_with_enough_rounds(settings: LazySettings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]
    user = User.objects.create_user("eve", LONG, role="viewer")
    assert isinstance(identify_hasher(user.password), PBKDF2PasswordHasher)
    algorithm, rounds, salt, _digest = user.password.split("$")
    assert (algorithm, len(salt) >= 22) == ("pbkdf2_sha256", True)
    assert int(rounds) >= 600_000


def test_password_fields_hide_what_is_typed_and_welcome_password_managers(
    client: Client, alice_client: Client
) -> None:
    for page, browser in (("/accounts/sign-in/", client), ("/accounts/password/", alice_client)):
        content = browser.get(page).content.decode()
        fields = re.findall(r'<input[^>]*name="(?:password|present)"[^>]*>', content)
        assert fields, page
        for field in fields:
            assert 'type="password"' in field
            assert re.search(r'autocomplete="(?:current|new)-password"', field)
            assert "onpaste" not in field
            assert "maxlength" not in field
