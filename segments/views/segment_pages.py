"""Show segments: the list, the page with rules, members, refreshes, exports and a chart of members; download
members."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import F, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, Lower, TruncDate
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from config.platform import db
from config.platform.accounts.decorators import require_permission
from config.platform.accounts.models import User
from config.platform.accounts.permissions import Permission
from config.platform.audit.record import record
from config.platform.jobs import clock
from config.platform.jobs.models import NOT_STARTED, OPEN, JobStatus
from config.platform.schedules import describe as schedules_describe
from config.platform.schedules import display as schedules_display
from config.platform.schedules.display import ShownSchedule
from config.platform.tags.models import with_tag
from config.platform.web.htmx import Request
from config.platform.web.lists import Column, list_page, row_id
from segments import actions, catalog, hooks, profiles, refresh, segment_rules
from segments.models import Segment, SegmentRefresh
from segments.permissions import (
    user_can_choose_exclusion,
    user_can_manage_segments,
    user_can_see_personal_data,
)
from segments.profiles import MemberChange
from segments.store.overlap import overlap_of_segment
from segments.views import breakdown


@dataclass(frozen=True)
class Range:
    """A time range to choose; ``days`` is None for all."""

    key: str
    label: str | Promise
    days: int | None


RANGES = (
    Range("30", _("30 days"), 30),
    Range("90", _("90 days"), 90),
    Range("365", _("A year"), 365),
    Range("all", _("All"), None),
)


@dataclass(frozen=True)
class Point:
    """The members after the last refresh of a day, with the coordinates of the point in the chart."""

    day: date
    members: int
    x: float
    y: float


@dataclass(frozen=True)
class Trend:
    """The points of a chart, from left to right."""

    points: Sequence[Point]

    @property
    def line(self) -> str:
        return " ".join(f"{point.x:.1f},{point.y:.1f}" for point in self.points)

    @property
    def area(self) -> str:
        return f"{self.points[0].x:.1f},{HEIGHT} {self.line} {self.points[-1].x:.1f},{HEIGHT}"

    @property
    def lowest(self) -> int:
        return min(point.members for point in self.points)

    @property
    def highest(self) -> int:
        return max(point.members for point in self.points)


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
        return " ".join(allowed if refresh.skip_reason(segment) else [*allowed, "refresh"])

    @property
    def is_live(self) -> bool:
        return self.status in OPEN


@require_permission(Permission.SEGMENT_VIEW)
@require_safe
@db.one_moment()
def segments(request: Request) -> HttpResponse:
    """Show the list; ``?tag=`` filters."""
    tag = request.GET.get("tag", "")
    found = with_tag(_with_status(), tag)
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
@db.one_moment()
def statuses(request: Request) -> HttpResponse:
    """Show the changing cells of the segments in ``?ids=``, for polling."""
    ids = [pk for text in request.GET.get("ids", "").split(",") if (pk := row_id(text)) is not None]
    rows = _rows(_with_status().filter(pk__in=ids[:_MAX_LIVE]), request.user)
    return render(request, "segments/statuses.html", {"rows": rows, "live_ids": _live_ids(rows)})


@require_permission(Permission.SEGMENT_VIEW)
@require_safe
def detail(request: Request, pk: int) -> HttpResponse:
    """Show the page of a segment."""
    segment = get_object_or_404(Segment.objects.select_related("created_by", "schedule"), pk=pk)
    within = range_of(request.GET.get("range", ""))
    context = _live_context(segment, request) | {
        "sentence": segment_rules.describe(segment.rules, masked=not user_can_see_personal_data(request.user)),
        "usages": actions.usages_of(segment),
        "refreshes": _refreshes(segment),
        "not_started": _not_started(segment),
        "can_manage": user_can_manage_segments(request.user),
        "can_choose_exclusion": user_can_choose_exclusion(request.user),
        "shown": ShownSchedule(getattr(segment, "schedule", None), schedules_display.system_state()),
        "skip_reason": refresh.skip_reason(segment),
        "trend": member_trend(segment, within),
        "trend_ranges": RANGES,
        "trend_range": within,
        "breakdown": breakdown.of_segment(segment, request.GET.get("by", ""), request.user),
        "active_nav": "segments",
    }
    return render(request, "segments/detail.html", context)


@require_permission(Permission.SEGMENT_VIEW)
@require_safe
def live(request: Request, pk: int) -> HttpResponse:
    """Show the changing part of the page, for polling."""
    context = _live_context(get_object_or_404(Segment, pk=pk), request)
    return render(request, "segments/detail_live.html", context | {"has_just_ended": context["live_done"]})


@require_permission(Permission.SEGMENT_VIEW)
@require_safe
def overlap(request: Request, pk: int) -> HttpResponse:
    """Show the segments that share members with a segment, for its page."""
    overlaps = overlap_of_segment(get_object_or_404(Segment, pk=pk))
    return render(request, "segments/detail_overlap.html", {"overlaps": overlaps})


@require_permission(Permission.SEGMENT_VIEW)
@require_permission(Permission.PERSONAL_DATA_SEE)
@require_safe
def download(request: Request, pk: int) -> StreamingHttpResponse:
    """Download all members with their attributes as CSV, and record the download."""
    segment = get_object_or_404(Segment, pk=pk)
    record("downloaded", segment, by=request.user, changes={"members": (None, segment.member_count)})
    headers = {"Content-Disposition": f'attachment; filename="segment-{pk}.csv"', "Cache-Control": "no-store"}
    return StreamingHttpResponse(
        profiles.members_csv(segment), content_type="text/csv; charset=utf-8", headers=headers
    )


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
MEMBERS_SHOWN = 100
MAX_NOT_STARTED = 5
# The coordinates of the SVG, which scales with the page.
WIDTH, HEIGHT, MARGIN = 720.0, 150.0, 8.0


def _with_status() -> "QuerySet[Segment]":
    refreshes = SegmentRefresh.objects.filter(segment=OuterRef("pk")).order_by("-id")
    last_status = Coalesce(Subquery(refreshes.values("status")[:1]), Value(""))
    return Segment.objects.select_related("schedule").annotate(last_status=last_status)


def _rows(segments: Iterable[Segment], user: User) -> list[SegmentRow]:
    segments = list(segments)
    usage_counts = hooks.segment_users.usage_counts([segment.pk for segment in segments])
    system = schedules_display.system_state()
    masked = not user_can_see_personal_data(user)
    sentences = segment_rules.describe_all([segment.rules for segment in segments], masked=masked)
    return [
        _row(segment, sentence, usage_counts.get(segment.pk, 0), system)
        for segment, sentence in zip(segments, sentences, strict=True)
    ]


def _row(segment: Segment, sentence: str, usage_count: int, system: schedules_display.SystemState) -> SegmentRow:
    status: str = getattr(segment, "last_status", "")
    label = JobStatus(status).label if status else _("Not started")
    schedule = ShownSchedule(getattr(segment, "schedule", None), system)
    return SegmentRow(segment, status or "not_started", str(label), sentence, schedule, usage_count)


def _live_ids(rows: list[SegmentRow]) -> str:
    return ",".join(str(row.segment.pk) for row in rows if row.is_live)


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


def _live_context(segment: Segment, request: Request) -> dict[str, Any]:
    """``?members=`` chooses all members, or those that joined or left at the last change."""
    user, shown = request.user, _shown_members(segment, request.GET.get("members", ""))
    job = segment.refreshes.order_by("-id").first()
    attributes = profiles.summary_attributes(catalog.attributes())
    found = (
        profiles.changed_members(segment, MemberChange(shown), MEMBERS_SHOWN)
        if shown
        else profiles.first_members(segment, MEMBERS_SHOWN)
    )
    return {
        "segment": segment,
        "job": job,
        "attributes": attributes,
        "members": profiles.profile_rows(found, attributes, user),
        "member_change": shown,
        "last_change": _last_change(segment),
        "members_shown": MEMBERS_SHOWN,
        "is_masked": not user_can_see_personal_data(user),
        "live_id": "segment",
        "live_url": reverse("segments:live", args=[segment.pk]) + (f"?members={shown}" if shown else ""),
        "live_done": job is None or job.status not in OPEN,
    }


def _shown_members(segment: Segment, asked: str) -> str:
    is_known = asked in list(MemberChange) and segment.previous_set_id is not None
    return asked if is_known else ""


def _last_change(segment: Segment) -> SegmentRefresh | None:
    """Return the refresh that gave the segment its present members; None before they changed once."""
    if segment.previous_set_id is None:
        return None
    return (
        segment.refreshes.exclude(added=0, removed=0).filter(status=JobStatus.SUCCESSFUL).order_by("-id").first()
    )


def range_of(key: str) -> Range:
    """Return the range with a key, or the shortest one."""
    return next((found for found in RANGES if found.key == key), RANGES[0])


def member_trend(segment: Segment, within: Range) -> Trend | None:
    """Return the trend of a segment's members, by one query; None without two days to compare."""
    refreshes = segment.refreshes.filter(status=JobStatus.SUCCESSFUL, finished_at__isnull=False)
    if within.days is not None:
        refreshes = refreshes.filter(
            finished_at__gte=clock.beginning_of(clock.today() - timedelta(days=within.days))
        )
    days = (
        refreshes.annotate(day=TruncDate("finished_at", tzinfo=clock.zone()))
        .order_by("day", "-finished_at")
        .distinct("day")
    )
    counts = [(day, members or 0) for day, members in days.values_list("day", "progress_total")]
    return Trend(trend_points(counts)) if len(counts) > 1 else None


def trend_points(counts: Sequence[tuple[date, int]]) -> list[Point]:
    """Place each day in the chart: time from left to right, the lowest count at the bottom, the highest at the
    top."""
    first, last = counts[0][0].toordinal(), counts[-1][0].toordinal()
    lowest = min(members for _day, members in counts)
    span = max(members for _day, members in counts) - lowest
    return [
        Point(
            day,
            members,
            MARGIN + (WIDTH - 2 * MARGIN) * (day.toordinal() - first) / (last - first),
            HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * ((members - lowest) / span if span else 0.5),
        )
        for day, members in counts
    ]
