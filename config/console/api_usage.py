"""Count the calls of each connection by day, from what batches record of their requests."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Count, Max, Q, Sum
from django.db.models.functions import TruncDate
from django.urls import reverse

from config.platform.jobs import clock
from connections.models import Connection
from exports.models import Batch

DAYS = 7


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


def days() -> list[date]:
    """List the last DAYS days, oldest first, by the environment's clock."""
    today = clock.today()
    return [today - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]


def usage(over: Sequence[date]) -> list[Usage]:
    """Count the calls of every connection, the busiest first. Two queries, however many there are."""
    since = clock.beginning_of(over[0])
    rows = (
        Batch.objects.filter(sent_at__gte=since, run__export__connection__isnull=False)
        .values("run__export__connection", day=TruncDate("sent_at", tzinfo=clock.zone()))
        .annotate(
            calls=Sum("attempt"),
            refused=Count("pk", filter=Q(http_status__gte=400)),
            last_at=Max("sent_at"),
        )
        .order_by()
    )
    found: dict[int, dict[date, dict[str, object]]] = {}
    for row in rows:
        found.setdefault(row["run__export__connection"], {})[row["day"]] = dict(row)
    all_of_them = [_of(connection, found.get(connection.pk, {}), over) for connection in Connection.objects.all()]
    return sorted(all_of_them, key=lambda one: (-one.total, one.connection.name.casefold()))


def _of(connection: Connection, found: "dict[date, dict[str, object]]", over: Sequence[date]) -> Usage:
    rows = [found[day] for day in over if day in found]
    return Usage(
        connection,
        calls=[_whole(found[day]["calls"]) if day in found else 0 for day in over],
        refused=sum(_whole(row["refused"]) for row in rows),
        last_at=max((moment for row in rows if isinstance(moment := row["last_at"], datetime)), default=None),
    )


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0
