"""Collect the versions, queue lengths and storage of this installation, for Admin > System > About."""

import platform
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.console import health
from config.platform.jobs import heartbeat

STORAGE_SECONDS = 60
MOST_TABLES = 8

Fact = tuple[str | Promise, object]


@dataclass(frozen=True)
class Table:
    """One table: how large with its indexes, and about how many rows, where the database has counted."""

    name: str
    size: int
    rows: int | None


@dataclass(frozen=True)
class Storage:
    """Bytes in use. ``files`` maps a folder below VAR_DIR to what is in it."""

    database: int
    tables: Sequence[Table]
    files: dict[str, int]


def versions() -> list[Fact]:
    """List the versions of everything that works together."""
    return [
        (settings.PRODUCT_NAME, settings.VERSION),
        ("Python", platform.python_version()),
        ("Django", django.get_version()),
        ("PostgreSQL", _or_silent(_postgresql)),
        (gettext_lazy("Message broker"), _or_silent(_broker)),
        (gettext_lazy("Migrations"), _or_silent(_migrations)),
    ]


def queues() -> list[Fact]:
    """Count the messages that wait, and tell when each part last wrote a heartbeat."""
    try:
        lengths = health.queue_lengths()
    except Exception:  # the broker is away; its own line says so
        lengths = {}
    waiting: list[Fact] = [
        (_("Messages waiting for “%(queue)s”") % {"queue": name}, lengths.get(name)) for name in heartbeat.WORKERS
    ]
    return waiting


def signs() -> list[tuple[str, heartbeat.Sign | None]]:
    """List the last heartbeat of beat and of each kind of worker."""
    return [(name, heartbeat.last(name)) for name in heartbeat.NAMES]


def storage() -> Storage:
    """Measure the folders, at most once a minute: they can be large."""
    found = cache.get("about-storage")
    if not isinstance(found, Storage):
        found = _look_at_storage()
        cache.set("about-storage", found, STORAGE_SECONDS)
    return found


def _or_silent(answer: Callable[[], str]) -> str:
    try:
        return answer()
    except Exception as error:  # a page about the system opens also when a part of it is away
        return _("does not respond (%(error)s)") % {"error": type(error).__name__}


def _postgresql() -> str:
    version = connection.cursor().connection.server_version  # 180001
    where = _("embedded") if settings.EMBEDDED else _("separate server")
    return f"{version // 10000}.{version % 10000} ({where})"


def _broker() -> str:
    if not settings.REDIS_URL:
        return _("a folder")
    import redis

    with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2) as client:
        return f"Redis {client.info('server')['redis_version']}"


def _migrations() -> str:
    loader = MigrationLoader(connection)
    pending = len(loader.disk_migrations.keys() - loader.applied_migrations.keys())
    counts = {"applied": len(loader.applied_migrations), "pending": pending}
    return _("%(applied)d migrations applied, %(pending)d pending") % counts


def _look_at_storage() -> Storage:
    size, tables = (
        _asked("SELECT pg_database_size(current_database())")[0][0],
        _asked(
            """
        SELECT relname, pg_total_relation_size(oid), nullif(reltuples, -1)::bigint
          FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
         ORDER BY 2 DESC LIMIT %s
        """,
            [MOST_TABLES],
        ),
    )
    return Storage(size, [Table(*row) for row in tables], dict(_folders(Path(settings.VAR_DIR))))


def _asked(sql: str, values: Sequence[int] = ()) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())


def _folders(top: Path) -> Iterator[tuple[str, int]]:
    """Measure each folder right below ``top``, and the files of ``top`` itself, in bytes."""
    if not top.is_dir():
        return
    for entry in sorted(top.iterdir()):
        if entry.is_dir() and not entry.is_symlink():
            yield entry.name, sum(_size(file) for file in entry.rglob("*"))
    yield "", sum(_size(entry) for entry in top.iterdir() if entry.is_file())


def _size(file: Path) -> int:
    try:
        return file.lstat().st_size if file.is_file() else 0
    except OSError:  # it went while we looked
        return 0
