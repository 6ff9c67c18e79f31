"""How the number of members went over time: a point for each day on which a segment was drawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models.functions import TruncDate
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from config.platform.jobs import clock
from config.platform.jobs.models import JobStatus
from segments.models import Segment

# The picture's own measure; a page shows it as wide as it likes.
WIDTH, HEIGHT, MARGIN = 720.0, 150.0, 8.0


@dataclass(frozen=True)
class Range:
    """One stretch of time to look at; ``days`` is None for all that is known."""

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
    """A day with the members at its last drawing, and where it stands in the picture."""

    day: date
    members: int
    x: float
    y: float


@dataclass(frozen=True)
class Trend:
    """The points from left to right."""

    points: Sequence[Point]

    @property
    def line(self) -> str:
        return " ".join(f"{point.x:.1f},{point.y:.1f}" for point in self.points)

    @property
    def area(self) -> str:
        return f"{self.points[0].x:.1f},{HEIGHT} {self.line} {self.points[-1].x:.1f},{HEIGHT}"

    @property
    def least(self) -> int:
        return min(point.members for point in self.points)

    @property
    def most(self) -> int:
        return max(point.members for point in self.points)


def chosen(key: str) -> Range:
    """The stretch of that key; the shortest for anything else."""
    return next((found for found in RANGES if found.key == key), RANGES[0])


def of(segment: Segment, within: Range) -> Trend | None:
    """The trend, by one query; None while there are not two days to compare."""
    drawings = segment.refreshes.filter(status=JobStatus.SUCCESSFUL, finished_at__isnull=False)
    if within.days is not None:
        drawings = drawings.filter(finished_at__gte=_midnight_before(within.days))
    days = (
        drawings.annotate(day=TruncDate("finished_at", tzinfo=clock.zone()))
        .order_by("day", "-finished_at")
        .distinct("day")
    )
    counts = [(day, members or 0) for day, members in days.values_list("day", "progress_total")]
    return Trend(drawn(counts)) if len(counts) > 1 else None


def drawn(counts: Sequence[tuple[date, int]]) -> list[Point]:
    """Each day at its place: by time from left to right, the least at the bottom, the most at the top."""
    first, last = counts[0][0].toordinal(), counts[-1][0].toordinal()
    least = min(members for _day, members in counts)
    span = max(members for _day, members in counts) - least
    return [
        Point(
            day,
            members,
            MARGIN + (WIDTH - 2 * MARGIN) * (day.toordinal() - first) / (last - first),
            HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * ((members - least) / span if span else 0.5),
        )
        for day, members in counts
    ]


def _midnight_before(days: int) -> datetime:
    return clock.beginning_of(clock.today() - timedelta(days=days))
