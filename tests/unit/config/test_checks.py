"""Start-up checks say what is wrong, and what to do."""

import pytest
from cryptography.fernet import Fernet
from django.core.checks import run_checks
from pytest_django import Settings


def found() -> list[str]:
    return [str(message.id) for message in run_checks(tags=["house"])]


@pytest.fixture(autouse=True)
def _fine(settings: Settings) -> None:
    settings.SECRET_KEY = "x" * 50
    settings.ENCRYPTION_KEYS = [f"k1:{Fernet.generate_key().decode()}"]


def test_all_is_well_by_default() -> None:
    assert found() == []


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ([], ["house.E001"]),
        (["k1"], ["house.E002"]),
        (["k1:short"], ["house.E002"]),
        ([":" + "A" * 43 + "="], ["house.E002"]),
        (["k1:" + "A" * 43 + "=", "k1:" + "B" * 43 + "="], ["house.E003"]),
    ],
)
def test_it_wants_keys_that_are_keys(settings: Settings, keys: list[str], expected: list[str]) -> None:
    settings.ENCRYPTION_KEYS = keys
    assert found() == expected


def test_it_never_quotes_a_key(settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = ["k1:hush"]
    assert all("hush" not in str(message) for message in run_checks(tags=["house"]))


@pytest.mark.parametrize(("host", "expected"), [("127.0.0.1", []), ("0.0.0.0", ["house.E004"])])
def test_the_demo_stays_on_this_machine(settings: Settings, host: str, expected: list[str]) -> None:
    settings.DEMO, settings.HOST = True, host
    assert found() == expected


def test_it_warns_of_a_short_secret_key(settings: Settings) -> None:
    settings.SECRET_KEY = "short"
    assert found() == ["house.E005"]


def test_it_warns_of_debugging_in_production(settings: Settings) -> None:
    settings.DEBUG, settings.EMBEDDED = True, False
    assert found() == ["house.E006"]


def test_it_warns_of_every_host(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    assert found() == ["house.W003"]


def test_a_deployment_without_https_is_named(settings: Settings) -> None:
    settings.HTTPS = False
    messages = run_checks(tags=["house"], include_deployment_checks=True)
    assert [message.id for message in messages] == ["house.W004"]
