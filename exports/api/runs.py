"""Operations of the REST API about runs: list, follow, cancel, confirm removals, and read results."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Annotated, Any

from django.db.models import QuerySet
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from ninja import Router
from pydantic import AfterValidator, Field, WithJsonSchema

from config.platform.accounts.decorators import check_permission
from config.platform.accounts.permissions import Permission
from config.platform.api.idempotency import KeyHeader, create_once
from config.platform.api.long_poll import Wait, look_until
from config.platform.api.ndjson import documented, ndjson
from config.platform.api.values import PAGE_SIZE, WHOLE, Body, Id, Limit, Page, page_of
from config.platform.audit.record import record
from config.platform.jobs.models import JobStatus
from config.platform.web.htmx import Request
from exports import permissions
from exports.actions import list_cleanup, runs
from exports.api.shown_run import RunOut, find_shown_run, runs_to_show, shown_run
from exports.models import Removal, Run
from exports.permissions import check_can_manage
from exports.reporting import run_contacts
from exports.reporting.contact_lists import ContactList
from exports.results.summary import ContactKind

router = Router(tags=["Runs"])


# The groups of contacts that a run did not deliver.
_NOT_DELIVERED = [
    kind
    for kind in run_contacts.LISTED
    if kind not in (ContactKind.MEMBERS, ContactKind.DELIVERED, ContactKind.PLANNED)
]


def _check_not_delivered(kind: ContactKind) -> ContactKind:
    if kind not in _NOT_DELIVERED:
        raise ValueError("These contacts are not listed here.")
    return kind


NotDelivered = Annotated[
    ContactKind,
    AfterValidator(_check_not_delivered),
    WithJsonSchema({"type": "string", "enum": [kind.value for kind in _NOT_DELIVERED]}),
]


class ConfirmRemovals(Body):
    """How many contacts may be removed, as ``removals_held`` of the run says, and how, as ``removal`` says: the
    removals have changed when these differ."""

    contacts: Annotated[int, Field(ge=1, le=10**9), WHOLE]
    removal: Annotated[Removal, Field(strict=False)]


@router.get("/runs", response=Page[RunOut], operation_id="list_runs", summary="List runs")
def list_runs(
    request: Request,
    *,
    export_id: Id | None = None,
    status: JobStatus | None = None,
    cursor: Id | None = None,
    limit: Limit = PAGE_SIZE,
) -> object:
    """List runs, the newest first: those of one export, or with one status."""
    check_permission(request.user, Permission.EXPORT_VIEW)
    found = runs_to_show()
    if export_id is not None:
        found = found.filter(export=export_id)
    if status is not None:
        found = found.filter(status=status)
    return page_of(found, lambda rows: list(map(shown_run, rows)), cursor=cursor, limit=limit, newest_first=True)


@router.get("/runs/{run_id}", response=RunOut, operation_id="get_run", summary="Show or follow a run")
def get_run(request: Request, run_id: Id, wait: Wait = 0) -> object:
    """Show a run. With ``wait``, the answer comes when the run has settled, after so many seconds at the latest;
    ask again until ``is_settled``."""
    check_permission(request.user, Permission.EXPORT_VIEW)
    return look_until(lambda: find_shown_run(run_id), lambda run: run.is_settled, seconds=wait)


@router.post("/runs/{run_id}/cancel", response=RunOut, operation_id="cancel_run", summary="Cancel a run")
def cancel_run(request: Request, run_id: Id) -> object:
    """Ask a run to stop, or not to be tried again. What was sent stays sent."""
    run = _managed(request, run_id)
    runs.cancel_run(run, by=request.user)
    return find_shown_run(run_id)


@router.post(
    "/runs/{run_id}/confirm",
    response={HTTPStatus.CREATED: RunOut},
    operation_id="confirm_removals",
    summary="Confirm held removals",
)
def confirm_removals(
    request: Request,
    response: HttpResponse,
    run_id: Id,
    body: ConfirmRemovals,
    idempotency_key: KeyHeader = None,
) -> object:
    """Start a run that removes up to ``contacts`` contacts whose removal a guard holds."""
    run = _managed(request, run_id)
    permissions.check_can_confirm(request.user, run)

    def create() -> int:
        confirm = list_cleanup.restart if run.is_cleanup else runs.confirm_removals
        return confirm(run, people=body.contacts, how=body.removal, by=request.user).pk

    return create_once(request, response, idempotency_key, create=create, show=find_shown_run)


@router.get(
    "/runs/{run_id}/results",
    operation_id="get_results",
    summary="Stream delivered contacts",
    openapi_extra=documented("The contacts that the list accepted."),
)
def get_results(request: Request, run_id: Id) -> StreamingHttpResponse:
    """Stream the contacts of a run that were delivered, each with its profile. This is recorded in the audit."""
    run = _of_personal_data(request, run_id, ContactKind.DELIVERED)
    found = run_contacts.list_contacts(run, ContactKind.DELIVERED)
    return ndjson(
        {"email": each.email, "profile_id": each.profile_id, "result": each.kind.value, "batch": each.batch}
        for each in found.all()
    )


@router.get(
    "/runs/{run_id}/rejections",
    operation_id="get_rejections",
    summary="Stream contacts that were not delivered",
    openapi_extra=documented("The contacts that were not delivered, each with a reason."),
)
def get_rejections(
    request: Request, run_id: Id, kind: NotDelivered = ContactKind.REJECTED
) -> StreamingHttpResponse:
    """Stream the contacts of a run with one result, such as rejected, suppressed or excluded, each with
    code and reason. This is recorded in the audit."""
    run = _of_personal_data(request, run_id, kind)
    return ndjson(_listed(run_contacts.list_contacts(run, kind)))


def _listed(contacts: ContactList) -> Iterator[dict[str, Any]]:
    for each in contacts.all():
        yield {
            "email": each.email,
            "profile_id": each.profile_id,
            "result": each.kind.value,
            "code": each.code,
            "reason": each.reason,
            "batch": each.batch,
            "field": each.field,
        }


def _runs() -> "QuerySet[Run]":
    return Run.objects.select_related("export__connection", "requested_by")


def _managed(request: Request, run_id: int) -> Run:
    """Return a run whose export the user may change. Raises Http404 and PermissionDenied."""
    check_permission(request.user, Permission.EXPORT_MANAGE)
    wanted = _runs().select_related("cleanup__delivered_set", "cleanup__connection")
    run = get_object_or_404(wanted, pk=run_id)
    check_can_manage(request.user, run.export)
    return run


def _of_personal_data(request: Request, run_id: int, kind: ContactKind) -> Run:
    """Return a run whose contacts the user may read unmasked, and record that they do."""
    check_permission(request.user, Permission.EXPORT_VIEW)
    check_permission(request.user, Permission.PERSONAL_DATA_SEE)
    run = get_object_or_404(_runs(), pk=run_id)
    record("downloaded", run, by=request.user, changes={"people": (None, {"kind": kind.value})})
    return run
