"""Read how many contacts of an export were on its list after each run, and draw that as a small line."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import F, Max, Q, QuerySet
from django.db.models.functions import TruncDate

from config.platform.jobs import clock
from exports.models import Run

MOST_EXPORTS = 8  # those that ran last; the list of exports has all of them
DAYS = 90
WIDTH, HEIGHT, MARGIN = 120, 32, 3


@dataclass(frozen=True)
class ListSize:
    """The contacts of an export on its list: how many now, and after the last run of each day."""

    export_id: int
    name: str
    list_title: str
    counts: Sequence[tuple[date, int]]

    @property
    def now(self) -> int:
        """How many contacts there were after the last run."""
        return self.counts[-1][1]

    @property
    def change(self) -> int:
        """How many more there are than on the first day that is shown."""
        return self.now - self.counts[0][1]

    @property
    def line(self) -> str:
        """The points of the line: time from left to right, the lowest count at the bottom; empty for one day."""
        if len(self.counts) < 2:
            return ""
        first, last = self.counts[0][0].toordinal(), self.counts[-1][0].toordinal()
        lowest = min(count for _day, count in self.counts)
        span = max(count for _day, count in self.counts) - lowest
        width, height = WIDTH - 2 * MARGIN, HEIGHT - 2 * MARGIN
        return " ".join(
            f"{MARGIN + width * (day.toordinal() - first) / (last - first):.1f},"
            f"{HEIGHT - MARGIN - height * ((count - lowest) / span if span else 0.5):.1f}"
            for day, count in self.counts
        )

    @property
    def end(self) -> tuple[str, str]:
        """Where the line ends: the count now."""
        x, y = (self.line or f"{WIDTH - MARGIN},{HEIGHT / 2}").rsplit(" ", 1)[-1].split(",")
        return x, y


def recent_list_sizes() -> list[ListSize]:
    """Read the sizes of the lists of the exports that ran last, the latest first. Two queries, however many
    exports and runs there are."""
    latest = list(
        _counted()
        .values("export_id", "export__name", "export__list_title")
        .annotate(last=Max("pk"))
        .order_by("-last")[:MOST_EXPORTS]
    )
    counts: dict[int, list[tuple[date, int]]] = {row["export_id"]: [] for row in latest}
    for export_id, day, count in _last_of_each_day(counts, [row["last"] for row in latest]):
        counts[export_id].append((day, count))
    return [
        ListSize(row["export_id"], row["export__name"], row["export__list_title"], counts[row["export_id"]])
        for row in latest
    ]


def _counted() -> QuerySet[Run]:
    """Select the runs that counted the contacts of their export on the list that it has now."""
    counted = Run.objects.filter(own_on_list__isnull=False, finished_at__isnull=False)
    return counted.filter(list_id=F("export__list_id")).order_by()


def _last_of_each_day(export_ids: Collection[int], last: Collection[int]) -> Iterator[tuple[int, date, int]]:
    """Read the count after the last run of each day, and after the ``last`` runs however old they are."""
    since = clock.beginning_of(clock.today() - timedelta(days=DAYS - 1))
    recent = _counted().filter(Q(finished_at__gte=since) | Q(pk__in=last), export_id__in=export_ids)
    counts = (
        recent.annotate(day=TruncDate("finished_at", tzinfo=clock.zone()))
        .order_by("export_id", "day", "-finished_at", "-pk")
        .distinct("export_id", "day")
    )
    for export_id, day, count in counts.values_list("export_id", "day", "own_on_list"):
        yield export_id, day, count or 0
