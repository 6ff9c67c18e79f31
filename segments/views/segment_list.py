"""Show the list of segments, and update its cells during refreshes."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import F, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, Lower
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from config.platform.accounts.decorators import require_permission
from config.platform.accounts.models import User
from config.platform.accounts.permissions import Permission
from config.platform.jobs.models import OPEN, JobStatus
from config.platform.schedules import display
from config.platform.schedules.display import ShownSchedule
from config.platform.web.htmx import Request
from config.platform.web.lists import Column, list_page, row_id
from segments import hooks
from segments.models import Segment, SegmentRefresh
from segments.permissions import (
    user_can_manage_segments,
    user_can_see_personal_data,
)
from segments.refresh import schedule as refresh_schedule
from segments.rules import describe

_MAX_LIVE = 100

COLUMNS = [
    Column("name", _("Name"), order_by=(Lower("name"),)),
    Column("type", _("Type"), order_by=("is_static", Lower("name"))),
    Column("status", _("Status"), order_by=("last_status", Lower("name"))),
    Column("members", _("Members"), order_by=("member_count",), kind="number"),
    Column("refreshed", _("Last refreshed"), order_by=(F("refreshed_at").asc(nulls_first=True),)),
    Column("schedule", _("Schedule"), order_by=(F("schedule__due_at").asc(nulls_last=True),)),
    Column("used_by", _("Used by")),
]


@dataclass(frozen=True)
class SegmentRow:
    """A segment in the list."""

    segment: Segment
    status: str
    status_label: str
    sentence: str
    schedule: ShownSchedule
    usage_count: int

    @property
    def allowed_commands(self) -> str:
        """The commands that the segment allows now."""
        segment = self.segment
        allowed = ["deactivate" if segment.is_active else "activate"]
        allowed.append("make_dynamic" if segment.is_static else "make_static")
        return " ".join(allowed if refresh_schedule.skip_reason(segment) else [*allowed, "refresh"])

    @property
    def is_live(self) -> bool:
        return self.status in OPEN


@require_permission(Permission.SEGMENT_VIEW)
@require_safe
def segments(request: Request) -> HttpResponse:
    """Show the list; ``?tag=`` filters."""
    found = _with_status()
    if tag := request.GET.get("tag", ""):
        found = found.filter(tags__contains=[tag])
    page = list_page(request, found, columns=COLUMNS, search=("name", "description", "tags"), default="name")
    rows = _rows(page.rows, request.user)
    context = {
        "list": page,
        "rows": rows,
        "live_ids": _live_ids(rows),
        "tag": tag,
        "can_see_data": user_can_see_personal_data(request.user),
        "can_manage": user_can_manage_segments(request.user),
        "active_nav": "segments",
    }
    return render(request, "segments/list.html", context)


@require_permission(Permission.SEGMENT_VIEW)
@require_safe
def statuses(request: Request) -> HttpResponse:
    """Show the changing cells of the segments in ``?ids=``, for polling."""
    ids = [pk for text in request.GET.get("ids", "").split(",") if (pk := row_id(text)) is not None]
    rows = _rows(_with_status().filter(pk__in=ids[:_MAX_LIVE]), request.user)
    return render(request, "segments/statuses.html", {"rows": rows, "live_ids": _live_ids(rows)})


def _with_status() -> "QuerySet[Segment]":
    refreshes = SegmentRefresh.objects.filter(segment=OuterRef("pk")).order_by("-id")
    last_status = Coalesce(Subquery(refreshes.values("status")[:1]), Value(""))
    return Segment.objects.select_related("schedule").annotate(last_status=last_status)


def _rows(segments: Iterable[Segment], user: User) -> list[SegmentRow]:
    segments = list(segments)
    usage_counts = hooks.segment_users.usage_counts([segment.pk for segment in segments])
    system = display.system_state()
    masked = not user_can_see_personal_data(user)
    return [_row(segment, usage_counts.get(segment.pk, 0), system, masked=masked) for segment in segments]


def _row(segment: Segment, usage_count: int, system: display.SystemState, *, masked: bool) -> SegmentRow:
    status: str = getattr(segment, "last_status", "")
    label = JobStatus(status).label if status else _("Not started")
    schedule = ShownSchedule(getattr(segment, "schedule", None), system)
    sentence = describe.sentence(segment.rules, masked=masked)
    return SegmentRow(segment, status or "not_started", str(label), sentence, schedule, usage_count)


def _live_ids(rows: list[SegmentRow]) -> str:
    return ",".join(str(row.segment.pk) for row in rows if row.is_live)
