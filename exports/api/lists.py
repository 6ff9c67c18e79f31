"""Operations of the REST API about list state: what is known of the contacts on a list."""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db.models import Count, QuerySet
from django.http import StreamingHttpResponse
from django.shortcuts import get_object_or_404
from ninja import Router

from config.platform.accounts.decorators import check_permission
from config.platform.accounts.permissions import Permission
from config.platform.api.ndjson import documented, ndjson
from config.platform.api.values import PAGE_SIZE, Answer, Id, Limit, Page, Text, page_of
from config.platform.audit.record import record
from config.platform.jobs.models import JobStatus
from config.platform.web.htmx import Request
from exports.models import (
    IMPORTED,
    DeliveredSet,
    ListState,
    ListWatch,
    RemovedContact,
    StatusSource,
    SubscriberStatus,
    SyncedContact,
)

router = Router(tags=["List state"])


class ContactState(StrEnum):
    """What is known of a contact: on the list as we sent it, suppressed by the list, or removed by a run."""

    ON_LIST = "on_list"
    SUPPRESSED = "suppressed"
    REMOVED = "removed"


class ListOut(Answer):
    """A list that exports send to, or have sent to."""

    id: int
    account: str
    list_id: str
    title: str
    export_ids: list[int]


class DriftOut(Answer):
    """What the last comparison of a list has found: when, and how many contacts differ in which way."""

    compared_at: datetime
    other_state: int
    other_data: int
    gone: int
    not_ours: int


class ListStateOut(ListOut):
    """A list with the number of its contacts; ``suppressed`` counts them by the code of the list. ``looked_at``:
    when it was last read for changes."""

    on_list: int
    suppressed: dict[str, int]
    removed: int
    looked_at: datetime | None
    drift: DriftOut | None


@router.get("/lists", response=Page[ListOut], operation_id="list_lists", summary="List the lists of exports")
def list_lists(
    request: Request, *, list_id: Text = "", cursor: Id | None = None, limit: Limit = PAGE_SIZE
) -> object:
    """List the lists whose state is known, with the exports that send there: all, or the one with the ID that the
    destination gave it."""
    check_permission(request.user, Permission.EXPORT_VIEW)
    found = _lists()
    if list_id:
        found = found.filter(list_id=list_id)
    return page_of(found, lambda rows: [ListOut(**_shown(each)) for each in rows], cursor=cursor, limit=limit)


@router.get(
    "/lists/{state_id}", response=ListStateOut, operation_id="get_list", summary="Count contacts of a list"
)
def get_list(request: Request, state_id: Id) -> object:
    """Count the contacts of a list by what is known of them."""
    check_permission(request.user, Permission.EXPORT_VIEW)
    state = get_object_or_404(_lists(), pk=state_id)
    imported = state.imported.count()
    codes = state.statuses.values("code").annotate(contacts=Count("email")).order_by("code")
    return ListStateOut(
        **_shown(state),
        on_list=SyncedContact.objects.filter(list_state=state).count(),
        suppressed={row["code"]: row["contacts"] for row in codes} | ({IMPORTED: imported} if imported else {}),
        removed=state.removed.count(),
        looked_at=ListWatch.objects.filter(list_state=state).values_list("looked_at", flat=True).first(),
        drift=_drift(state),
    )


def _drift(state: ListState) -> DriftOut | None:
    found = state.comparisons.filter(status=JobStatus.SUCCESSFUL, finished_at__isnull=False).first()
    if found is None or found.finished_at is None:
        return None
    return DriftOut(
        compared_at=found.finished_at,
        other_state=found.other_state,
        other_data=found.other_data,
        gone=found.gone,
        not_ours=found.not_ours,
    )


@router.get(
    "/lists/{state_id}/contacts",
    operation_id="get_list_contacts",
    summary="Stream the contacts of a list",
    openapi_extra=documented(
        "The contacts with one state, by address. Addresses of an imported suppression list come last."
    ),
)
def get_list_contacts(
    request: Request, state_id: Id, state: ContactState = ContactState.SUPPRESSED
) -> StreamingHttpResponse:
    """Stream what is known of the contacts of a list: those that it suppressed, with code, source and time
    (``since`` as the list writes it); those that exports sent; or those that runs removed. This is recorded in the
    audit."""
    check_permission(request.user, Permission.EXPORT_VIEW)
    check_permission(request.user, Permission.PERSONAL_DATA_SEE)
    found = get_object_or_404(ListState, pk=state_id)
    record("downloaded", found, by=request.user, changes={"people": (None, {"kind": state.value})})
    return ndjson(_CONTACTS[state](found))


def _suppressed(state: ListState) -> Iterator[dict[str, Any]]:
    for row in SubscriberStatus.objects.filter(list_state=state).order_by("email").iterator(chunk_size=2000):
        yield {
            "email": row.email,
            "state": ContactState.SUPPRESSED,
            "code": row.code,
            "source": row.source,
            "since": row.since or None,
            "known_since": row.known_since,
            "run_id": row.run_id or None,
        }
    for email, imported_at in state.imported.order_by("email").values_list("email", "imported_at").iterator():
        yield {
            "email": email,
            "state": ContactState.SUPPRESSED,
            "code": IMPORTED,
            "source": StatusSource.IMPORT,
            "since": None,
            "known_since": imported_at,
            "run_id": None,
        }


def _on_list(state: ListState) -> Iterator[dict[str, Any]]:
    for row in SyncedContact.objects.filter(list_state=state).order_by("email").iterator(chunk_size=2000):
        yield {
            "email": row.email,
            "state": ContactState.ON_LIST,
            "export_ids": row.exports,
            "run_id": row.last_run_id or None,
            "added_by_run_id": row.added_run_id or None,
        }


def _removed(state: ListState) -> Iterator[dict[str, Any]]:
    for row in RemovedContact.objects.filter(list_state=state).order_by("email").iterator(chunk_size=2000):
        yield {
            "email": row.email,
            "state": ContactState.REMOVED,
            "operation": row.operation,
            "export_ids": row.exports,
            "run_id": row.run_id or None,
        }


_CONTACTS = {
    ContactState.SUPPRESSED: _suppressed,
    ContactState.ON_LIST: _on_list,
    ContactState.REMOVED: _removed,
}


def _lists() -> "QuerySet[ListState]":
    """Select the lists that exports have sent to. Others are only watched so far."""
    sent_to = DeliveredSet.objects.values("list_state")
    return ListState.objects.filter(pk__in=sent_to).prefetch_related("sets")


def _shown(state: ListState) -> dict[str, Any]:
    sets: list[DeliveredSet] = sorted(state.sets.all(), key=lambda each: each.pk)
    return {
        "id": state.pk,
        "account": state.account,
        "list_id": state.list_id,
        "title": next((each.list_title for each in reversed(sets) if each.list_title), ""),
        "export_ids": [each.export_id for each in sets],
    }
