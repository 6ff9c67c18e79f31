"""Keyed hashes of addresses and keys: HMAC-SHA256 under a key of its own, cut to 128 bits; the same in Python and
in SQL.

The key reaches SQL as a setting of the transaction, so that it stands in no statement that could be logged for
being slow or for failing.
"""

import hmac
from collections.abc import Callable
from uuid import UUID

from django.db import connection
from django.db.transaction import TransactionManagementError

_BLOCK = 64
_SETTING = "segment_exports.{}"


def _missing_key() -> bytes:
    raise RuntimeError("exports/apps.py has not set the function that reads the key")


# Returns the key of the hashes, 32 bytes that never change. exports/apps.py sets it: exports store the key.
read_key: Callable[[], bytes] = _missing_key


def of_email(email: str) -> UUID:
    """The hash of an address, trimmed and lower-cased already."""
    return _hash(f"email:{email}")


def of_key(source_id: int, key: str) -> UUID:
    """The hash of a key within a data source."""
    return _hash(f"key:{source_id}:{key}")


def ready_sql() -> None:
    """Let the fragments below be used within this transaction; without it they are NULL."""
    connection.validate_no_broken_transaction()
    if not connection.in_atomic_block:
        raise TransactionManagementError("the key of hashes lasts as long as a transaction")
    key = read_key().ljust(_BLOCK, b"\0")
    pads = {"inner": bytes(byte ^ 0x36 for byte in key), "outer": bytes(byte ^ 0x5C for byte in key)}
    with connection.cursor() as cursor:
        for name, pad in pads.items():
            cursor.execute("SELECT set_config(%s, %s, true)", [_SETTING.format(name), "\\x" + pad.hex()])


def email_sql(email: str) -> str:
    """An expression for the hash of the address that the expression ``email`` gives."""
    return _sql(f"'email:' || ({email})")


def key_sql(source_id: int, key: str) -> str:
    """An expression for the hash of the key that the expression ``key`` gives."""
    return _sql(f"'key:{int(source_id)}:' || ({key})")


def _sql(text: str) -> str:
    inner, outer = (
        f"(SELECT nullif(current_setting('{_SETTING.format(name)}', true), '')::bytea)"
        for name in ("inner", "outer")
    )
    digest = f"sha256({outer} || sha256({inner} || convert_to({text}, 'UTF8')))"
    return f"encode(substring({digest} FOR 16), 'hex')::uuid"


def _hash(text: str) -> UUID:
    return UUID(bytes=hmac.digest(read_key(), text.encode(), "sha256")[:16])
