"""Draw charts as SVG by pygal, styled by our own sheet (static/css/charts.css), such as what was sent per day.

What the library adds for pages without a Content-Security-Policy — inline style, inline script, tooltips that
need it — is taken out by its own filter; each bar gets a title instead, which browsers show.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from xml.etree import ElementTree

from django.db.models import F, Sum
from django.db.models.functions import TruncDate
from django.utils import formats
from django.utils.functional import Promise
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _

from config.platform.jobs import clock
from config.platform.web.formats import number
from exports.models import Run

WIDTH, HEIGHT = 960, 240


@dataclass(frozen=True)
class Series:
    """A series of a bar chart, in one color; ``key`` names it in the style sheet."""

    key: str
    label: str | Promise
    values: Sequence[int]

    @property
    def total(self) -> int:
        return sum(self.values)


def stacked_bars(labels: Sequence[str], series: Sequence[Series], *, label_every: int) -> SafeString:
    """Draw a bar for each of ``labels``, each series upon the one before it. One label in ``label_every`` is
    written."""
    chart = _library()(
        css=[],
        js=[],
        disable_xml_declaration=True,
        no_prefix=True,
        width=WIDTH,
        height=HEIGHT,
        margin=0,
        margin_right=24,
        spacing=8,
        show_legend=False,
        print_values=False,
        show_minor_x_labels=False,
        max_scale=5,
        truncate_label=-1,
        value_formatter=lambda value: number(round(value)),
    )
    chart.x_labels = labels
    chart.x_labels_major = list(labels[::-label_every])
    for one in series:
        chart.add(str(one.label), [{"value": value, "xlink": None} for value in one.values])
    chart.add_xml_filter(lambda tree: _plain(tree, labels, series))
    return mark_safe(str(chart.render(is_unicode=True)))  # noqa: S308 — drawn by the library from numbers and our words


def _library() -> Any:
    """pygal’s stacked bars. Imported late, since it costs a tenth of a second. It hangs a finder for its plugins
    among Python’s own, of a kind that makes every later import warn; that goes again."""
    from pygal import PluginImportFixer
    from pygal.graph.stackedbar import StackedBar

    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, PluginImportFixer)]
    return StackedBar


def _plain(tree: Any, labels: Sequence[str], series: Sequence[Series]) -> Any:
    """Return the tree without style, script and overlays, each bar with its title."""
    for parent in list(tree.iter()):
        for child in list(parent):
            if not isinstance(child.tag, str) or child.tag.endswith("defs") or "overlay" in child.get("class", ""):
                parent.remove(child)
    for at, group in enumerate(_of_class(tree, "series")):
        group.set("class", f"series series--{series[at].key}")
        for label, value, bar in zip(labels, series[at].values, _of_class(group, "bar"), strict=True):
            _retitle(bar, f"{label}: {series[at].label} {number(value)}")
    tree.remove(tree.find("{*}title"))  # its own name
    del tree.attrib["id"]
    tree.set("aria-hidden", "true")
    return tree


def _retitle(bar: Any, title: str) -> None:
    for description in [child for child in bar if child.tag.endswith("desc")]:
        bar.remove(description)
    ElementTree.SubElement(bar, "title").text = title


def _of_class(tree: Any, name: str) -> list[Any]:
    return [element for element in tree.iter() if name in element.get("class", "").split()]


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
        """Return the same as a table, the newest day first, without days on which nothing was sent."""
        by_day = zip(self.days, *(one.values for one in self.series), strict=True)
        return [(day, list(counts)) for day, *counts in reversed(list(by_day)) if any(counts)]


def sent_per_day() -> Sent:
    """Sum what was sent on each of the last DAYS days, by the environment's calendar. One query."""
    days = clock.last_days(DAYS)
    summed = (
        Run.objects.filter(finished_at__gte=clock.beginning_of(days[0]))
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
