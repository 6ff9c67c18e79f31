"""A backup with the keys, sealed with a passphrase: ``backup --with-keys`` and ``restore --keys-to``."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.console.backup.archive import BackupError
from config.console.backup.sealed_keys import Keys, open_sealed, seal
from tests.integration.backup.systems import CONFIGURATION, KEYS, System, new_system

pytestmark = pytest.mark.processes

PASSPHRASE = "correct horse battery"
OTHER_KEYS = {
    "SECRET_KEY": "another-" * 8,
    "ENCRYPTION_KEYS": "k1:YW5vdGhlci1rZXktb2YtdGhpcnR5LXR3by1ieXRlczE=",
}


@pytest.fixture(scope="module")
def backup(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The backup with keys of a system that has a connection with stored credentials."""
    with new_system(tmp_path_factory.mktemp("systems"), "original", is_migrated=True) as system:
        configuration = system.folder / "configuration.yaml"
        configuration.write_text(CONFIGURATION, encoding="utf-8")
        system.succeed("apply", str(configuration))
        path = system.folder / "backup.tar"
        said = system.succeed("backup", str(path), "--with-keys", BACKUP_PASSPHRASE=PASSPHRASE)
        assert "Keep the passphrase elsewhere." in said
        yield path


@pytest.fixture
def other(tmp_path: Path) -> Iterator[System]:
    with new_system(tmp_path, "other", OTHER_KEYS) as system:
        (system.folder / "var").mkdir()
        yield system


def environment_of(path: Path) -> dict[str, str]:
    """Return what a shell reads in a file of settings."""
    program = 'set -a; . "$0"; env -0'
    found = subprocess.run(
        ["/bin/sh", "-c", program, str(path)], env={}, capture_output=True, text=True, check=True
    )
    pairs = dict(line.split("=", 1) for line in found.stdout.split("\0") if line)
    return {name: value for name, value in pairs.items() if "KEY" in name}


@pytest.mark.parametrize("secret", ["plain", "with $HOME and #; `ls`", "it's", 'a"b', "back\\slash"])
def test_a_shell_reads_the_keys_as_they_are(tmp_path: Path, secret: str) -> None:
    path = tmp_path / "keys.env"
    path.write_text(Keys(secret, ["older"], ["k1:a", "k0:b"]).as_settings(), encoding="utf-8")
    assert environment_of(path) == {
        "SECRET_KEY": secret,
        "SECRET_KEY_FALLBACKS": "older",
        "ENCRYPTION_KEYS": "k1:a,k0:b",
    }


@pytest.mark.parametrize(
    "sealed", [b"", b"[]", b"{}", b'{"salt": 1, "nonce": "", "sealed": ""}', b'{"salt": "?"}']
)
def test_damaged_keys_are_refused_with_a_sentence(sealed: bytes) -> None:
    with pytest.raises(BackupError, match="not a complete backup"):
        open_sealed(sealed, PASSPHRASE)


def test_the_keys_cannot_be_read_in_the_file(backup: Path) -> None:
    content = backup.read_bytes()
    for name in KEYS.values():
        assert name.encode() not in content


def test_a_system_that_lost_its_keys_reads_its_credentials_with_those_of_the_backup(
    other: System, backup: Path
) -> None:
    keys = other.folder / "keys.env"
    other.succeed("restore", str(backup), "--keys-to", str(keys), BACKUP_PASSPHRASE=PASSPHRASE)
    assert keys.stat().st_mode & 0o777 == 0o600
    found = environment_of(keys)
    assert found == KEYS
    other.succeed("restore", str(backup), **found)
    other.succeed("check", "--database", "default", **found)
    assert "ENCRYPTION_KEYS" in other.run("check", "--database", "default").stderr


def test_another_passphrase_is_refused_and_nothing_is_written(other: System, backup: Path) -> None:
    keys = other.folder / "keys.env"
    said = other.fail("restore", str(backup), "--keys-to", str(keys), BACKUP_PASSPHRASE="another passphrase")
    assert "The passphrase is not the one that this backup was created with." in said
    assert not keys.exists()


def test_a_file_that_exists_is_not_overwritten(other: System, backup: Path) -> None:
    keys = other.folder / "keys.env"
    keys.write_text("kept", encoding="utf-8")
    other.fail("restore", str(backup), "--keys-to", str(keys), BACKUP_PASSPHRASE=PASSPHRASE)
    assert keys.read_text(encoding="utf-8") == "kept"


def test_without_a_passphrase_and_a_terminal_nothing_is_written(other: System, backup: Path) -> None:
    other.environment.pop("BACKUP_PASSPHRASE", None)
    assert "Set BACKUP_PASSPHRASE" in other.fail("backup", str(other.folder / "b.tar"), "--with-keys")
    assert not (other.folder / "b.tar").exists()


def test_a_short_passphrase_is_refused() -> None:
    with pytest.raises(BackupError, match="12 characters"):
        seal(Keys("secret", ["older"], ["k1:key"]), "too short")


def test_a_changed_byte_is_noticed() -> None:
    sealed = seal(Keys("secret", ["older"], ["k1:key"]), PASSPHRASE)
    assert open_sealed(sealed, PASSPHRASE) == Keys("secret", ["older"], ["k1:key"])
    at = sealed.index(b'"sealed": "') + 14
    changed = sealed[:at] + (b"A" if sealed[at : at + 1] != b"A" else b"B") + sealed[at + 1 :]
    with pytest.raises(BackupError, match="passphrase"):
        open_sealed(changed, PASSPHRASE)


def test_the_same_keys_are_sealed_differently_each_time() -> None:
    keys = Keys(os.urandom(8).hex(), [], ["k1:key"])
    assert seal(keys, PASSPHRASE) != seal(keys, PASSPHRASE)
