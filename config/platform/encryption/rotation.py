"""Rotate the encryption key of everything stored, and check at every start that the keyring reads it all.

Every row is locked, converted and committed alone, so a rotation may run at any time beside a running system.
What is written meanwhile under the old key is found in the next round. The old key is needed until the last row
is converted. A wrong key would otherwise show only when a run sends.
"""

import sys
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from allauth.mfa.models import Authenticator
from celery.signals import worker_init
from django.apps import apps
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import DatabaseError, connections, models, transaction
from django.db.models import Count, Min, Value
from django.db.models.functions import Cast, StrIndex, Substr

from config.platform.audit.record import record
from config.platform.encryption import keyring
from config.platform.encryption.fields import EncryptedJSONField, Sealed
from config.platform.encryption.keyring import CannotDecrypt, key_id_of

_MOST_ROUNDS = 5


Reencrypt = Callable[[str], str]


@dataclass(frozen=True)
class Group:
    """How many secrets of one store are encrypted with one key, and one of them as an example."""

    key_id: str
    count: int
    example: str


class SecretStore(ABC):
    """Rows that hold ciphertexts. ``one`` and ``many`` name such rows in a sentence."""

    one: str
    many: str

    @abstractmethod
    def groups(self) -> Sequence[Group]:
        """Count the secrets by key, in SQL where there may be many."""

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


@dataclass
class Keyring:
    """The target of the audit entry of a rotation."""

    pk: int = 0

    def __str__(self) -> str:
        return "ENCRYPTION_KEYS"


@dataclass
class Rotation:
    """The result of a rotation: how many secrets were under which key, and what could not be read."""

    key_id: str
    converted: Counter[str] = field(default_factory=Counter)
    already: int = 0
    unreadable: list[str] = field(default_factory=list)


def rotate() -> Rotation:
    """Encrypt everything again that is not under the first key. What cannot be read stays as it is."""
    done = Rotation(keyring.key_ids()[0])
    for _round in range(_MOST_ROUNDS):
        if not _one_round(done):
            break
    done.already = sum(group.count for _store, group in stored_secrets() if group.key_id == done.key_id)
    done.already -= sum(done.converted.values())
    if done.converted:
        changes = {"key": (", ".join(sorted(done.converted)), done.key_id)}
        changes["secrets"] = ("", str(sum(done.converted.values())))
        record("keyring.rotated", Keyring(), by=None, changes=changes)
    return done


def why_not_readable() -> Sequence[str]:
    """List what the keyring cannot read, a sentence for each key; empty when it reads everything."""
    problems = []
    for store, group in stored_secrets():
        try:
            keyring.decrypt(group.example)
        except CannotDecrypt as error:
            problems.append(f"{error} ({group.count} stored in {store.many})")
    return problems


def stored_secrets() -> Iterator[tuple[SecretStore, Group]]:
    """List all that is encrypted in the database, by store and key."""
    for store in _stores():
        for group in store.groups():
            yield store, group


def _stores() -> list[SecretStore]:
    """List everything that holds secrets: each EncryptedJSONField, and the second factors of allauth."""
    columns = [
        SealedColumn(model, field.name)
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if isinstance(field, EncryptedJSONField)
    ]
    authenticators = Authenticator.objects.order_by("pk")
    names = ("secret", "seed")
    return [
        *columns,
        SealedTexts(authenticators, "data", names, one="second factor", many="second factors"),
    ]


def _one_round(done: Rotation) -> int:
    """Convert the rows under other keys that are there now, and return how many they were."""
    before = sum(done.converted.values())
    done.unreadable = []
    for store in _stores():
        for pk in store.not_under(done.key_id):
            _convert(store, pk, done)
    return sum(done.converted.values()) - before


@transaction.atomic
def _convert(store: SecretStore, pk: object, done: Rotation) -> None:
    converted: Counter[str] = Counter()

    def reencrypt(stored: str) -> str:
        key_id = keyring.key_id_of(stored)
        if key_id == done.key_id:
            return stored
        converted[key_id] += 1
        return keyring.encrypt(keyring.decrypt(stored))

    try:
        store.convert(pk, reencrypt)
    except CannotDecrypt as error:
        done.unreadable.append(f"{store.one} {pk}: {error}")
    else:
        done.converted += converted


TAG = "keyring"


@register(Tags.database, TAG)
def check_keyring(databases: Sequence[str] | None = None, **_: object) -> list[CheckMessage]:
    """Check that ENCRYPTION_KEYS decrypt everything that is stored. Passes while there is no database to ask, or
    no table yet."""
    if not databases:
        return []
    try:
        problems = why_not_readable()
    except DatabaseError:
        return []
    if not problems:
        return []
    sentence = (
        f"Stored secrets cannot be decrypted: {'; '.join(problems)}. "
        "Add the missing key from your backup to ENCRYPTION_KEYS, then start again."
    )
    return [Error(sentence, id="keyring.E001")]


def refuse_to_start() -> None:
    """End the process with one sentence when the keyring does not read what is stored."""
    found = check_keyring(databases=["default"])
    connections.close_all()  # the process that starts may fork next
    if found:
        sys.exit(str(found[0].msg))


@worker_init.connect
def _check_before_working(**_: object) -> None:
    refuse_to_start()
