"""Answer monitoring: alive and ready. Open to all, so the answers hold no personal data.

Admin > System shows the same answers to users, with names and explanations.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.contrib.staticfiles.storage import staticfiles_storage
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from config.platform.jobs import heartbeat
from config.platform.text.word_lists import join_words
from config.standalone import broker
from segments.store import engine, lake
from segments.store.identity import StoreMismatch

# The oldest major version of PostgreSQL that the tests pass on.
OLDEST_POSTGRES = 15


@dataclass(frozen=True)
class Check:
    """The result of a health check of one part of the system."""

    ok: bool
    message: str


@require_safe
@never_cache
@login_not_required
def healthz(request: HttpRequest) -> HttpResponse:
    """Answer that this web process is alive."""
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
@login_not_required
def readyz(request: HttpRequest) -> HttpResponse:
    """Answer 200 when every part works, else 503; the parts one by one in JSON."""
    found = check_all()
    ready = all(check.ok for check in found.values())
    checks = {name: {"ok": check.ok, "message": check.message} for name, check in found.items()}
    return JsonResponse(
        {"status": "ready" if ready else "not ready", "checks": checks}, status=200 if ready else 503
    )


def check_all() -> dict[str, Check]:
    """Check every part of the system and return the answers by name. Parts that need the database are not
    checked while it is away."""
    found = {"database": _answer(_database), "static_files": _answer(_static_files)}
    if found["database"].ok:
        found["migrations"] = _answer(_migrations)
        found["profile_store"] = _answer(_profile_store)
    found["broker"] = _answer(_broker)
    if found["database"].ok or settings.REDIS_URL:
        for name in heartbeat.NAMES:
            found[name] = _answer(partial(_heartbeat, name))
    return found


def _answer(check: Callable[[], Check]) -> Check:
    try:
        return check()
    except ValueError:  # of the storage of static files: no manifest, or none that knows the file
        return Check(False, _("Not collected. Run collectstatic."))
    except Exception as error:  # this part is not ready; details are in its own log
        return Check(False, _("No response (%(error)s).") % {"error": type(error).__name__})


def _database() -> Check:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version_num')::int")
        version = cursor.fetchone()[0] // 10_000
    if version < OLDEST_POSTGRES:
        return Check(
            False,
            _("PostgreSQL %(version)d is too old. At least %(oldest)d is required.")
            % {"version": version, "oldest": OLDEST_POSTGRES},
        )
    return Check(True, _("OK."))


def _migrations() -> Check:
    _applied, missing = migration_counts()
    if missing:
        return Check(False, _("%(number)s migrations are missing. Run migrate.") % {"number": missing})
    return Check(True, _("All applied."))


def _profile_store() -> Check:
    """Open the profile store, and verify that PROFILE_STORE has the data of the catalog."""
    try:
        with lake.reading():
            engine.verify_identity()
    except StoreMismatch as error:
        return Check(False, str(error))
    return Check(True, _("OK."))


def migration_counts() -> tuple[int, int]:
    """Count applied and missing migrations, by their names alone: quicker than building the whole graph."""
    loader = MigrationLoader(None, ignore_no_migrations=True)
    applied = MigrationRecorder(connection).applied_migrations()
    return len(applied), len(loader.disk_migrations.keys() - applied.keys())


def _broker() -> Check:
    queue_lengths()
    return Check(True, _("OK."))


def _heartbeat(name: str) -> Check:
    """Check that each known process of a part wrote a heartbeat within the last seconds."""
    known = heartbeat.known(name)
    silent = [sign.node for sign in known if not sign.is_alive]
    if silent:
        return Check(False, _("No heartbeat: %(processes)s.") % {"processes": join_words(silent)})
    if not known:
        return Check(False, _("No process is running."))
    return Check(True, _("Running: %(processes)s.") % {"processes": join_words(sign.node for sign in known)})


def _static_files() -> Check:
    """Check the manifest that names every collected file: pages fail without it."""
    staticfiles_storage.url("img/mark.svg")
    return Check(True, _("Collected."))


def queue_lengths() -> dict[str, int]:
    """Count the messages that wait in each queue. Raises when the broker is away."""
    if not settings.REDIS_URL:
        return {queue: broker.count_messages(settings.BROKER_FOLDER, queue) for queue in heartbeat.WORKERS}
    with broker.redis_client(settings.REDIS_URL) as client:
        return {queue: int(client.llen(queue)) for queue in heartbeat.WORKERS}


@dataclass(frozen=True)
class Part:
    """One part: what it is for, whether it answers, and when it was last seen (None: it is asked directly)."""

    name: str | Promise
    purpose: str | Promise
    ok: bool
    message: str
    seen_at: datetime | None


_PART_NAMES: dict[str, tuple[Promise, Promise]] = {
    "database": (
        gettext_lazy("Database"),
        gettext_lazy("Stores all data: profiles, exports, runs and results."),
    ),
    "migrations": (gettext_lazy("Migrations"), gettext_lazy("The database schema matches this version.")),
    "profile_store": (
        gettext_lazy("Profile store"),
        gettext_lazy("Stores profiles and members of segments in files."),
    ),
    "static_files": (gettext_lazy("Static files"), gettext_lazy("Styles, scripts and images of the pages.")),
    "broker": (gettext_lazy("Message broker"), gettext_lazy("Delivers messages to the workers.")),
    "beat": (
        gettext_lazy("Scheduler"),
        gettext_lazy("Sends a message every two seconds to start what is due."),
    ),
    "control": (gettext_lazy("Worker “control”"), gettext_lazy("Handles short tasks: schedules and cleanup.")),
    "jobs": (gettext_lazy("Worker “jobs”"), gettext_lazy("Handles long tasks: imports, refreshes and runs.")),
}


def all_parts() -> list[Part]:
    """List every part with its answer of this moment."""
    return [_part(name, check) for name, check in check_all().items()]


def _part(name: str, check: Check) -> Part:
    label, purpose = _PART_NAMES.get(name, (name, ""))
    sign = heartbeat.last(name) if name in heartbeat.NAMES and check.ok else None
    return Part(label, purpose, check.ok, check.message, sign.at if sign else None)
