"""Hash addresses and keys with a secret key: HMAC-SHA256, cut to 128 bits, with the same result in Python and in
SQL.

SQL gets the key as a setting of the transaction, so that no statement contains it that could be logged because
it is slow or fails.
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
    """Hash a normalized address."""
    return _hash(f"email:{email}")


def of_key(source_id: int, key: str) -> UUID:
    """Hash the key of a profile of a data source."""
    return _hash(f"key:{source_id}:{key}")


def ready_sql() -> None:
    """Pass the key to SQL for this transaction; without it the expressions below are NULL."""
    connection.validate_no_broken_transaction()
    if not connection.in_atomic_block:
        raise TransactionManagementError("the key of hashes lasts as long as a transaction")
    key = read_key().ljust(_BLOCK, b"\0")
    pads = {"inner": bytes(byte ^ 0x36 for byte in key), "outer": bytes(byte ^ 0x5C for byte in key)}
    with connection.cursor() as cursor:
        for name, pad in pads.items():
            cursor.execute("SELECT set_config(%s, %s, true)", [_SETTING.format(name), "\\x" + pad.hex()])


def email_sql(email: str) -> str:
    """Return an SQL expression for the hash of the address in the expression ``email``."""
    return _sql(f"'email:' || ({email})")


def key_sql(source_id: int, key: str) -> str:
    """Return an SQL expression for the hash of the key in the expression ``key``."""
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
