"""Collect what /metrics tells Prometheus: counts from the database and the broker, and the calls of all processes.

A part that cannot be read leaves out its own metrics alone; ``segment_exports_metrics_failed`` names it.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta

from django.contrib.auth.decorators import login_not_required
from django.db import connection
from django.db.models import Count, Min, Sum
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from config.console import health
from config.platform import call_metrics
from config.platform.jobs import clock, heartbeat
from config.platform.jobs.models import Job, JobStatus
from config.platform.notifications.models import Condition
from exports.models import ListWatch, Run
from segments.models import ImportJob, SegmentRefresh

logger = logging.getLogger(__name__)

_DAY = timedelta(days=1)
_QUEUED: dict[str, type[Job]] = {"run": Run, "import": ImportJob, "refresh": SegmentRefresh}
# What runs count of their contacts, by the names of programs.
_RESULTS = {
    "delivered": "delivered",
    "unchanged": "unchanged",
    "suppressed": "left",
    "rejected": "rejected",
    "unknown": "unknown",
    "removed": "removed",
}


@require_safe
@never_cache
@login_not_required
def metrics(request: HttpRequest) -> HttpResponse:
    """Return all metrics in Prometheus' text format. Open to all, so they hold no personal data."""
    registry = CollectorRegistry()
    registry.register(_Collector())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


class _Collector:
    """Reads every part when Prometheus asks."""

    def collect(self) -> Iterator[Metric]:
        failed = GaugeMetricFamily(
            "segment_exports_metrics_failed", "Whether a part of these metrics could not be read.", labels=["part"]
        )
        for name, part in _PARTS.items():
            try:
                found = list(part())
            except Exception:  # the other parts are still worth reading
                logger.exception("the metrics of %s cannot be read", name)
                found = []
                failed.add_metric([name], 1)
            else:
                failed.add_metric([name], 0)
            yield from found
        yield failed

    def describe(self) -> Iterable[Metric]:
        """Describe nothing, so that registering reads nothing."""
        return []


def _gauge(name: str, text: str, label: str, values: Iterable[tuple[str, float]]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"segment_exports_{name}", text, labels=[label])
    for value, number in values:
        family.add_metric([value], number)
    return family


def _runs() -> Iterator[Metric]:
    counts = Run.objects.order_by().values_list("status").annotate(Count("pk"))
    yield _gauge("runs", "Runs of exports, by status.", "status", sorted(counts))
    totals = Run.objects.filter(finished_at__gt=clock.now() - _DAY).aggregate(
        **{name: Sum(column) for name, column in _RESULTS.items()}
    )
    results = [(name, totals[name] or 0) for name in _RESULTS]
    text = "Contacts of the runs that ended in the last day, by result."
    yield _gauge("contacts_last_day", text, "result", results)


def _queues() -> Iterator[Metric]:
    yield _gauge("queue_length", "Messages that wait, by queue.", "queue", health.queue_lengths().items())


def _waiting() -> Iterator[Metric]:
    oldest = [
        (name, model._default_manager.filter(status=JobStatus.QUEUED).aggregate(found=Min("created_at"))["found"])
        for name, model in _QUEUED.items()
    ]
    ages = [(name, (clock.now() - found).total_seconds() if found else 0) for name, found in oldest]
    yield _gauge("oldest_queued_seconds", "Seconds that the oldest queued job has waited, by kind.", "job", ages)


def _heartbeats() -> Iterator[Metric]:
    signs = {name: heartbeat.last(name) for name in heartbeat.NAMES}
    text = "Whether a process of a part wrote a heartbeat within the last seconds."
    yield _gauge("up", text, "part", ((name, sign is not None) for name, sign in signs.items()))
    ages = [(name, (clock.now() - sign.at).total_seconds()) for name, sign in signs.items() if sign]
    yield _gauge("last_seen_seconds", "Seconds since a part's last heartbeat.", "part", ages)


def _alerts() -> Iterator[Metric]:
    counts = Condition.objects.filter(closed_at=None).order_by().values_list("kind").annotate(Count("pk"))
    yield _gauge("open_alerts", "Open alerts, by kind.", "kind", sorted(counts))


def _lists() -> Iterator[Metric]:
    oldest = ListWatch.objects.aggregate(found=Min("looked_at"))["found"]
    lag = (clock.now() - oldest).total_seconds() if oldest else 0
    text = "Seconds since the list that was polled longest ago was read to its end."
    yield GaugeMetricFamily("segment_exports_list_poll_age_seconds", text, lag)


def _sizes() -> Iterator[Metric]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database()), to_regclass('lake.ducklake_data_file')")
        database, has_store = cursor.fetchone()
        sizes = [("database", database)]
        if has_store is not None:
            cursor.execute("SELECT COALESCE(sum(file_size_bytes), 0) FROM lake.ducklake_data_file")
            sizes.append(("profile_store", float(cursor.fetchone()[0])))
    yield _gauge("bytes", "Bytes of storage in use, former versions of the store included.", "storage", sizes)


_PARTS: dict[str, Callable[[], Iterable[Metric]]] = {
    "runs": _runs,
    "queues": _queues,
    "waiting": _waiting,
    "heartbeats": _heartbeats,
    "alerts": _alerts,
    "lists": _lists,
    "sizes": _sizes,
    "calls": call_metrics.of_all_workers,
}
