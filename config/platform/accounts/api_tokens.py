"""Create, find and revoke API tokens, and create service accounts. Each action is recorded in the audit.

A token is random, so a plain hash of it is enough; the look-up by hash takes the same time for every wrong one.
A service account is a user that no person can sign in to: it has a role, so that every check of permissions holds
for it as well, and it stays when the user who made it is removed.
"""

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from hashlib import sha256
from typing import TypeVar

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Model

from config.platform.accounts.models import ApiToken, User, normalize_username
from config.platform.accounts.scopes import permissions_of
from config.platform.accounts.sign_ins import may_use_account
from config.platform.audit.record import record
from config.platform.jobs import clock

TOKEN_PREFIX = "sgx_"  # noqa: S105 - by which scanners for leaked secrets know our tokens
_SHOWN = 12
ModelT = TypeVar("ModelT", bound=Model)
_SECONDS = 60


@dataclass(frozen=True)
class RateLimit:
    """How many requests a token may make in a minute, how many are left, and when the minute ends."""

    limit: int
    remaining: int
    reset_seconds: int

    @property
    def is_exceeded(self) -> bool:
        return self.remaining < 0


@dataclass(frozen=True)
class Authenticated:
    """A usable token with its user, whose permissions are limited to its scopes."""

    token: ApiToken
    user: User
    rate: RateLimit


@transaction.atomic
def create_token(
    *, user: User, name: str, scopes: Collection[str], days: int | None, by: User
) -> tuple[ApiToken, str]:
    """Create a token for a user or a service account, which expires after ``days`` (None: never). Returns it with
    its text, which is stored nowhere."""
    text = TOKEN_PREFIX + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        user=user,
        name=name,
        prefix=text[:_SHOWN],
        token_hash=_hash(text),
        scopes=sorted(scopes),
        created_by_name=str(by)[:150],
        expires_at=clock.now() + timedelta(days=days) if days else None,
    )
    changes: dict[str, tuple[object, object]] = {
        "user": (None, str(user)),
        "scopes": (None, token.scopes),
        "expires_at": (None, token.expires_at and token.expires_at.isoformat(timespec="seconds")),
    }
    record("created", token, by=by, changes=changes)
    return token, text


@transaction.atomic
def revoke_token(*, token: ApiToken, by: User | None) -> None:
    """Revoke a token for good; its row stays, so that users see when it was last used."""
    if ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=clock.now()):
        record("revoked", token, by=by, changes={"user": (str(token.user), str(token.user))})


@transaction.atomic
def revoke_all(*, user: User, by: User) -> None:
    """Revoke every token of a user for good."""
    for token in user.api_tokens.filter(revoked_at=None):
        revoke_token(token=token, by=by)


@transaction.atomic
def create_service_account(*, name: str, role: str, by: User) -> User:
    """Create a service account. Its name is unique among all user names."""
    account = User(username=name, full_name=name, role=role, is_service=True)
    account.set_unusable_password()
    account.save()
    record("added", account, by=by, changes={"role": (None, role), "is_service": (None, True)})
    return account


def is_name_taken(name: str) -> bool:
    """Return whether a user or a service account has a name, compared by its normal form."""
    return User.objects.filter(username_key=normalize_username(name)).exists()


def authenticate(text: str) -> Authenticated | None:
    """Return the token with its user, and count the request; None for a token that is unknown, expired, revoked,
    or of a user who is deactivated."""
    if not text.startswith(TOKEN_PREFIX) or not text.isascii():
        return None
    now = clock.now()
    minute, second = divmod(int(now.timestamp()), _SECONDS)
    with connection.cursor() as cursor:
        cursor.execute(_count_and_find(), {"hash": _hash(text), "minute": minute, "now": now})
        row = cursor.fetchone()
    if row is None:
        return None
    width = len(ApiToken._meta.concrete_fields)
    token, user = _from_row(ApiToken, row[:width]), _from_row(User, row[width:])
    if not may_use_account(user):
        return None
    user.token_permissions, user.token_name = permissions_of(token.scopes), token.name
    limit = settings.API_REQUESTS_PER_MINUTE
    return Authenticated(token, user, RateLimit(limit, limit - token.used, _SECONDS - second))


@cache
def _count_and_find() -> str:
    """Return the statement that counts a request of a usable token, and returns the token with its user: every
    request waits for it, so it is one."""
    columns = [
        f"{name}.{field.column}"
        for name, model in (("token", ApiToken), ("owner", User))
        for field in model._meta.concrete_fields
    ]
    return f"""
        UPDATE accounts_apitoken AS token
           SET used = CASE WHEN used_in_minute = %(minute)s THEN used + 1 ELSE 1 END,
               used_in_minute = %(minute)s, last_used_at = %(now)s
          FROM accounts_user AS owner
         WHERE token.token_hash = %(hash)s AND owner.id = token.user_id AND token.revoked_at IS NULL
           AND (token.expires_at IS NULL OR token.expires_at > %(now)s)
        RETURNING {", ".join(columns)}
    """  # noqa: S608 - names of our own columns


def _from_row(model: type[ModelT], row: Sequence[object]) -> ModelT:
    return model.from_db(connection.alias, [field.attname for field in model._meta.concrete_fields], list(row))


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()
