"""Who was seen alive of late: the workers, by a thread in each, and beat, by its ticks arriving.

Kept in the cache, where each sign of life ends by itself; the web processes read it for /readyz and for
Admin > System.
"""

import logging
import os
import threading
from dataclasses import dataclass
from datetime import datetime

from django.core.cache import cache
from django.db import close_old_connections, connection

from config.jobs import clock

BEAT = "beat"
WORKERS = ("bells", "work")  # one for each queue
NAMES = (BEAT, *WORKERS)
EVERY_SECONDS = 2.0
LASTS_SECONDS = 15

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sign:
    """A sign of life: when, and from which process."""

    at: datetime
    pid: int


def give(name: str) -> None:
    """``name`` is alive, in this process."""
    cache.set(_key(name), (clock.now(), os.getpid()), timeout=LASTS_SECONDS)


def last(name: str) -> Sign | None:
    """The newest sign of ``name``; None when there was none for LASTS_SECONDS."""
    found = cache.get(_key(name))
    return Sign(*found) if found else None


def forget_all() -> None:
    """Before a fresh start, so that signs of what was stopped a moment ago are not taken for new ones."""
    cache.delete_many([_key(name) for name in NAMES])


class Pulse:
    """Gives signs of life for ``name`` from a thread of its own, however busy the process is."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"pulse-{name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._done.set()

    def _beat(self) -> None:
        try:
            while True:
                self._give()
                if self._done.wait(EVERY_SECONDS):
                    return
        finally:
            connection.close()

    def _give(self) -> None:
        try:
            close_old_connections()
            give(self._name)
        except Exception as error:  # the cache may be away for a moment; the missing sign tells
            logger.warning("could not give a sign of life: %s", type(error).__name__)


def _key(name: str) -> str:
    return f"pulse:{name}"
