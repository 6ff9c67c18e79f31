"""Write audit entries, each with the network address that the change came from.

Call ``record`` inside the transaction that makes the change.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

from config.platform.accounts.models import User
from config.platform.audit.models import AuditEntry

_address: ContextVar[str] = ContextVar("audit_address", default="")


def current_origin() -> str:
    """Return the network address of the present request; empty for commands, workers and the clock."""
    return _address.get()


@contextmanager
def from_origin(address: str) -> Iterator[None]:
    """Record everything inside the block as coming from ``address``."""
    token = _address.set(address)
    try:
        yield
    finally:
        _address.reset(token)


SYSTEM = "system"


class Target(Protocol):
    """Anything that an audit entry can be about."""

    pk: int

    def __str__(self) -> str: ...


def record(
    action: str,
    target: Target,
    *,
    by: User | None,
    changes: Mapping[str, tuple[object, object]] | None = None,
    version: int | None = None,
) -> AuditEntry:
    """Write that ``by`` (None: the system itself) did ``action`` to ``target``. ``changes`` maps a field to
    what it was and what it is; the caller leaves secrets out. From where it was done is added here. The kind is
    that of the class itself, also for a lazy object such as ``request.user``."""
    return AuditEntry.objects.create(
        action=action,
        actor_id=by.pk if by else None,
        actor_name=_name_of(by) if by else SYSTEM,
        from_address=current_origin(),
        target_kind=target.__class__.__name__.lower(),
        target_id=target.pk,
        target_name=str(target)[:200],
        version=version,
        changes={field: [before, after] for field, (before, after) in (changes or {}).items()},
    )


def _name_of(user: User) -> str:
    """Return the name of a user, with that of the API token that the request was made by."""
    return (f"{user} ({user.token_name})" if user.token_name else str(user))[:150]


def changes_since(target: Target, version: int) -> list[AuditEntry]:
    """List the changes of ``target`` after ``version``, oldest first."""
    entries = AuditEntry.objects.filter(
        target_kind=target.__class__.__name__.lower(), target_id=target.pk, version__gt=version
    )
    return list(entries.order_by("id"))
