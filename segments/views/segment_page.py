"""Show a segment: rules, members, trend, refreshes and exports; download its members."""

from typing import Any

from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from config.platform.accounts.decorators import require_permission
from config.platform.accounts.models import User
from config.platform.accounts.permissions import Permission
from config.platform.audit.record import record
from config.platform.jobs.models import NOT_STARTED, OPEN
from config.platform.schedules import describe as schedules_describe
from config.platform.schedules import display as schedules_display
from config.platform.schedules.display import ShownSchedule
from config.platform.web.htmx import Request
from segments import catalog, display, hooks
from segments.models import Profile, Segment, SegmentRefresh
from segments.permissions import (
    user_can_manage_segments,
    user_can_see_personal_data,
)
from segments.refresh import schedule, trend
from segments.rules import describe

MEMBERS_SHOWN = 100
MAX_NOT_STARTED = 5


@require_permission(Permission.SEGMENT_VIEW)
@require_safe
def detail(request: Request, pk: int) -> HttpResponse:
    """Show the page of a segment."""
    segment = get_object_or_404(Segment.objects.select_related("created_by", "schedule"), pk=pk)
    within = trend.range_of(request.GET.get("range", ""))
    context = _live_context(segment, request.user) | {
        "sentence": describe.sentence(segment.rules, masked=not user_can_see_personal_data(request.user)),
        "usages": hooks.segment_users.usages(pk),
        "refreshes": _refreshes(segment),
        "not_started": _not_started(segment),
        "can_manage": user_can_manage_segments(request.user),
        "shown": ShownSchedule(getattr(segment, "schedule", None), schedules_display.system_state()),
        "skip_reason": schedule.skip_reason(segment),
        "trend": trend.member_trend(segment, within),
        "trend_ranges": trend.RANGES,
        "trend_range": within,
        "active_nav": "segments",
    }
    return render(request, "segments/detail.html", context)


def _refreshes(segment: Segment) -> list[tuple[SegmentRefresh, str]]:
    """Return the last refreshes, each with a description of the due moment that started it."""
    refreshes = segment.refreshes.select_related("requested_by").prefetch_related("ticks").order_by("-id")[:6]
    return [
        (refresh, " ".join(schedules_describe.describe_tick(tick) for tick in refresh.ticks.all()))
        for refresh in refreshes
    ]


def _not_started(segment: Segment) -> list[str]:
    """Describe the last due moments that started no refresh."""
    ticks = segment.ticks.filter(result__in=NOT_STARTED)[:MAX_NOT_STARTED]
    return [schedules_describe.describe_tick(tick) for tick in ticks]


@require_permission(Permission.SEGMENT_VIEW)
@require_safe
def live(request: Request, pk: int) -> HttpResponse:
    """Show the changing part of the page, for polling."""
    segment = get_object_or_404(Segment, pk=pk)
    return render(request, "segments/detail_live.html", _live_context(segment, request.user))


@require_permission(Permission.SEGMENT_VIEW)
@require_permission(Permission.PERSONAL_DATA_SEE)
@require_safe
def download(request: Request, pk: int) -> StreamingHttpResponse:
    """Download all members with their attributes as CSV, and record the download."""
    segment = get_object_or_404(Segment, pk=pk)
    record("downloaded", segment, by=request.user, changes={"members": (None, segment.member_count)})
    headers = {"Content-Disposition": f'attachment; filename="segment-{pk}.csv"', "Cache-Control": "no-store"}
    return StreamingHttpResponse(
        display.members_csv(segment), content_type="text/csv; charset=utf-8", headers=headers
    )


def _live_context(segment: Segment, user: User) -> dict[str, Any]:
    job = segment.refreshes.order_by("-id").first()
    attributes = display.summary_attributes(catalog.attributes())
    members = Profile.objects.filter(memberships__segment=segment).order_by("memberships__profile_id")
    return {
        "segment": segment,
        "job": job,
        "attributes": attributes,
        "members": display.profile_rows(members[:MEMBERS_SHOWN], attributes, user),
        "members_shown": MEMBERS_SHOWN,
        "is_masked": not user_can_see_personal_data(user),
        "live_id": "segment",
        "live_url": reverse("segments:live", args=[segment.pk]),
        "live_done": job is None or job.status not in OPEN,
    }
