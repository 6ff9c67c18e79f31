"""Carry out a request once, however often it is sent with the same Idempotency-Key."""

from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from typing import Annotated, Any

from django.db import transaction
from django.http import HttpResponse
from ninja import Header, Status

from config.platform.api.models import IdempotencyKey
from config.platform.api.problems import Conflict
from config.platform.jobs import clock
from config.platform.web.htmx import Request

KEPT = timedelta(hours=24)

KeyHeader = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[!-~]+$",
        description="Repeats with the same key get the same answer, for 24 hours.",
    ),
]


@transaction.atomic
def once(
    request: Request, response: HttpResponse, key: str | None, act: Callable[[], tuple[int, Any]]
) -> Status[Any]:
    """Return the status and the body that ``act`` returns, or those that it returned when the same user sent the
    key before. What ``act`` writes and the key are committed together; nothing is kept when it raises. Of two
    requests at once, the second waits for the first. Raises Conflict for a key of another request."""
    if key is None:
        return Status(*act())
    row, is_new = IdempotencyKey.objects.get_or_create(
        user=request.user, key=key, defaults={"request_hash": _hash(request)}
    )
    if not is_new:
        if row.request_hash != _hash(request):
            raise Conflict("The idempotency key was used for another request.", "idempotency_key_reused")
        response["Idempotency-Replayed"] = "true"
        return Status(row.status, row.body)
    row.status, body = act()
    row.body = body.model_dump(mode="json")
    row.save(update_fields=["status", "body"])
    return Status(row.status, body)


def forget_old() -> None:
    """Delete keys that are older than KEPT."""
    IdempotencyKey.objects.filter(created_at__lt=clock.now() - KEPT).delete()


def _hash(request: Request) -> str:
    return sha256(f"{request.method} {request.path} ".encode() + request.body).hexdigest()
