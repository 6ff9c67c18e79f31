"""Operations of the REST API about previews: what a run would do, in counts."""

from datetime import datetime
from http import HTTPStatus

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from ninja import Router, Status

from config.platform.accounts.decorators import check_permission
from config.platform.accounts.permissions import Permission
from config.platform.api.long_poll import Wait, look_until
from config.platform.api.values import Answer, Id
from config.platform.jobs.models import JobStatus
from config.platform.web.htmx import Request
from exports.actions import preview
from exports.models import Export, ExportPreview
from exports.permissions import check_can_manage

router = Router(tags=["Exports"])


class PreviewOut(Answer):
    """A preview of a run. ``counts`` is null until it is successful; ``message`` says why it failed.
    ``is_current`` is false when the export was changed since. ``calls`` counts the requests that the run would
    make; ``seconds`` estimates how long they take, and is null while that is unknown."""

    export_id: int
    status: JobStatus
    is_settled: bool
    is_current: bool
    message: str
    created_at: datetime
    finished_at: datetime | None
    list_title: str
    active_on_list: int | None
    counts: dict[str, int] | None
    removal_guard: str
    calls: int | None
    seconds: float | None


@router.post(
    "/exports/{export_id}/preview",
    response={HTTPStatus.ACCEPTED: PreviewOut},
    operation_id="request_preview",
    summary="Preview a run",
)
def request_preview(request: Request, export_id: Id) -> object:
    """Queue a preview of what a run would do now, or return the one that is being calculated. Nothing is sent."""
    check_permission(request.user, Permission.EXPORT_MANAGE)
    export = get_object_or_404(Export.objects.select_related("connection"), pk=export_id)
    check_can_manage(request.user, export)
    preview.request(export, by=request.user)
    return Status(HTTPStatus.ACCEPTED, _shown(get_object_or_404(_previews(), export=export_id)))


@router.get(
    "/exports/{export_id}/preview",
    response=PreviewOut,
    operation_id="get_preview",
    summary="Show or follow a preview",
)
def get_preview(request: Request, export_id: Id, wait: Wait = 0) -> object:
    """Show the last preview of an export; previews are kept for two days. With ``wait``, the answer comes when the
    preview has settled, after so many seconds at the latest."""
    check_permission(request.user, Permission.EXPORT_VIEW)

    def look() -> ExportPreview:
        return get_object_or_404(_previews(), export=export_id)

    return _shown(look_until(look, lambda found: not found.is_open, seconds=wait))


def _previews() -> "QuerySet[ExportPreview]":
    """Select previews without their first contacts, which are personal data."""
    return ExportPreview.objects.select_related("export").defer("sample", "export__mapping", "export__answers")


def _shown(found: ExportPreview) -> PreviewOut:
    outline = found.outline or {}
    return PreviewOut(
        export_id=found.export_id,
        status=JobStatus(found.status),
        is_settled=not found.is_open,
        is_current=found.export_version == found.export.version,
        message=found.message,
        created_at=found.created_at,
        finished_at=found.finished_at,
        list_title=outline.get("list_title", ""),
        active_on_list=outline.get("active_people"),
        counts=outline.get("results"),
        removal_guard=outline.get("removal_guard", ""),
        calls=outline.get("calls"),
        seconds=outline.get("seconds"),
    )
