"""Seal the keys of this installation with a passphrase, as a member of a backup, and open them again.

The key of AES-256-GCM is derived from the passphrase by scrypt with 128 MB of memory, which makes guessing
expensive.
"""

import json
import os
import shlex
import sys
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from getpass import getpass
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from django.utils.translation import gettext as _

from config import environment
from config.console.backup import archive
from config.console.backup.archive import BackupError

MIN_LENGTH: Final = 12
_SCRYPT: Final = {"n": 2**17, "r": 8, "p": 1}
_MADE_FOR: Final = b"segment-exports backup keys 1"


@dataclass(frozen=True)
class Keys:
    """What a restored system needs to read its secrets: the settings of these names."""

    secret_key: str
    secret_key_fallbacks: Sequence[str]
    encryption_keys: Sequence[str]

    def as_settings(self) -> str:
        """Return the keys as lines of a settings file such as ``.env``, quoted for shells and docker-compose."""
        values = {
            "SECRET_KEY": self.secret_key,
            "SECRET_KEY_FALLBACKS": ",".join(self.secret_key_fallbacks),
            "ENCRYPTION_KEYS": ",".join(self.encryption_keys),
        }
        return "".join(f"{name}={shlex.quote(value)}\n" for name, value in values.items() if value)


def seal(keys: Keys, passphrase: str) -> bytes:
    """Encrypt keys with a passphrase. Raises BackupError when it is too short."""
    if len(passphrase) < MIN_LENGTH:
        raise BackupError(_("The passphrase needs %(least)d characters or more.") % {"least": MIN_LENGTH})
    salt, nonce = os.urandom(16), os.urandom(12)
    content = json.dumps(asdict(keys)).encode()
    sealed = AESGCM(_derived(passphrase, salt)).encrypt(nonce, content, _MADE_FOR)
    parts = {"salt": salt, "nonce": nonce, "sealed": sealed}
    return json.dumps({name: b64encode(part).decode() for name, part in parts.items()}).encode()


def open_sealed(sealed: bytes, passphrase: str) -> Keys:
    """Decrypt what ``seal`` returned. Raises BackupError when the passphrase is another one, or it is damaged."""
    try:
        salt, nonce, content = (b64decode(json.loads(sealed)[name]) for name in ("salt", "nonce", "sealed"))
    except (ValueError, TypeError, KeyError):
        raise archive.damaged() from None
    try:
        content = AESGCM(_derived(passphrase, salt)).decrypt(nonce, content, _MADE_FOR)
    except InvalidTag:
        raise BackupError(_("The passphrase is not the one that this backup was created with.")) from None
    return Keys(**json.loads(content))


def ask_passphrase(*, is_new: bool) -> str:
    """Return the passphrase: from BACKUP_PASSPHRASE or BACKUP_PASSPHRASE_FILE, or typed in a terminal; a new one
    twice. Raises BackupError."""
    if given := environment.text("BACKUP_PASSPHRASE", ""):
        return given
    if not sys.stdin.isatty():
        raise BackupError(_("Set BACKUP_PASSPHRASE, or run the command in a terminal and type the passphrase."))
    typed = getpass(_("Passphrase of the keys: "))
    if is_new and typed != getpass(_("The same passphrase again: ")):
        raise BackupError(_("The two passphrases differ. Nothing was written."))
    return typed


def write_keys(backup: Path, target: Path, passphrase: str) -> None:
    """Write the keys in a backup to a new file of settings that only its owner can read. Raises BackupError and
    OSError."""
    with archive.reading(backup) as reader:
        keys = open_sealed(reader.content(archive.KEYS), passphrase)
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(keys.as_settings())


def _derived(passphrase: str, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=32, **_SCRYPT).derive(passphrase.encode())
