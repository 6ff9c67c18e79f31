"""Sum what was sent on each of the last days, as a chart and as a table."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import F, Sum
from django.db.models.functions import TruncDate
from django.utils import formats
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from config.console.charts import Series, stacked_bars
from config.platform.jobs import clock
from exports.models import Run

DAYS = 30
_SUMS = {
    "added": (_("Added"), Sum("new_people")),
    "updated": (_("Updated"), Sum(F("delivered") - F("new_people"))),
    "removed": (_("Removed"), Sum("removed")),
    "rejected": (_("Rejected"), Sum("rejected")),
}


@dataclass(frozen=True)
class Sent:
    """The days, the oldest first, and for each kind the number of contacts on each of them."""

    days: Sequence[date]
    series: Sequence[Series]

    @property
    def is_empty(self) -> bool:
        return not any(one.total for one in self.series)

    @property
    def chart(self) -> SafeString:
        labels = [formats.date_format(day, "MONTH_DAY_FORMAT") for day in self.days]
        return stacked_bars(labels, self.series, label_every=7)

    @property
    def rows(self) -> list[tuple[date, list[int]]]:
        """The same as a table, the newest day first, days without anybody left out."""
        by_day = zip(self.days, *(one.values for one in self.series), strict=True)
        return [(day, list(counts)) for day, *counts in reversed(list(by_day)) if any(counts)]


def of_late() -> Sent:
    """The last DAYS days up to today, by the environment's calendar. One query."""
    today = clock.today()
    days = [today - timedelta(days=back) for back in reversed(range(DAYS))]
    begin = clock.beginning_of(days[0])
    summed = (
        Run.objects.filter(finished_at__gte=begin)
        .order_by()
        .annotate(day=TruncDate("finished_at", tzinfo=clock.zone()))
        .values("day")
        .annotate(**{key: total for key, (_label, total) in _SUMS.items()})
    )
    found: dict[date, dict[str, Any]] = {row["day"]: dict(row) for row in summed}
    series = [
        Series(key, label, [found[day][key] if day in found else 0 for day in days])
        for key, (label, _total) in _SUMS.items()
    ]
    return Sent(days, series)
