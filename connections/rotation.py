"""Everything that is encrypted, put under the first key of the keyring; and whether the keyring reads it all.

Every row is locked, converted and committed by itself, so this may run at any time beside a system at work. What
somebody writes meanwhile under the old key is found in the next round. The old key is needed until the last row is
converted.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from django.apps import apps
from django.db import models, transaction
from django.db.models import Count, Min, Value
from django.db.models.functions import StrIndex, Substr

from config.audit.record import record
from connections import encryption
from connections.encryption import CannotDecrypt
from connections.fields import EncryptedJSONField, Sealed

_MOST_ROUNDS = 5


@dataclass
class Keyring:
    """What the record of a rotation speaks of."""

    pk: int = 0

    def __str__(self) -> str:
        return "ENCRYPTION_KEYS"


@dataclass
class Rotation:
    """What a rotation did: how many secrets were under which key, and what could not be read."""

    key_id: str
    converted: Counter[str] = field(default_factory=Counter)
    already: int = 0
    unreadable: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Stored:
    """How many secrets of one kind lie under one key; ``example`` is one of them."""

    model: type[models.Model]
    column: str
    key_id: str
    count: int
    example: Sealed = field(repr=False)


def rotate() -> Rotation:
    """Encrypt everything anew that is not under the first key. What cannot be read stays as it is."""
    done = Rotation(encryption.key_ids()[0])
    for _round in range(_MOST_ROUNDS):
        if not _one_round(done):
            break
    done.already = sum(found.count for found in stored_secrets() if found.key_id == done.key_id)
    done.already -= sum(done.converted.values())
    if done.converted:
        changes = {"key": (", ".join(sorted(done.converted)), done.key_id)}
        changes["secrets"] = ("", str(sum(done.converted.values())))
        record("keyring.rotated", Keyring(), by=None, changes=changes)
    return done


def why_not_readable() -> Sequence[str]:
    """What the keyring cannot read of what is stored, a sentence for each key; empty when it reads everything."""
    problems = []
    for found in stored_secrets():
        try:
            found.example.open()
        except CannotDecrypt as error:
            problems.append(f"{error} ({found.count} stored in {found.model._meta.verbose_name_plural})")
    return problems


def stored_secrets() -> Iterator[Stored]:
    """All that is encrypted in the database, by model and key."""
    for model, column in _sealed_columns():
        rows = model._default_manager.exclude(**{column: None})
        text = models.functions.Cast(column, models.TextField())
        key_id = Substr(text, 1, StrIndex(text, Value(":")) - 1)
        groups = (
            rows.annotate(_key=key_id).values("_key").annotate(_n=Count("pk"), _first=Min("pk")).order_by("_key")
        )
        for group in groups:
            example = rows.filter(pk=group["_first"]).values_list(column, flat=True).first()
            if isinstance(example, Sealed):
                yield Stored(model, column, group["_key"], group["_n"], example)


def _sealed_columns() -> Iterator[tuple[type[models.Model], str]]:
    for model in apps.get_models():
        for column in model._meta.concrete_fields:
            if isinstance(column, EncryptedJSONField):
                yield model, column.name


def _one_round(done: Rotation) -> int:
    """Convert what is there now; how many that were."""
    converted = 0
    done.unreadable = []
    for model, column in _sealed_columns():
        others = model._default_manager.exclude(**{column: None}).exclude(
            **{f"{column}__startswith": f"{done.key_id}:"}
        )
        for pk in list(others.values_list("pk", flat=True)):
            converted += _convert(model, column, pk, done)
    return converted


@transaction.atomic
def _convert(model: type[models.Model], column: str, pk: object, done: Rotation) -> int:
    rows = model._default_manager.filter(pk=pk)
    sealed = rows.select_for_update(no_key=True).values_list(column, flat=True).first()
    if not isinstance(sealed, Sealed) or sealed.key_id == done.key_id:
        return 0
    try:
        anew = Sealed.of(sealed.open())
    except CannotDecrypt as error:
        done.unreadable.append(f"{model._meta.verbose_name} {pk}: {error}")
        return 0
    rows.update(**{column: anew})
    done.converted[sealed.key_id] += 1
    return 1


def sentence(problems: Sequence[str]) -> str:
    """Why nothing may start, and what to do."""
    return (
        f"The keyring cannot read the credentials that are stored: {'; '.join(problems)}. "
        "Put the key that is missing back into ENCRYPTION_KEYS, from your backup, then start again."
    )
