"""Rotate the encryption key of everything stored, and check at every start that the keyring reads it all.

Every row is locked, converted and committed alone, so a rotation may run at any time beside a running system.
What is written meanwhile under the old key is found in the next round. The old key is needed until the last row
is converted. A wrong key would otherwise show only when a run sends.
"""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from celery.signals import worker_init
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import DatabaseError, connections, transaction

from config.platform.accounts import second_factor
from config.platform.audit.record import record
from config.platform.encryption import keyring
from config.platform.encryption.encrypted_columns import Group, SecretStore, encrypted_columns
from config.platform.encryption.keyring import CannotDecrypt

_MOST_ROUNDS = 5


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
    """List everything that holds secrets. Those of second factors are in a table of allauth's."""
    return [*encrypted_columns(), second_factor.sealed_secrets()]


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


def sentence(problems: Sequence[str]) -> str:
    """Say why nothing may start, and what to do."""
    return (
        f"The keyring cannot read the secrets that are stored: {'; '.join(problems)}. "
        "Put the key that is missing back into ENCRYPTION_KEYS, from your backup, then start again."
    )


TAG = "keyring"


@register(Tags.database, TAG)
def check_keyring(databases: Sequence[str] | None = None, **_: object) -> list[CheckMessage]:
    """Return an error when something that is stored cannot be read with ENCRYPTION_KEYS. Silent while there is no
    database to ask, or no table yet."""
    if not databases:
        return []
    try:
        problems = why_not_readable()
    except DatabaseError:
        return []
    return [Error(sentence(problems), id="keyring.E001")] if problems else []


def refuse_to_start() -> None:
    """End the process with one sentence when the keyring does not read what is stored."""
    found = check_keyring(databases=["default"])
    connections.close_all()  # the process that starts may fork next
    if found:
        sys.exit(str(found[0].msg))


@worker_init.connect
def _check_before_working(**_: object) -> None:
    refuse_to_start()
