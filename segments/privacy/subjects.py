"""Identify a person: collect their profiles, keys and addresses, and hash them with a secret key.

Hashes are HMAC-SHA256, cut to 128 bits, with the same result in Python and in SQL. SQL gets the key as a setting
of the transaction, so that no statement contains it that could be logged because it is slow or fails.
"""

import hmac
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from uuid import UUID

from django.db import connection
from django.db.transaction import TransactionManagementError

from config.platform.text.addresses import comparable_email
from segments import catalog
from segments.store.lake import as_list, listed
from segments.store.profiles import (
    Condition,
    Profile,
    select_source_ids,
    select_source_profiles,
    source_profiles_of,
    with_parts,
)

# With the lookbehind a match starts only at the start of a word: without it a long word takes quadratic time.
_ADDRESS = re.compile(r"(?<![^\s@])[^\s@]+@[^\s@]+")
_DELIMITERS = re.compile(r"[,;\t|\"]")
# The attributes that exports send to are email attributes as well.
_USUAL = frozenset(
    {"email", "emailaddress", "mail", "mailaddress", "primaryemail", "contactemail", "privateemail", "workemail"}
)
_SEPARATORS = re.compile(r"[\s_-]+")
_BLOCK = 64
_SETTING = "segment_exports.{}"


class Scope(StrEnum):
    """What an erasure includes when other profiles have the same address."""

    ADDRESS = "address"  # all profiles with it
    PROFILE = "profile"  # this profile alone; the address stays with the others


@dataclass(frozen=True)
class Subject:
    """A person: their profiles in data sources and their own addresses."""

    profiles: Sequence[Profile]
    emails: Sequence[str]

    @cached_property
    def profile_ids(self) -> list[int]:
        return [profile.id for profile in self.profiles]

    @cached_property
    def key_hashes(self) -> list[UUID]:
        return [hash_of_key(profile.source_id, profile.key) for profile in self.profiles]

    @cached_property
    def email_hashes(self) -> list[UUID]:
        return [hash_of_email(email) for email in self.emails]


def subject_of(
    profile: Profile, email_attributes: Collection[str], *, scope: Scope, same_key: bool = False
) -> Subject:
    """Collect the person behind a profile: all profiles that are unified with it. Scope.ADDRESS includes all
    profiles with one of their addresses; ``same_key`` includes profiles of other data sources with their key."""
    profiles = {each.id: each for each in with_parts([profile])}
    if same_key:
        profiles |= {other.id: other for other in with_parts(with_key(profile))}
    if scope == Scope.PROFILE:
        return Subject(_in_order(profiles.values()), ())
    emails: set[str] = set()
    while found := set().union(*(addresses(each, email_attributes) for each in profiles.values())) - emails:
        emails |= found
        profiles |= {other.id: other for other in with_parts(_with_addresses(found, email_attributes))}
    return Subject(_in_order(profiles.values()), sorted(emails))


def is_email_attribute(name: str, email_attributes: Collection[str]) -> bool:
    """Say whether an attribute holds the person's own address: exports send to it, or its name says email."""
    return name in email_attributes or _SEPARATORS.sub("", name.casefold()) in _USUAL


def addresses(profile: Profile, email_attributes: Collection[str]) -> set[str]:
    """Collect the person's own normalized addresses, valid or not."""
    return {email for name, email in profile.emails.items() if is_email_attribute(name, email_attributes)}


def with_key(profile: Profile) -> list[Profile]:
    """Return the profiles of other data sources with the same key as a profile, or as one of its parts."""
    parts = with_parts([profile])
    found = {
        other.id: other
        for each in parts
        for other in select_source_profiles(Condition("key = ? AND source_id <> ?", [each.key, each.source_id]))
    }
    return _in_order(found[pk] for pk in found.keys() - {each.id for each in parts})


def words_with_address(text: str) -> list[str]:
    """Return the words of delimited text that may be addresses."""
    return [word.strip("\"'<>()[]{}") for part in _DELIMITERS.split(text) for word in _ADDRESS.findall(part)]


def names_address(emails: Sequence[str], value: object) -> bool:
    """Say whether a text, or a value of rules, contains one of the addresses, in any spelling."""
    if isinstance(value, Mapping):
        return any(names_address(emails, each) for each in value.values())
    if isinstance(value, list):
        return any(names_address(emails, each) for each in value)
    text = str(value)
    return comparable_email(text) in emails or any(email in text.lower() for email in emails)


def without_addresses(text: str) -> str:
    """Mask the addresses in a text, for records that are kept for good."""
    return _ADDRESS.sub("•••", text)


def _missing_key() -> bytes:
    raise RuntimeError("exports/apps.py has not set the function that reads the key")


# Returns the key of the hashes, 32 bytes that never change. exports/apps.py sets it: exports store the key.
read_hash_key: Callable[[], bytes] = _missing_key


def hash_of_email(email: str) -> UUID:
    """Hash a normalized address."""
    return _hash(f"email:{email}")


def hash_of_key(source_id: int, key: str) -> UUID:
    """Hash the key of a profile of a data source."""
    return _hash(f"key:{source_id}:{key}")


def pass_hash_key_to_sql() -> None:
    """Pass the key to SQL for this transaction; without it the expressions below are NULL."""
    connection.validate_no_broken_transaction()
    if not connection.in_atomic_block:
        raise TransactionManagementError("the key of hashes lasts as long as a transaction")
    with connection.cursor() as cursor:
        for name, pad in _pads().items():
            cursor.execute("SELECT set_config(%s, %s, true)", [_SETTING.format(name), "\\x" + pad.hex()])


def email_hash_sql(email: str) -> str:
    """Return an SQL expression for the hash of the address in the expression ``email``."""
    return _sql(f"'email:' || ({email})")


def _with_addresses(emails: Collection[str], email_attributes: Collection[str]) -> list[Profile]:
    columns = email_columns(email_attributes)
    if not columns:
        return []
    is_theirs = " OR ".join(f"coalesce({column} IN {listed('VARCHAR', '$emails')}, false)" for column in columns)
    # First the IDs, since a scan of the addresses alone reads a small part of the files.
    ids = select_source_ids(Condition(f"({is_theirs})", {"emails": as_list(emails)}))
    return source_profiles_of(ids)


def email_columns(email_attributes: Collection[str]) -> list[str]:
    """Return the columns of the profile store that hold people's own normalized addresses."""
    return [
        each.email_column
        for each in catalog.attributes()
        if each.has_emails and is_email_attribute(each.name, email_attributes)
    ]


def _in_order(profiles: Iterable[Profile]) -> list[Profile]:
    return sorted(profiles, key=lambda profile: profile.id)


def duckdb_hash_parameters() -> dict[str, bytes]:
    """Return the parameters of the expressions for DuckDB below."""
    return _pads()


def duckdb_hash(prefix: str, text: str) -> str:
    """Return a DuckDB expression for the hash of ``prefix`` and the expression ``text``; NULL for NULL."""
    inner = f"unhex(sha256($inner || encode('{prefix}' || ({text}))))"
    return f"CAST(left(sha256($outer || {inner}), 32) AS UUID)"


def _pads() -> dict[str, bytes]:
    key = read_hash_key().ljust(_BLOCK, b"\0")
    return {"inner": bytes(byte ^ 0x36 for byte in key), "outer": bytes(byte ^ 0x5C for byte in key)}


def _sql(text: str) -> str:
    inner, outer = (
        f"(SELECT nullif(current_setting('{_SETTING.format(name)}', true), '')::bytea)"
        for name in ("inner", "outer")
    )
    digest = f"sha256({outer} || sha256({inner} || convert_to({text}, 'UTF8')))"
    return f"encode(substring({digest} FOR 16), 'hex')::uuid"


def _hash(text: str) -> UUID:
    return UUID(bytes=hmac.digest(read_hash_key(), text.encode(), "sha256")[:16])
