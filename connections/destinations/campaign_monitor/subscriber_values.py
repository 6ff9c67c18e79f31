"""Read the values of a subscriber from its record in a response."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

# The values that are not custom fields, by the keys of our fields.
_PLAIN = {"name": "Name", "mobile_number": "MobileNumber"}


def bare_key(key: str) -> str:
    """Write the key of a custom field without brackets and in lower case, to compare it."""
    return key.strip("[]").replace(" ", "").lower()


def values_of(record: Mapping[str, Any]) -> dict[str, frozenset[str]]:
    """Return the values of custom fields that have one, by key in lower case without brackets."""
    values: dict[str, frozenset[str]] = {}
    for row in record.get("CustomFields") or ():
        if row.get("Value"):
            key = bare_key(str(row["Key"]))
            values[key] = values.get(key, frozenset()) | {str(row["Value"])}
    return values


def hash_of(record: Mapping[str, Any], fields: Sequence[str]) -> str:
    """Hash the values of a record in ``fields``, as 32 hexadecimal digits; empty without fields."""
    if not fields:
        return ""
    values = values_of(record)
    shown = [
        str(record.get(_PLAIN[key]) or "") if key in _PLAIN else sorted(values.get(bare_key(key), ()))
        for key in fields
    ]
    return hashlib.md5(orjson.dumps(shown), usedforsecurity=False).hexdigest()
