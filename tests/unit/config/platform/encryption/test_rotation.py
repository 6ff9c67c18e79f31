"""The keyring turns while everything stays readable."""

from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from pytest_django import Settings

from config.platform.accounts.models import User
from config.platform.audit.models import AuditEntry
from config.platform.encryption import keyring, rotation
from config.standalone import folders
from connections import credentials
from connections.models import Connection
from tests.support.connections import SECRET, make_connection


def new_key(key_id: str) -> str:
    return f"{key_id}:{Fernet.generate_key().decode()}"


def put_first(settings: Settings, key: str) -> None:
    settings.ENCRYPTION_KEYS = [key, *settings.ENCRYPTION_KEYS]


def key_ids() -> set[str]:
    return {group.key_id for _place, group in rotation.stored_secrets()}


def test_it_puts_everything_under_the_first_key(alice: User, settings: Settings) -> None:
    for name in ("One", "Two"):
        make_connection(alice, name)
    put_first(settings, new_key("k2"))

    done = rotation.rotate()

    assert (done.key_id, dict(done.converted), done.already, done.unreadable) == ("k2", {"k1": 2}, 0, [])
    assert key_ids() == {"k2"}
    settings.ENCRYPTION_KEYS = settings.ENCRYPTION_KEYS[:1]
    assert credentials.access(Connection.objects.all()[0]).credentials == {"api_key": SECRET}


def test_it_has_nothing_to_do_twice(alice: User, settings: Settings) -> None:
    make_connection(alice)
    put_first(settings, new_key("k2"))
    rotation.rotate()

    again = rotation.rotate()

    assert (dict(again.converted), again.already) == ({}, 1)
    assert AuditEntry.objects.filter(action="keyring.rotated").count() == 1


def test_it_leaves_what_it_cannot_read_and_says_so(
    alice: User, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    make_connection(alice)
    settings.ENCRYPTION_KEYS = [new_key("k2")]

    with pytest.raises(CommandError, match="contains no key “k1”"):
        call_command("rotate_encryption_key")

    assert key_ids() == {"k1"}


def test_it_says_in_the_record_which_keys_and_never_more(alice: User, settings: Settings) -> None:
    make_connection(alice)
    put_first(settings, new_key("k2"))

    rotation.rotate()

    entry = AuditEntry.objects.get(action="keyring.rotated")
    assert entry.changes == {"key": ["k1", "k2"], "secrets": ["", "1"]}


@pytest.fixture
def keyring_file(tmp_path: Path, settings: Settings) -> Path:
    """A keyring in a file, as the embedded system has it."""
    path = tmp_path / "encryption_key"
    path.write_text(",".join(settings.ENCRYPTION_KEYS), encoding="ascii")
    settings.ENCRYPTION_KEYS_FILE = path
    return path


def test_a_new_key_in_the_file_is_known_at_once(alice: User, keyring_file: Path) -> None:
    make_connection(alice)
    assert keyring.key_ids() == ["k1"]

    folders.put_new_key_first(keyring_file)

    assert keyring.key_ids() == ["k2", "k1"]
    assert credentials.access(Connection.objects.get()).credentials == {"api_key": SECRET}
    assert keyring_file.stat().st_mode & 0o077 == 0


def test_the_command_makes_a_key_and_converts(
    alice: User, keyring_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_connection(alice)

    call_command("rotate_encryption_key", "--make-key")

    said = capsys.readouterr().out
    assert "1 secret was encrypted again: key “k1” before, “k2” now." in said
    assert not any(entry.partition(":")[2].strip() in said for entry in keyring_file.read_text().split(","))
    assert key_ids() == {"k2"}


def test_keys_of_the_environment_cannot_be_made(alice: User) -> None:
    with pytest.raises(CommandError, match="are set in the environment"):
        call_command("rotate_encryption_key", "--make-key")


@pytest.mark.parametrize(
    "keys",
    [["k2:YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXoxMjM0NTY="], ["k1:YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXoxMjM0NTY="]],
)
def test_nothing_starts_with_a_keyring_that_cannot_read(alice: User, settings: Settings, keys: list[str]) -> None:
    make_connection(alice)
    assert rotation.check_keyring(databases=["default"]) == []
    settings.ENCRYPTION_KEYS = keys

    found = rotation.check_keyring(databases=["default"])

    assert [message.id for message in found] == ["keyring.E001"]
    assert "“k1”" in str(found[0].msg)
    assert all(key.partition(":")[2] not in str(found[0]) for key in keys)
