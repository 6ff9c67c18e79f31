"""Admin > System > About and API usage: versions, queues, storage, and the calls of each connection by day."""

import platform
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import django
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.db.models import Count, Max, Q, Sum
from django.db.models.functions import TruncDate
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from config.console import health
from config.console.models import AppliedConfiguration
from config.console.views import tabs_context
from config.platform.accounts.decorators import require_permission
from config.platform.accounts.permissions import Permission
from config.platform.jobs import clock, heartbeat
from config.platform.web.htmx import Request
from config.standalone import broker
from connections.models import Connection
from exports.models import Batch

STORAGE_SECONDS = 60
MOST_TABLES = 8
USAGE_DAYS = 7


@require_permission(Permission.SYSTEM_VIEW)
@require_safe
def about(request: Request) -> HttpResponse:
    """Show the versions, queues and storage of this installation."""
    context = tabs_context(request.user, "about") | {
        "versions": _versions(),
        "applied": AppliedConfiguration.objects.first(),
        "queues": _queues(),
        "heartbeats": [(name, heartbeat.last(name)) for name in heartbeat.NAMES],
        # At most once a minute: the folders can be large.
        "storage": cache.get_or_set("storage-in-use", _measure_storage, STORAGE_SECONDS),
    }
    return render(request, "system/about.html", context)


def _versions() -> list[tuple[str | Promise, str]]:
    """List the versions of everything that works together."""
    return [
        (settings.PRODUCT_NAME, settings.VERSION),
        ("Python", platform.python_version()),
        ("Django", django.get_version()),
        ("PostgreSQL", _or_error(_postgresql_version)),
        (_("Message broker"), _or_error(_broker_version)),
        (_("Migrations"), _or_error(_migration_counts)),
    ]


def _or_error(answer: Callable[[], str]) -> str:
    try:
        return answer()
    except Exception as error:  # a page about the system opens also when a part of it is away
        return _("does not respond (%(error)s)") % {"error": type(error).__name__}


def _postgresql_version() -> str:
    version = connection.cursor().connection.server_version  # 180001
    where = _("embedded") if settings.EMBEDDED else _("separate server")
    return f"{version // 10000}.{version % 10000} ({where})"


def _broker_version() -> str:
    if not settings.REDIS_URL:
        return _("a folder")
    with broker.redis_client(settings.REDIS_URL) as client:
        return f"Redis {client.info('server')['redis_version']}"


def _migration_counts() -> str:
    applied, pending = health.migration_counts()
    return _("%(applied)d migrations applied, %(pending)d pending") % {"applied": applied, "pending": pending}


def _queues() -> list[tuple[str, int | None]]:
    """Count the messages that wait in each queue; None while the broker is away, as its own line says."""
    try:
        lengths = health.queue_lengths()
    except Exception:
        lengths = {}
    title = _("Messages waiting for “%(queue)s”")
    return [(title % {"queue": name}, lengths.get(name)) for name in heartbeat.WORKERS]


def _measure_storage() -> dict[str, object]:
    """Measure the database, its largest tables with indexes, and each folder below VAR_DIR, in bytes. Rows are
    about as many as the database has counted; None where it has not."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        size = cursor.fetchone()[0]
        cursor.execute(
            """
            SELECT relname, pg_total_relation_size(oid), nullif(reltuples, -1)::bigint
              FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
             ORDER BY 2 DESC LIMIT %s
            """,
            [MOST_TABLES],
        )
        tables = [{"name": name, "size": size, "rows": rows} for name, size, rows in cursor.fetchall()]
    return {"database": size, "tables": tables, "files": dict(_folder_sizes(Path(settings.VAR_DIR)))}


def _folder_sizes(top: Path) -> Iterator[tuple[str, int]]:
    """Measure each folder right below ``top``, and the files of ``top`` itself."""
    if not top.is_dir():
        return
    for entry in sorted(top.iterdir()):
        if entry.is_dir() and not entry.is_symlink():
            yield entry.name, sum(_file_size(file) for file in entry.rglob("*"))
    yield "", sum(_file_size(entry) for entry in top.iterdir() if entry.is_file())


def _file_size(file: Path) -> int:
    try:
        return file.lstat().st_size if file.is_file() else 0
    except OSError:  # it went while we looked
        return 0


@dataclass(frozen=True)
class Usage:
    """One connection: its calls on each of the days, oldest first."""

    connection: Connection
    calls: list[int]
    refused: int
    last_at: datetime | None

    @property
    def total(self) -> int:
        return sum(self.calls)

    @property
    def url(self) -> str:
        return reverse("connections:edit", args=[self.connection.pk])


@require_permission(Permission.CONNECTION_MANAGE)
@require_safe
def api_usage(request: Request) -> HttpResponse:
    """Show how many calls each connection made on each of the last days."""
    days = clock.last_days(USAGE_DAYS)
    context = tabs_context(request.user, "api_usage") | {"days": days, "usage": count_calls(days)}
    return render(request, "system/api_usage.html", context)


def count_calls(days: Sequence[date]) -> list[Usage]:
    """Count the calls of every connection, from what batches record of their requests, the busiest first. Two
    queries, however many there are."""
    rows = (
        Batch.objects.filter(sent_at__gte=clock.beginning_of(days[0]), run__export__connection__isnull=False)
        .values("run__export__connection", day=TruncDate("sent_at", tzinfo=clock.zone()))
        .annotate(
            calls=Sum("attempt"), refused=Count("pk", filter=Q(http_status__gte=400)), last_at=Max("sent_at")
        )
        .order_by()
    )
    found = {(row["run__export__connection"], row["day"]): row for row in rows}
    usage = []
    for one in Connection.objects.all():
        by_day = [found.get((one.pk, day)) for day in days]
        known = [row for row in by_day if row]
        usage.append(
            Usage(
                one,
                calls=[row["calls"] if row else 0 for row in by_day],
                refused=sum(row["refused"] for row in known),
                last_at=max((row["last_at"] for row in known), default=None),
            )
        )
    return sorted(usage, key=lambda one: (-one.total, one.connection.name.casefold()))
