"""Operations of the REST API about data sources: list, show, create, refresh, push and snapshot."""

from collections.abc import Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

from django.db.models import OuterRef, QuerySet, Subquery
from django.shortcuts import get_object_or_404
from ninja import Router, Status
from pydantic import Field, StringConstraints

from config.platform.accounts.decorators import check_permission
from config.platform.accounts.permissions import Permission
from config.platform.api.long_poll import Wait, look_until
from config.platform.api.problems import Conflict
from config.platform.api.values import PAGE_SIZE, WHOLE, Answer, Body, Id, Limit, Name, Page, Text, page_of
from config.platform.jobs.models import JobStatus
from config.platform.web.htmx import Request
from segments.models import DataSource, ImportJob, ImportMode, PushSnapshot
from segments.permissions import check_can_manage_data_sources
from segments.sources.actions import SourceHasNoFile, refresh_data_source
from segments.sources.column_plan import ColumnPlan, ColumnType, plans_from_list
from segments.sources.exit_codes import exit_code
from segments.sources.push import actions

router = Router(tags=["Data sources"])

MOST_PROFILES = 10_000
_MOST_ERRORS = 1_000
AttributeName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,99}$")]


class AttributeOut(Answer):
    """An attribute of a data source."""

    name: str
    type: ColumnType


class SourceOut(Answer):
    """A data source. ``is_pushed`` says whether profiles can be pushed to it."""

    id: int
    name: str
    key_columns: list[str]
    attributes: list[AttributeOut]
    is_pushed: bool
    profile_count: int
    refreshed_at: datetime | None
    last_import_id: int | None
    last_status: JobStatus | None
    created_at: datetime


class AttributeIn(Body):
    """An attribute of a new data source."""

    name: AttributeName
    type: Annotated[ColumnType, Field(strict=False)]


class CreateSource(Body):
    """A new data source for pushed profiles. Its attributes are fixed, the key columns among them."""

    name: Name
    key_columns: Annotated[list[AttributeName], Field(min_length=1, max_length=5)]
    attributes: Annotated[list[AttributeIn], Field(min_length=1, max_length=500)]


class PushProfiles(Body):
    """Profiles by upsert, or for a snapshot: objects with values by the names of attributes."""

    profiles: Annotated[list[Any], Field(min_length=1, max_length=MOST_PROFILES)]
    snapshot_id: Id | None = None


class RowErrorOut(Answer):
    """Why a profile was rejected; ``index`` is its position in the request."""

    index: int
    attribute: str | None
    reason: str


class PushOut(Answer):
    """How many profiles were accepted and rejected, with the first 1,000 errors."""

    accepted: int
    rejected: int
    errors: list[RowErrorOut]


class SnapshotOut(Answer):
    """A snapshot that profiles can be pushed for."""

    id: int
    started_at: datetime


class FinishSnapshot(Body):
    """How many profiles were accepted for the snapshot, so that none is missing unnoticed."""

    profiles: Annotated[int, Field(ge=1, le=10**10), WHOLE]


class ImportOut(Answer):
    """An import. With the status needs_confirmation a guard holds its removals until a user confirms them.
    ``exit_code`` is that of ``import_profiles``, and null until the import has ended."""

    id: int
    source_id: int
    mode: ImportMode
    status: JobStatus
    message: str
    created_at: datetime
    finished_at: datetime | None
    rows_read: int
    rows_created: int
    rows_updated: int
    rows_unchanged: int
    rows_rejected: int
    profiles_removed: int
    to_remove: int
    exit_code: int | None


@router.get("/sources", response=Page[SourceOut], operation_id="list_sources", summary="List data sources")
def list_sources(
    request: Request, *, name: Text = "", cursor: Id | None = None, limit: Limit = PAGE_SIZE
) -> object:
    """List data sources with the status of their last import."""
    check_permission(request.user, Permission.SEGMENT_VIEW)
    found = _sources()
    if name:
        found = found.filter(name__iexact=name)
    return page_of(found, lambda rows: list(map(_shown, rows)), cursor=cursor, limit=limit)


@router.post(
    "/sources",
    response={HTTPStatus.CREATED: SourceOut},
    operation_id="create_source",
    summary="Create a data source",
)
def create_source(request: Request, body: CreateSource) -> object:
    """Create a data source that profiles are pushed to."""
    check_can_manage_data_sources(request.user)
    columns = {each.name: ColumnType(each.type) for each in body.attributes}
    if len(columns) < len(body.attributes):
        raise actions.PushRefused("An attribute is named twice.")
    source = actions.create_source(
        name=body.name.strip(), key_columns=body.key_columns, columns=columns, by=request.user
    )
    return Status(HTTPStatus.CREATED, _shown(source))


@router.get("/sources/{source_id}", response=SourceOut, operation_id="get_source", summary="Show a data source")
def get_source(request: Request, source_id: Id) -> object:
    """Show one data source."""
    check_permission(request.user, Permission.SEGMENT_VIEW)
    return _shown(get_object_or_404(_sources(), pk=source_id))


@router.post(
    "/sources/{source_id}/refresh",
    response={HTTPStatus.ACCEPTED: ImportOut},
    operation_id="refresh_source",
    summary="Refresh a data source",
)
def refresh_source(request: Request, source_id: Id) -> object:
    """Queue an import of the file or the database query of a data source, or return the one that is queued. It
    waits for one that is processing, which may have read older rows."""
    check_can_manage_data_sources(request.user)
    try:
        job = refresh_data_source(get_object_or_404(DataSource, pk=source_id), by=request.user)
    except SourceHasNoFile as refusal:
        raise Conflict(str(refusal), "no_file") from None
    return Status(HTTPStatus.ACCEPTED, _shown_import(job))


@router.post(
    "/sources/{source_id}/profiles",
    response={HTTPStatus.ACCEPTED: PushOut},
    operation_id="push_profiles",
    summary="Push profiles",
)
def push_profiles(request: Request, source_id: Id, body: PushProfiles) -> object:
    """Accept profiles, each of which replaces the one with its key, and merge them within seconds. With
    ``snapshot_id`` they wait until the snapshot is finished. Profiles that do not fit are rejected one by one."""
    check_can_manage_data_sources(request.user)
    source = get_object_or_404(DataSource, pk=source_id)
    snapshot = _snapshot(source, body.snapshot_id) if body.snapshot_id is not None else None
    found = actions.accept(source, body.profiles, snapshot=snapshot, by=request.user)
    errors = [RowErrorOut(**vars(each)) for each in found.errors[:_MOST_ERRORS]]
    answer = PushOut(accepted=len(found.lines), rejected=len(found.errors), errors=errors)
    return Status(HTTPStatus.ACCEPTED, answer)


@router.post(
    "/sources/{source_id}/snapshots",
    response={HTTPStatus.CREATED: SnapshotOut},
    operation_id="start_snapshot",
    summary="Start a snapshot",
)
def start_snapshot(request: Request, source_id: Id) -> object:
    """Start a snapshot: push all profiles with its ID, then finish it within a day."""
    check_can_manage_data_sources(request.user)
    snapshot = actions.start_snapshot(get_object_or_404(DataSource, pk=source_id), by=request.user)
    return Status(HTTPStatus.CREATED, SnapshotOut(id=snapshot.pk, started_at=snapshot.started_at))


@router.post(
    "/sources/{source_id}/snapshots/{snapshot_id}/finish",
    response={HTTPStatus.ACCEPTED: ImportOut},
    operation_id="finish_snapshot",
    summary="Finish a snapshot",
)
def finish_snapshot(request: Request, source_id: Id, snapshot_id: Id, body: FinishSnapshot) -> object:
    """Import a snapshot: profiles of the data source that are not in it are removed, unless a guard holds that."""
    check_can_manage_data_sources(request.user)
    snapshot = _snapshot(get_object_or_404(DataSource, pk=source_id), snapshot_id)
    job = actions.finish_snapshot(snapshot, profiles=body.profiles, by=request.user)
    return Status(HTTPStatus.ACCEPTED, _shown_import(job))


@router.get(
    "/imports/{import_id}", response=ImportOut, operation_id="get_import", summary="Show or follow an import"
)
def get_import(request: Request, import_id: Id, wait: Wait = 0) -> object:
    """Show an import with its counts. With ``wait``, the answer comes when the import has ended, after so many
    seconds at the latest."""
    check_permission(request.user, Permission.SEGMENT_VIEW)

    def look() -> ImportJob:
        return get_object_or_404(ImportJob, pk=import_id)

    return _shown_import(look_until(look, lambda job: not job.is_open, seconds=wait))


def _snapshot(source: DataSource, snapshot_id: int) -> PushSnapshot:
    return get_object_or_404(PushSnapshot.objects.select_related("source"), pk=snapshot_id, source=source)


def _sources() -> "QuerySet[DataSource]":
    imports = ImportJob.objects.filter(source=OuterRef("pk")).order_by("-id")
    return DataSource.objects.annotate(
        last_import_id=Subquery(imports.values("pk")[:1]), last_status=Subquery(imports.values("status")[:1])
    )


def _shown(source: DataSource) -> SourceOut:
    status = getattr(source, "last_status", None)
    plans = [plan for plan in plans_from_list(source.column_plans) if not plan.is_ignored]
    return SourceOut(
        id=source.pk,
        name=source.name,
        key_columns=_key_names(source, plans) if source.is_pushed else source.key_columns,
        attributes=[AttributeOut(name=plan.attribute, type=plan.type) for plan in plans],
        is_pushed=source.is_pushed,
        profile_count=source.profile_count,
        refreshed_at=source.refreshed_at,
        last_import_id=getattr(source, "last_import_id", None),
        last_status=JobStatus(status) if status else None,
        created_at=source.created_at,
    )


def _key_names(source: DataSource, plans: Sequence[ColumnPlan]) -> list[str]:
    """Return the names of the attributes that are the key of a data source for pushed profiles."""
    names = {plan.column: plan.attribute for plan in plans}
    return [names.get(column, column) for column in source.key_columns]


def _shown_import(job: ImportJob) -> ImportOut:
    return ImportOut(
        id=job.pk,
        source_id=job.source_id,
        mode=ImportMode(job.mode),
        status=JobStatus(job.status),
        message=job.message,
        created_at=job.created_at,
        finished_at=job.finished_at,
        rows_read=job.rows_read,
        rows_created=job.rows_created,
        rows_updated=job.rows_updated,
        rows_unchanged=job.rows_unchanged,
        rows_rejected=job.rows_refused,
        profiles_removed=job.profiles_removed,
        to_remove=job.to_remove,
        exit_code=None if job.is_open else exit_code(job),
    )
