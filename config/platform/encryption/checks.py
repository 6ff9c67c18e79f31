"""Check at every start that the keyring reads what is stored: a wrong key would show only when a run sends."""

import sys
from collections.abc import Sequence

from celery.signals import worker_init
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import DatabaseError, connections

from config.platform.encryption import rotation

TAG = "keyring"


@register(Tags.database, TAG)
def check_keyring(databases: Sequence[str] | None = None, **_: object) -> list[CheckMessage]:
    """An error when something that is stored cannot be read with ENCRYPTION_KEYS. Silent while there is no
    database to ask, or no table yet."""
    if not databases:
        return []
    try:
        problems = rotation.why_not_readable()
    except DatabaseError:
        return []
    return [Error(rotation.sentence(problems), id="keyring.E001")] if problems else []


def refuse_to_start() -> None:
    """End the process with one sentence when the keyring does not read what is stored."""
    found = check_keyring(databases=["default"])
    connections.close_all()  # whoever starts may fork next
    if found:
        sys.exit(str(found[0].msg))


@worker_init.connect
def _check_before_working(**_: object) -> None:
    refuse_to_start()
