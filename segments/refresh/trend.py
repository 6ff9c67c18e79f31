"""Chart the members of a segment over time, with a point for each day with a refresh."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models.functions import TruncDate
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from config.platform.jobs import clock
from config.platform.jobs.models import JobStatus
from segments.models import Segment

# The coordinates of the SVG, which scales with the page.
WIDTH, HEIGHT, MARGIN = 720.0, 150.0, 8.0


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


def range_of(key: str) -> Range:
    """Return the range with a key, or the shortest one."""
    return next((found for found in RANGES if found.key == key), RANGES[0])


def member_trend(segment: Segment, within: Range) -> Trend | None:
    """Return the trend of a segment's members, by one query; None without two days to compare."""
    refreshes = segment.refreshes.filter(status=JobStatus.SUCCESSFUL, finished_at__isnull=False)
    if within.days is not None:
        refreshes = refreshes.filter(finished_at__gte=_midnight_before(within.days))
    days = (
        refreshes.annotate(day=TruncDate("finished_at", tzinfo=clock.zone()))
        .order_by("day", "-finished_at")
        .distinct("day")
    )
    counts = [(day, members or 0) for day, members in days.values_list("day", "progress_total")]
    return Trend(points(counts)) if len(counts) > 1 else None


def points(counts: Sequence[tuple[date, int]]) -> list[Point]:
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


def _midnight_before(days: int) -> datetime:
    return clock.beginning_of(clock.today() - timedelta(days=days))
