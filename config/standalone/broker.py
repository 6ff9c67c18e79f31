"""Carry messages in a folder: kombu's filesystem transport, made safe for several processes.

A message is a file that appears whole (written beside, then renamed) and is taken by renaming it, which exactly
one process can. A file that cannot be read is moved aside. All processes use one folder for both directions.
Bindings are kept in memory: every process declares the queues it uses, and there is no exchange but the direct
one.

Messages only wake workers (see config/celery.py): the tick enqueues again what was lost with a killed worker.
"""

import json
import logging
import os
import time
import uuid
from pathlib import Path
from queue import Empty
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, filesystem, virtual

from config.standalone.folders import CannotStart, make_private

SCHEME = "folder"
POLL_SECONDS = 0.1

logger = logging.getLogger(__name__)


def register() -> None:
    """Let Celery know addresses that begin with ``folder://``."""
    TRANSPORT_ALIASES[SCHEME] = "config.standalone.broker:Transport"


def transport_options(folder: Path) -> dict[str, Any]:
    """Return the transport options with which Celery uses ``folder``."""
    return {
        "data_folder_in": str(folder),
        "data_folder_out": str(folder),
        "control_folder": str(folder),
        "polling_interval": POLL_SECONDS,
    }


def check(redis_url: str) -> None:
    """Raise CannotStart when there should be a Redis and it does not answer."""
    if not redis_url:
        return
    from redis import RedisError

    try:
        with redis_client(redis_url, seconds=5) as client:
            client.ping()
    except (RedisError, ValueError) as error:
        raise CannotStart(f"Redis at REDIS_URL does not respond: {error}") from None


def redis_client(url: str, *, seconds: float = 2) -> Any:
    """Return a client of the Redis at ``url``, which gives up after ``seconds``. Imported late: few need it."""
    from redis import Redis

    return Redis.from_url(url, socket_timeout=seconds, socket_connect_timeout=seconds)


def count_messages(folder: Path, queue: str) -> int:
    """Count the messages that wait in ``queue``."""
    return len(_messages(folder, queue)) if folder.is_dir() else 0


class Channel(filesystem.Channel):
    """Put and take single messages."""

    supports_fanout = False

    @property
    def folder(self) -> Path:
        return Path(self.data_folder_in)

    def get_table(self, exchange: str) -> Any:
        """Return the bindings of ``exchange``, from memory rather than from a file that others may be writing."""
        return virtual.Channel.get_table(self, exchange)

    def _queue_bind(self, *_: Any, **__: Any) -> None:
        """Write nothing: see get_table."""

    def _delete(self, queue: str, *_: Any, **__: Any) -> None:
        self._purge(queue)

    def _put(self, queue: str, payload: Any, **_: Any) -> None:  # type: ignore[override]
        name = f"{time.time_ns():020d}_{uuid.uuid4().hex}.{queue}.msg"
        beside = self.folder / f".{name}.unfinished"
        beside.write_text(json.dumps(payload), encoding="utf-8")
        beside.rename(self.folder / name)

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        for name in sorted(_messages(self.folder, queue)):
            taken = _take(self.folder / name)
            if taken is None:
                continue
            try:
                message = _read(taken)
            except (OSError, ValueError) as error:
                _move_aside(taken, error)
                continue
            taken.unlink()
            return message
        raise Empty


class Transport(filesystem.Transport):
    """The transport that settings name as ``folder://``."""

    Channel = Channel
    global_state = virtual.BrokerState()
    driver_type = driver_name = SCHEME

    def establish_connection(self) -> Any:
        options = self.client.transport_options if self.client else None
        if options:
            make_private(Path(options["data_folder_in"]))
        return super().establish_connection()


def _messages(folder: Path, queue: str) -> list[str]:
    """Return the names of the files of messages; paths would take ten times as long to sort."""
    ending = f".{queue}.msg"
    return [name for name in os.listdir(folder) if name.endswith(ending) and not name.startswith(".")]


def _take(path: Path) -> Path | None:
    """Make the message ours; None when another process was faster."""
    taken = path.with_name(f".{path.name}.taken")
    try:
        return path.rename(taken)
    except OSError:
        return None


def _read(path: Path) -> dict[str, Any]:
    """Return the message in the file; ValueError for anything that is none."""
    message = json.loads(path.read_bytes())
    if not (isinstance(message, dict) and {"body", "headers", "properties"} <= message.keys()):
        raise ValueError("it is not a message")
    return message


def _move_aside(taken: Path, error: Exception) -> None:
    """Keep an unreadable message where a person can look at it and no worker does."""
    aside = taken.parent / "unreadable"
    try:
        make_private(aside)
        taken.rename(aside / taken.name.strip(".").removesuffix(".taken"))
    except OSError:  # it is out of the queue already, which is what counts
        aside = taken
    logger.warning("a message could not be read (%s) and was moved to %s", error, aside)


def delete_unfinished(folder: Path) -> None:
    """Remove what a killed process left half-written or half-read. Only while no process uses the folder."""
    if not folder.is_dir():
        return
    for path in folder.glob(".*.msg.*"):
        if path.is_file() or path.is_symlink():
            os.unlink(path)
