"""Heartbeats of the worker processes and of beat, kept in the cache.

Each worker process writes its own heartbeat from a thread; beat's arrives with its ticks. The web processes read
them for /readyz and for Admin > System. A process is known by its node name, such as ``jobs@host1``: a restart
keeps the name, and a second host or process has another.
"""

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.core.cache import cache
from django.db import close_old_connections, connection

from config.platform.jobs import clock

BEAT = "beat"
WORKERS = ("control", "jobs")  # one for each queue
NAMES = (BEAT, *WORKERS)
EVERY_SECONDS = 2.0
LASTS_SECONDS = 15
# How long a process that fell silent without a goodbye is missed; afterwards it counts as taken away.
MISSED_SECONDS = 600

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Heartbeat:
    """A heartbeat: when, and from which process. ``written_at`` is in seconds since the epoch."""

    at: datetime
    pid: int
    node: str
    written_at: float

    @property
    def is_alive(self) -> bool:
        """Return whether the process wrote it within the last LASTS_SECONDS."""
        return time.time() - self.written_at < LASTS_SECONDS


def write(name: str, node: str = "") -> None:
    """Write the heartbeat of ``node`` (by default ``name`` on this host), of the part ``name``."""
    node = node or f"{name}@{socket.gethostname()}"
    sign = (clock.now().isoformat(), os.getpid(), node, time.time())
    cache.set(_key(name, node), sign, timeout=MISSED_SECONDS)
    nodes = cache.get(_key(name), ())
    if node not in nodes:  # two at once may lose one name: its next heartbeat adds it
        cache.set(_key(name), (*nodes, node), timeout=None)


def known(name: str) -> Sequence[Heartbeat]:
    """Return the last heartbeat of each process of the part ``name``, silent ones of the last MISSED_SECONDS
    included."""
    nodes = cache.get(_key(name), ())
    found = cache.get_many([_key(name, node) for node in nodes])
    return [Heartbeat(datetime.fromisoformat(at), *rest) for _key, (at, *rest) in sorted(found.items())]


def last(name: str) -> Heartbeat | None:
    """Return the newest heartbeat of the part ``name``; None when no process of it is alive."""
    alive = [sign for sign in known(name) if sign.is_alive]
    return max(alive, key=lambda sign: sign.written_at, default=None)


def last_of_this_host(name: str) -> Heartbeat | None:
    """Return the heartbeat of the worker ``name`` on this host; None when it is not alive. Beat has one for all
    hosts."""
    alive = [sign for sign in known(name) if sign.is_alive and sign.node.endswith(f"@{socket.gethostname()}")]
    return last(name) if name == BEAT else next(iter(alive), None)


def forget(name: str, node: str) -> None:
    """Stop missing a process, because it ended as it was asked to."""
    cache.set(_key(name), tuple(other for other in cache.get(_key(name), ()) if other != node), timeout=None)
    cache.delete(_key(name, node))


def forget_all() -> None:
    """Forget every process before a fresh start, so that old heartbeats are not taken for new ones."""
    cache.delete_many([_key(name, node) for name in NAMES for node in cache.get(_key(name), ())])
    cache.delete_many([_key(name) for name in NAMES])


class HeartbeatThread:
    """Write the heartbeat of this worker process from a thread, however busy the process is. ``also`` is called
    with each."""

    def __init__(self, name: str, node: str, *, also: Callable[[], None] = lambda: None) -> None:
        self._name, self._node, self._also = name, node, also
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"pulse-{name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stop writing, and delete the heartbeat: the process ends as it was asked to."""
        self._done.set()
        self._thread.join(timeout=EVERY_SECONDS)
        try:
            forget(self._name, self._node)
        except Exception as error:  # the cache may be away; the silence is noticed and passes
            logger.warning("could not forget a heartbeat: %s", type(error).__name__)

    def _beat(self) -> None:
        try:
            while True:
                self._write_once()
                if self._done.wait(EVERY_SECONDS):
                    return
        finally:
            connection.close()

    def _write_once(self) -> None:
        try:
            close_old_connections()
            write(self._name, self._node)
            self._also()
        except Exception as error:  # the cache may be away for a moment; the missing sign tells
            logger.warning("could not give a sign of life: %s", type(error).__name__)


def _key(name: str, node: str = "") -> str:
    return f"heartbeat:{name}:{node}"
