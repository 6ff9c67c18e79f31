"""A run's share of its connection: how many calls it may have in flight, and whether it may call at all just now.

The maximum, what has been learned and a silence that the vendor asked for belong to the connection, and hold for
all runs on it in whatever process. Each looks again every second, so that shares follow as runs come and go.
"""

import time
from contextlib import suppress
from datetime import datetime

from django.db import InterfaceError, OperationalError
from django.db.models import Q, QuerySet

from config.platform.jobs import backoff
from config.platform.jobs.models import JobStatus
from connections.concurrency_slots import HeldSlots
from connections.models import Connection
from exports.models import Run, Stage

START_LEVEL = 4
LOOK_AGAIN_SECONDS = 1.0
_SHARED = ("max_in_flight", "learned_in_flight", "paused_until", "paused_at")


class ConnectionBudget:
    """What one run may use of its connection. For the thread that owns the database session."""

    def __init__(self, run: Run, connection: Connection) -> None:
        self._run = run
        self._connection = connection
        self._slots = HeldSlots(connection.pk)
        self._look_at = 0.0
        self._runs = 1
        self.refresh(in_flight=0)

    @property
    def calls(self) -> int:
        """How many calls it may have in flight."""
        return len(self._slots)

    @property
    def paused(self) -> bool:
        """Whether the vendor has asked for silence, or an administrator has paused the connection."""
        return self.paused_by_administrator or not backoff.wait_is_over(self._connection.paused_until)

    @property
    def paused_by_administrator(self) -> bool:
        return self._connection.is_paused

    @property
    def start(self) -> int:
        """The level to begin with: what was learned, divided among the runs at work."""
        learned = self._connection.learned_in_flight
        return -(-learned // self._runs) if learned else START_LEVEL

    def refresh(self, *, in_flight: int) -> None:
        """See whether the share has changed, now and then; a slot in use is kept until its call has ended."""
        if time.monotonic() < self._look_at:
            return
        self._look_at = time.monotonic() + LOOK_AGAIN_SECONDS
        self._connection.refresh_from_db(fields=_SHARED)
        wanted = max(1, self._fair_share(), in_flight)
        self._slots.hold(wanted, maximum=self._connection.max_in_flight)

    def pause(self, seconds: float) -> None:
        """Keep the whole connection silent for so long."""
        pause(self._connection, seconds)
        self._connection.refresh_from_db(fields=["paused_until"])

    def learn(self, level: int) -> None:
        """Keep for later runs how many calls in flight were found to pay."""
        learned = min(level * self._runs, self._connection.max_in_flight)
        if learned != self._connection.learned_in_flight:
            Connection.objects.filter(pk=self._connection.pk).update(learned_in_flight=learned)
            self._connection.learned_in_flight = learned

    def close(self) -> None:
        """Release the slots. A database session that was ended holds none any more."""
        with suppress(OperationalError, InterfaceError):
            self._slots.release()

    def _fair_share(self) -> int:
        """The maximum divided among the runs at work; what remains goes to the oldest, one each."""
        runs = list(_at_work(self._connection).order_by("pk").values_list("pk", flat=True))
        self._runs = max(1, len(runs))
        each, remain = divmod(self._connection.max_in_flight, self._runs)
        return each + (runs.index(self._run.pk) < remain if self._run.pk in runs else 0)


def pause(connection: Connection, seconds: float) -> None:
    """Keep a connection silent for so long, since the vendor asks for it."""
    until = backoff.wait_until(seconds)
    sooner = backoff.where_wait_is_over("paused_until") | Q(paused_until__lt=until)
    Connection.objects.filter(sooner, pk=connection.pk).update(paused_until=until)


def paused_until(connection: Connection | None) -> datetime | None:
    """Until when the vendor wants no calls over the connection; None when it has no such wish."""
    if connection is None:
        return None
    silent = Connection.objects.filter(pk=connection.pk).exclude(backoff.where_wait_is_over("paused_until"))
    return silent.values_list("paused_until", flat=True).first()


def calls_beside_runs(connection: Connection, most: int) -> int:
    """Return how many calls, up to ``most``, other work may have in flight: while runs send over the connection
    one, and none where they would be left without."""
    if _sending(connection).exists():
        return min(1, connection.max_in_flight - 1)
    return min(most, connection.max_in_flight)


def _at_work(connection: Connection) -> "QuerySet[Run]":
    return _sending(connection).filter(backoff.where_wait_is_over("resume_at"))


def _sending(connection: Connection) -> "QuerySet[Run]":
    over = Q(cleanup=None, export__connection=connection) | Q(cleanup__connection=connection)
    return Run.objects.filter(over, status=JobStatus.PROCESSING, stage=Stage.DELIVER)
