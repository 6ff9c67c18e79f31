"""Find and convert encrypted secrets in the database: columns of encrypted dictionaries, and values inside JSON.

Key rotation and the check at start-up go through all of them, see rotation.py.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from django.apps import apps
from django.db import models
from django.db.models import Count, Min, Value
from django.db.models.functions import Cast, StrIndex, Substr

from config.platform.encryption.fields import EncryptedJSONField, Sealed
from config.platform.encryption.keyring import key_id_of

Reencrypt = Callable[[str], str]


@dataclass(frozen=True)
class Group:
    """The number of secrets of one store that lie under one key, and one of them."""

    key_id: str
    count: int
    example: str


class SecretStore(ABC):
    """Rows that hold ciphertexts. ``one`` and ``many`` name such rows in a sentence."""

    one: str
    many: str

    @abstractmethod
    def groups(self) -> Sequence[Group]:
        """Count the secrets by key."""

    @abstractmethod
    def not_under(self, key_id: str) -> Sequence[object]:
        """Return the primary keys of rows that hold something under another key."""

    @abstractmethod
    def convert(self, pk: object, reencrypt: Reencrypt) -> None:
        """Put ``reencrypt(ciphertext)`` in place of each ciphertext of a row, which is locked for the caller's
        transaction; a row that is gone is left alone."""


class SealedColumn(SecretStore):
    """One EncryptedJSONField of a model."""

    def __init__(self, model: type[models.Model], column: str) -> None:
        self.column, self.rows = column, model._default_manager.exclude(**{column: None})
        self.one, self.many = str(model._meta.verbose_name), str(model._meta.verbose_name_plural)

    def groups(self) -> Sequence[Group]:
        text = Cast(self.column, models.TextField())
        key_id = Substr(text, 1, StrIndex(text, Value(":")) - 1)
        by_key = self.rows.annotate(_key=key_id).values("_key").order_by("_key")
        found = by_key.annotate(_n=Count("pk"), _first=Min("pk")).values_list("_key", "_n", "_first")
        return [Group(key, count, stored) for key, count, pk in found if (stored := self._stored(pk))]

    def not_under(self, key_id: str) -> Sequence[object]:
        others = self.rows.exclude(**{f"{self.column}__startswith": f"{key_id}:"})
        return list(others.values_list("pk", flat=True))

    def convert(self, pk: object, reencrypt: Reencrypt) -> None:
        if stored := self._stored(pk, locked=True):
            self.rows.filter(pk=pk).update(**{self.column: Sealed(reencrypt(stored))})

    def _stored(self, pk: object, *, locked: bool = False) -> str:
        rows = self.rows.select_for_update(no_key=True) if locked else self.rows
        sealed = rows.filter(pk=pk).values_list(self.column, flat=True).first()
        return sealed.stored if isinstance(sealed, Sealed) else ""


class SealedTexts(SecretStore):
    """Ciphertexts inside the JSON of some rows, of which there are few: the values of ``names`` in ``column``.
    What carries no key id was never under the keyring and is left alone."""

    def __init__(
        self, rows: "models.QuerySet[models.Model]", column: str, names: Sequence[str], *, one: str, many: str
    ) -> None:
        self.rows, self.column, self.names, self.one, self.many = rows, column, names, one, many

    def groups(self) -> Sequence[Group]:
        found: dict[str, list[str]] = {}
        for _pk, texts in self._texts(self.rows):
            for stored in texts.values():
                found.setdefault(key_id_of(stored), []).append(stored)
        return [Group(key_id, len(each), each[0]) for key_id, each in sorted(found.items())]

    def not_under(self, key_id: str) -> Sequence[object]:
        found = self._texts(self.rows)
        return [pk for pk, texts in found if any(key_id_of(stored) != key_id for stored in texts.values())]

    def convert(self, pk: object, reencrypt: Reencrypt) -> None:
        rows = self.rows.filter(pk=pk)
        for _pk, texts in self._texts(rows.select_for_update(no_key=True)):
            data = rows.values_list(self.column, flat=True).get()
            changed = {name: reencrypt(stored) for name, stored in texts.items()}
            rows.update(**{self.column: {**data, **changed}})

    def _texts(self, rows: "models.QuerySet[models.Model]") -> Iterator[tuple[object, dict[str, str]]]:
        for pk, data in rows.values_list("pk", self.column):
            yield pk, {name: data[name] for name in self.names if ":" in str(data.get(name, ""))}


def encrypted_columns() -> list[SecretStore]:
    """List every EncryptedJSONField of the installed apps."""
    return [
        SealedColumn(model, field.name)
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if isinstance(field, EncryptedJSONField)
    ]
