"""Operations of the REST API about the audit log."""

from datetime import datetime
from typing import Any

from ninja import Router

from config.platform.accounts.decorators import check_permission
from config.platform.accounts.permissions import Permission
from config.platform.api.values import PAGE_SIZE, Answer, Id, Limit, Page, Text, page_of
from config.platform.audit.models import AuditEntry
from config.platform.web.htmx import Request

router = Router(tags=["Audit log"])


class AuditEntryOut(Answer):
    """Who did what, when, and from where. ``changes`` maps fields to what they were and are."""

    id: int
    at: datetime
    actor_id: int | None
    actor: str
    from_address: str
    action: str
    target_kind: str
    target_id: int | None
    target: str
    changes: dict[str, list[Any]]


@router.get("/audit", response=Page[AuditEntryOut], operation_id="list_audit", summary="List the audit log")
def list_audit(
    request: Request,
    *,
    actor_id: Id | None = None,
    action: Text = "",
    target_kind: Text = "",
    target_id: Id | None = None,
    cursor: Id | None = None,
    limit: Limit = PAGE_SIZE,
) -> object:
    """List entries of the audit log, the newest first: those of one user, of one action, or about one thing."""
    check_permission(request.user, Permission.AUDIT_VIEW)
    found = AuditEntry.objects.all()
    asked = {"actor_id": actor_id, "action": action, "target_kind": target_kind, "target_id": target_id}
    found = found.filter(**{name: value for name, value in asked.items() if value not in (None, "")})
    return page_of(found, lambda rows: list(map(_shown, rows)), cursor=cursor, limit=limit, newest_first=True)


def _shown(entry: AuditEntry) -> AuditEntryOut:
    return AuditEntryOut(
        id=entry.pk,
        at=entry.at,
        actor_id=entry.actor_id,
        actor=entry.actor_name,
        from_address=entry.from_address,
        action=entry.action,
        target_kind=entry.target_kind,
        target_id=entry.target_id,
        target=entry.target_name,
        changes=entry.changes,
    )
