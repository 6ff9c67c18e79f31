"""`manage.py create_administrator`: the first person in."""

import io
from collections.abc import Callable

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from config.platform.accounts.models import User
from config.platform.audit.models import AuditEntry

Pipe = Callable[[str], None]
PASSWORD = "a-quite-long-one"


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> Pipe:
    """What standard input says."""
    return lambda text: monkeypatch.setattr("sys.stdin", io.StringIO(text))


@pytest.mark.django_db
def test_it_takes_the_password_from_standard_input(pipe: Pipe, capsys: pytest.CaptureFixture[str]) -> None:
    pipe(f"{PASSWORD}\n")
    call_command("create_administrator", username="dora", email="dora@example.com")
    assert User.objects.get(username="dora").is_administrator
    assert Client().login(username="dora", password=PASSWORD)
    assert AuditEntry.objects.get().actor_name == "system"
    assert "“dora” can now sign in as an administrator." in capsys.readouterr().out


@pytest.mark.django_db
def test_it_takes_the_password_from_the_environment(monkeypatch: pytest.MonkeyPatch, pipe: Pipe) -> None:
    pipe("")
    monkeypatch.setenv("ADMINISTRATOR_PASSWORD", PASSWORD)
    call_command("create_administrator", username="dora", name="Dora Dale")
    assert str(User.objects.get()) == "Dora Dale"


@pytest.mark.parametrize(
    ("options", "piped", "sentence"),
    [
        ({}, PASSWORD, "Enter a username: --username NAME."),
        ({"username": "do ra"}, PASSWORD, "cannot be used. Use only letters, digits"),
        ({"username": "ALICE"}, PASSWORD, "The username “ALICE” already exists."),
        ({"username": "dora", "email": "dora"}, PASSWORD, "“dora” is not an email address."),
        ({"username": "dora"}, "short", "The password cannot be used. This password is too short."),
        ({"username": "dora"}, "", "Enter a password in the variable ADMINISTRATOR_PASSWORD"),
    ],
)
def test_it_says_what_is_wrong_and_makes_no_user(
    alice: User, pipe: Pipe, options: dict[str, str], piped: str, sentence: str
) -> None:
    pipe(piped)
    with pytest.raises(CommandError, match=sentence):
        call_command("create_administrator", **options)
    assert list(User.objects.all()) == [alice]
