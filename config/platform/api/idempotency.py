"""Create something once, however often it is sent with the same Idempotency-Key."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated

from django.db import transaction
from django.http import Http404, HttpResponse
from django.utils.crypto import salted_hmac
from ninja import Header, Status
from pydantic import BaseModel

from config.platform import retention
from config.platform.api.models import IdempotencyKey
from config.platform.api.problems import Conflict
from config.platform.web.htmx import Request

KeyHeader = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[!-~]+$",
        description="For 24 hours, a repeat with the same key creates nothing again and shows what the first did.",
    ),
]


@transaction.atomic
def create_once(
    request: Request,
    response: HttpResponse,
    key: str | None,
    *,
    create: Callable[[], int],
    show: Callable[[int], BaseModel],
) -> Status[BaseModel]:
    """Return what ``show`` returns for the ID that ``create`` returns, or for the one that it returned when the
    same user sent the key to the same operation before. What is created and the key are committed together;
    nothing is kept when it raises. Of two requests at once, the second waits for the first. Only the ID is
    stored: a repeat shows what the present token may see. Raises Conflict for a key of another body, and when
    what was created is removed."""
    if key is None:
        return Status(HTTPStatus.CREATED, show(create()))
    row, is_new = IdempotencyKey.objects.get_or_create(
        user=request.user,
        operation=f"{request.method} {request.path}",
        key=key,
        defaults={"body_hash": _hash(request.body)},
    )
    if is_new:
        row.created_id = create()
        row.save(update_fields=["created_id"])
        return Status(HTTPStatus.CREATED, show(row.created_id))
    if row.body_hash != _hash(request.body):
        raise Conflict("The idempotency key was used for another request.", "idempotency_key_reused")
    response["Idempotency-Replayed"] = "true"
    try:
        return Status(HTTPStatus.CREATED, show(row.created_id))
    except Http404:
        raise Conflict("What the first request with this key created is removed.", "removed") from None


def forget_old() -> None:
    """Delete keys that are older than their retention."""
    IdempotencyKey.objects.filter(created_at__lt=retention.IDEMPOTENCY_KEYS.cutoff()).delete()


def _hash(body: bytes) -> str:
    """Return a keyed hash: a plain one would confirm a guessed body, which may hold personal data."""
    return salted_hmac("config.platform.api.idempotency", body, algorithm="sha256").hexdigest()
