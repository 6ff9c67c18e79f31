"""Sum the results of the runs of the last 30 days, by day and in all, and place them in a chart."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Count, Sum
from django.db.models.functions import TruncDate

from config.platform.jobs import clock
from config.platform.jobs.models import JobStatus
from config.platform.web import formats
from exports.models import Run
from exports.results import summary
from exports.results.summary import PARTS, REMOVALS, ContactKind, ResultSummary
from exports.results.summary import Count as ResultCount

DAYS = 30
# What runs did to lists; in the chart each lies on the one before it. Unknown is drawn only where there is some.
DRAWN = (ContactKind.DELIVERED, ContactKind.REJECTED, ContactKind.UNKNOWN, ContactKind.REMOVED)
_ALWAYS = (ContactKind.DELIVERED, ContactKind.REJECTED, ContactKind.REMOVED)
# The counts of a run that its summary is made of.
_SUMMED = (
    *("delivered", "unchanged", "invalid", "duplicates", "excluded_by_segment", "without_consent", "held_out"),
    *("left", "still_suppressed", "still_refused", "rejected", "unknown", "planned", "to_add", "to_update"),
    *("new_people", "incomplete", "removed", "to_remove", "removals_held"),
)
# The measures of the chart: a day is so wide, and the bar in it leaves a gap.
DAY_WIDTH, GAP, HEIGHT = 10, 2, 100


@dataclass(frozen=True)
class Bar:
    """One part of the bar of a day, from ``y`` down."""

    kind: ContactKind
    x: int
    y: float
    height: float


@dataclass(frozen=True)
class DayResults:
    """The results of one day."""

    day: date
    summary: ResultSummary
    bars: Sequence[Bar]

    @property
    def title(self) -> str:
        """The counts of the day in words, which browsers show on hover."""
        counts = [one for one in self.summary.of_kinds(DRAWN) if one.contacts]
        return ", ".join(f"{one.label} {formats.number(one.contacts)}" for one in counts)


@dataclass(frozen=True)
class RecentResults:
    """The results of the runs that ended on the last 30 days, the oldest day first."""

    days: Sequence[DayResults]
    total: ResultSummary
    runs: int
    top: int  # the value at the upper edge of the chart
    width: int = DAYS * DAY_WIDTH
    height: int = HEIGHT
    bar_width: int = DAY_WIDTH - GAP

    @property
    def counts(self) -> Sequence[ResultCount]:
        """The totals of what the chart shows."""
        shown = [kind for kind in DRAWN if kind in _ALWAYS or self.total.count(kind)]
        return self.total.of_kinds(shown)

    @property
    def is_drawn(self) -> bool:
        """Whether there is anything to show in the chart."""
        return any(self.total.count(kind) for kind in DRAWN)

    @property
    def columns(self) -> Sequence[ResultCount]:
        """The totals of each result that some run had, for the table: members first, what they add up from, and
        removals."""
        kinds = [kind for kind in (*PARTS, *REMOVALS) if self.total.count(kind)]
        return self.total.of_kinds([ContactKind.MEMBERS, *kinds])

    @property
    def rows(self) -> list[tuple[date, Sequence[ResultCount]]]:
        """The same by day, the newest first, without days on which no run ended."""
        kinds = [one.kind for one in self.columns]
        found = [each for each in reversed(self.days) if each.summary.members or each.summary.removals]
        return [(each.day, each.summary.of_kinds(kinds)) for each in found]


def recent_results() -> RecentResults:
    """Sum the results of each of the last DAYS days, by the environment's calendar. One query."""
    days = clock.last_days(DAYS)
    found = {row["day"]: row for row in _summed_by_day(days[0])}
    none = dict.fromkeys(_SUMMED, 0)
    summaries = [_summarize(found.get(day, none)) for day in days]
    total = _summarize({name: sum(row[name] for row in found.values()) for name in _SUMMED})
    top = _round_up(max(_drawn(one) for one in summaries))
    return RecentResults(
        days=[
            DayResults(day, one, list(_bars(at, one, top)))
            for at, (day, one) in enumerate(zip(days, summaries, strict=True))
        ],
        total=total,
        runs=sum(row["runs"] for row in found.values()),
        top=top,
    )


def _summed_by_day(first: date) -> Iterator[Mapping[str, Any]]:
    ended = Run.objects.filter(finished_at__gte=clock.beginning_of(first)).order_by()
    by_day = ended.annotate(day=TruncDate("finished_at", tzinfo=clock.zone())).values("day")
    return by_day.annotate(runs=Count("pk"), **{name: Sum(name) for name in _SUMMED}).iterator()


def _summarize(sums: Mapping[str, Any]) -> ResultSummary:
    """Summarize sums of runs as if they were one run, so that the words and the rules are the same."""
    return summary.of_run(Run(status=JobStatus.SUCCESSFUL, **{name: sums[name] for name in _SUMMED}))


def _drawn(results: ResultSummary) -> int:
    return sum(results.count(kind) for kind in DRAWN)


def _bars(at: int, results: ResultSummary, top: int) -> Iterator[Bar]:
    """Place the parts of a day on each other, from the bottom."""
    below = 0
    for kind in DRAWN:
        if count := results.count(kind):
            below += count
            y = HEIGHT - HEIGHT * below / top
            yield Bar(kind, at * DAY_WIDTH + GAP // 2, round(y, 2), round(HEIGHT * count / top, 2))


def _round_up(value: int) -> int:
    """Return the next of 1, 2, 3, 4, 5, 6, 8, 10, 20 … that is not below ``value``."""
    step = 1
    while True:
        for factor in (1, 2, 3, 4, 5, 6, 8):
            if factor * step >= value:
                return factor * step
        step *= 10
