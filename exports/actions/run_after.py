"""Choose what an export runs after, and start the runs that data sources and other exports have triggered."""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db import connection as database
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from config.platform.accounts.models import User
from config.platform.audit.record import record
from config.platform.jobs import clock
from config.platform.jobs.enqueue import enqueue_on_commit
from config.platform.jobs.models import OPEN, JobStatus
from config.platform.text.word_lists import join_words
from config.platform.web.versions import take_version
from exports import permissions, policies
from exports.actions.runs import new_run
from exports.models import Export, Run, RunAfter, RunKind, Trigger, TriggeredStart
from exports.reporting import run_events
from segments import refresh_requests
from segments.models import DataSource

_LOCK = 7_365_676_104
_AT_ONCE = 100
# Looked at again after so long: one that waits for a run or a refresh, or could not be started.
_WAITING = timedelta(seconds=5)
_FAILED = timedelta(minutes=5)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Predecessors:
    """What an export runs after, by name."""

    sources: Sequence[DataSource] = ()
    exports: Sequence[Export] = ()

    @property
    def names(self) -> list[str]:
        """The names of the data sources, then those of the exports."""
        return [*sorted(each.name for each in self.sources), *sorted(each.name for each in self.exports)]

    @property
    def keys(self) -> tuple[set[int], set[int]]:
        """The IDs of the data sources and of the exports."""
        return {each.pk for each in self.sources}, {each.pk for each in self.exports}

    @property
    def words(self) -> str:
        """The names in a list for users; empty when there are none."""
        return join_words([f"“{name}”" for name in self.names])


def predecessors_of(export: Export) -> Predecessors:
    """Return what an export runs after."""
    return predecessors_of_each([export.pk]).get(export.pk, Predecessors())


def predecessors_of_each(exports: Collection[int]) -> dict[int, Predecessors]:
    """Return what each of these exports runs after, in one query; exports that run after nothing are missing."""
    found: dict[int, tuple[list[DataSource], list[Export]]] = {}
    for row in RunAfter.objects.filter(export__in=exports).select_related("source", "predecessor").order_by("pk"):
        sources, others = found.setdefault(row.export_id, ([], []))
        if row.source is not None:
            sources.append(row.source)
        elif row.predecessor is not None:
            others.append(row.predecessor)
    return {pk: Predecessors(sources, others) for pk, (sources, others) in found.items()}


def find_circle(export: Export | None, after: Collection[int]) -> list[str]:
    """Return the names of the exports of a circle that would come to be if ``export`` ran after these, the first
    again as the last; empty when there is none."""
    if export is None:
        return []
    edges: dict[int, list[int]] = {}
    pairs = RunAfter.objects.exclude(predecessor=None).exclude(export=export)
    for follower, predecessor in pairs.values_list("export_id", "predecessor_id"):
        edges.setdefault(follower, []).append(predecessor or 0)
    path = _path_to(export.pk, sorted(after), edges)
    names = dict(Export.objects.filter(pk__in=path).values_list("pk", "name"))
    return [names[pk] for pk in path]


def _path_to(goal: int, after: Sequence[int], edges: Mapping[int, Sequence[int]]) -> list[int]:
    """Return a path of exports, each of which runs before the next, from ``goal`` back to it; else nothing."""
    paths = [[goal, pk] for pk in after]
    seen: set[int] = set()
    while paths:
        path = paths.pop()
        if path[-1] == goal:
            return path[::-1]
        if path[-1] not in seen:
            seen.add(path[-1])
            paths += [[*path, pk] for pk in edges.get(path[-1], ())]
    return []


def circle_in_words(names: Sequence[str]) -> str:
    """Say which exports would run after each other without end."""
    return _("These exports would run after each other without end: %(path)s.") % {"path": " → ".join(names)}


@transaction.atomic
def set_run_after(export: Export, after: Predecessors, *, version: int, by: User | None) -> None:
    """Let an export run after these, and after nothing else. Raises StaleEdit, PermissionDenied, and
    policies.Refusal with the path when exports would run after each other in a circle."""
    before = predecessors_of(export)
    if before.keys == after.keys:
        return
    take_version(export, version)
    export.refresh_from_db()
    policies.check_stays(export)
    if by is not None:
        permissions.check_can_manage(by, export)
    with database.cursor() as cursor:  # two users must not make a circle together
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
    if circle := find_circle(export, [each.pk for each in after.exports]):
        raise policies.Refusal(circle_in_words(circle))
    export.run_after.all().delete()
    RunAfter.objects.bulk_create(
        [
            *(RunAfter(export=export, source=source) for source in after.sources),
            *(RunAfter(export=export, predecessor=other) for other in after.exports),
        ]
    )
    if not after.names:
        TriggeredStart.objects.filter(export=export).delete()
    changes = {"run_after": (before.names, after.names)}
    record("edited", export, by=by, changes=changes, version=export.version)


def start_triggered() -> int:
    """Start the runs of triggered exports that rest and are due. Returns how many were started. One that cannot be
    started, or waits, holds up no other: it is looked at again a little later."""
    at_work = Run.objects.filter(export=OuterRef("export"), status__in=OPEN).exclude(kind=RunKind.LIST_CLEANUP)
    due = TriggeredStart.objects.filter(~Exists(at_work), due_at__lte=clock.now()).order_by("due_at")
    started = 0
    for export_id in list(due.values_list("export_id", flat=True)[:_AT_ONCE]):
        again_after = _WAITING
        try:
            if _start(export_id):
                started += 1
                continue
        except Exception:
            logger.exception("export %s: the run after others could not be started", export_id)
            again_after = _FAILED
        later = clock.now() + again_after
        TriggeredStart.objects.filter(export=export_id, due_at__lte=clock.now()).update(due_at=later)
    return started


@transaction.atomic
def _start(export_id: int) -> bool:
    """Start exactly one run for a triggered start, however many workers look at the same moment. It waits while
    the export runs, since that run may not have seen the new data, and while a segment of it is being
    refreshed."""
    exports = Export.objects.select_for_update(of=("self",), skip_locked=True).select_related("connection")
    export = exports.filter(pk=export_id).first()  # locked first, as everywhere
    noted = TriggeredStart.objects.select_for_update().filter(export=export_id).first() if export else None
    if export is None or noted is None:
        return False
    if export.is_being_removed or export.connection is None:
        noted.delete()
        return False
    if policies.open_run(export):
        return False
    segments = list(export.segments.values_list("pk", flat=True))
    if noted.refreshes and not refresh_requests.request_with_segments_in_rules(segments):
        return False
    waiting = export.runs.filter(status=JobStatus.FAILURE).exclude(kind=RunKind.LIST_CLEANUP)
    waiting.exclude(resume_at=None).update(resume_at=None)
    run = new_run(export, Trigger.AFTER, export.connection.export_user, started_after=", ".join(noted.causes))
    noted.delete()
    run_events.emit_status(run)
    enqueue_on_commit("exports.tasks.work_on_run", run.pk)
    return True
