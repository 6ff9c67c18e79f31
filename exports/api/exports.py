"""Operations of the REST API about exports: list, show, and start a run."""

from datetime import datetime
from http import HTTPStatus

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Router

from config.platform.accounts.decorators import check_permission
from config.platform.accounts.models import User
from config.platform.accounts.permissions import Permission
from config.platform.api.idempotency import KeyHeader, create_once
from config.platform.api.values import PAGE_SIZE, Answer, Body, Id, Limit, Page, Text, page_of
from config.platform.jobs.models import JobStatus
from config.platform.tags.models import with_tag
from config.platform.web.htmx import Request
from connections.destinations.values import FieldMapping
from exports.actions import runs
from exports.api.shown_run import RunOut, find_shown_run
from exports.models import Export, Run, RunAfter, RunKind, Trigger
from exports.models.snapshot import RunOptions
from exports.permissions import check_can_manage, user_can_manage

router = Router(tags=["Exports"])


class MappingOut(Answer):
    """An attribute, empty for a constant, and the field of the list that it is sent to. ``format``
    has what is not as it is: ``join``, ``separator``, ``case``, ``date_format``, ``default``."""

    attribute: str
    field: str
    format: dict[str, str]


class ExportOut(Answer):
    """An export. ``schedule_on`` is false for one that runs without a clock: on request, or after the data sources
    and exports in ``after_source_ids`` and ``after_export_ids``. ``last_status`` is null before its first run."""

    id: int
    name: str
    connection_id: int | None
    connection: str | None
    list_id: str
    list_title: str
    segment_ids: list[int]
    tags: list[str]
    email_attribute: str
    mapping: list[MappingOut]
    removal: str
    schedule_on: bool
    next_run_at: datetime | None
    after_source_ids: list[int]
    after_export_ids: list[int]
    last_run_id: int | None
    last_status: JobStatus | None
    can_manage: bool
    created_at: datetime


class StartRun(Body):
    """Options of a run; by default only changes are sent, with ``all_contacts`` all members of the segments."""

    all_contacts: bool = False


@router.get("/exports", response=Page[ExportOut], operation_id="list_exports", summary="List exports")
def list_exports(
    request: Request,
    *,
    name: Text = "",
    tag: Text = "",
    connection_id: Id | None = None,
    status: JobStatus | None = None,
    cursor: Id | None = None,
    limit: Limit = PAGE_SIZE,
) -> object:
    """List exports: those with a name, with a tag, on one connection, or whose last run has a status."""
    check_permission(request.user, Permission.EXPORT_VIEW)
    exports = with_tag(_exports(), tag)
    if name:
        exports = exports.filter(name__iexact=name)
    if connection_id is not None:
        exports = exports.filter(connection=connection_id)
    if status is not None:
        exports = exports.filter(last_status=status)  # type: ignore[misc]
    return page_of(
        exports, lambda found: [_shown(each, request.user) for each in found], cursor=cursor, limit=limit
    )


@router.get("/exports/{export_id}", response=ExportOut, operation_id="get_export", summary="Show an export")
def get_export(request: Request, export_id: Id) -> object:
    """Show one export with the status of its last run."""
    check_permission(request.user, Permission.EXPORT_VIEW)
    return _shown(get_object_or_404(_exports(), pk=export_id), request.user)


@router.post(
    "/exports/{export_id}/runs",
    response={HTTPStatus.CREATED: RunOut},
    operation_id="start_run",
    summary="Start a run",
)
def start_run(
    request: Request, response: HttpResponse, export_id: Id, body: StartRun, idempotency_key: KeyHeader = None
) -> object:
    """Start a run of an export now. Send an Idempotency-Key, so that a repeated request starts no second run."""
    check_permission(request.user, Permission.EXPORT_MANAGE)
    export = get_object_or_404(Export.objects.select_related("connection"), pk=export_id)
    check_can_manage(request.user, export)

    def create() -> int:
        options = RunOptions(everyone=body.all_contacts)
        return runs.start_run(export, by=request.user, trigger=Trigger.API, options=options).pk

    return create_once(request, response, idempotency_key, create=create, show=find_shown_run)


def _exports() -> "QuerySet[Export]":
    last = Run.objects.filter(export=OuterRef("pk")).exclude(kind=RunKind.LIST_CLEANUP).order_by("-id")
    links = Export.segments.through.objects.filter(export=OuterRef("pk")).order_by("segment_id")
    after = RunAfter.objects.filter(export=OuterRef("pk")).order_by("pk")
    return Export.objects.select_related("connection", "schedule").annotate(
        segment_ids=ArraySubquery(links.values("segment_id")),
        after_source_ids=ArraySubquery(after.exclude(source=None).values("source_id")),
        after_export_ids=ArraySubquery(after.exclude(predecessor=None).values("predecessor_id")),
        last_run_id=Subquery(last.values("pk")[:1]),
        last_status=Subquery(last.values("status")[:1]),
    )


def _shown(export: Export, user: User) -> ExportOut:
    schedule = getattr(export, "schedule", None)
    status = getattr(export, "last_status", None)
    return ExportOut(
        id=export.pk,
        name=export.name,
        connection_id=export.connection_id,
        connection=export.connection.name if export.connection else None,
        list_id=export.list_id,
        list_title=export.list_title,
        segment_ids=getattr(export, "segment_ids", []),
        tags=export.tags,
        email_attribute=export.email_attribute,
        mapping=[_shown_mapping(FieldMapping.from_json(each)) for each in export.mapping],
        removal=export.removal,
        schedule_on=schedule is None or schedule.is_on,
        next_run_at=schedule.due_at if schedule else None,
        after_source_ids=getattr(export, "after_source_ids", []),
        after_export_ids=getattr(export, "after_export_ids", []),
        last_run_id=getattr(export, "last_run_id", None),
        last_status=JobStatus(status) if status else None,
        can_manage=user_can_manage(user, export),
        created_at=export.created_at,
    )


def _shown_mapping(pair: FieldMapping) -> MappingOut:
    return MappingOut(attribute=pair.attribute, field=pair.field_key, format=pair.format.to_json())
