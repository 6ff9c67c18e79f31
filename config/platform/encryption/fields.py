"""Define a model field that stores a small dictionary of secrets encrypted."""

from typing import Any

import orjson
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from config.platform.encryption import keyring


class Sealed:
    """An encrypted dictionary as it is stored. Its repr shows nothing of it."""

    def __init__(self, stored: str) -> None:
        self.stored = stored

    @classmethod
    def of(cls, secrets: dict[str, str]) -> "Sealed":
        return cls(keyring.encrypt(orjson.dumps(secrets)))

    def open(self) -> dict[str, str]:
        """Return the secrets in the clear; raises encryption.CannotDecrypt."""
        return dict(orjson.loads(keyring.decrypt(self.stored)))

    @property
    def key_id(self) -> str:
        """Return the id of the key that it is encrypted with."""
        return keyring.key_id_of(self.stored)

    def __repr__(self) -> str:
        return "<sealed>"


class EncryptedJSONField(models.TextField):  # type: ignore[type-arg]
    """Store a Sealed; the clear value never touches the model."""

    def from_db_value(
        self, value: str | None, expression: object, connection: BaseDatabaseWrapper
    ) -> Sealed | None:
        return None if value is None else Sealed(value)

    def to_python(self, value: Any) -> Any:
        return value

    def get_prep_value(self, value: Any) -> str | None:
        return value.stored if isinstance(value, Sealed) else None
