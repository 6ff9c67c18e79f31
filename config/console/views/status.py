"""Admin > System > Status: the status of everything that is refreshed, and of the parts of the system.

The status of a data source, segment or export is that of its last job. One query a group for the rows and one for
the counts, however many there are.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Case, Count, IntegerField, Model, OuterRef, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce, Lower
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from config.console import job_kinds
from config.console.health import all_parts
from config.console.job_kinds import KINDS, Kind, find_kind
from config.console.models import SystemRefresh
from config.console.views import tabs_context
from config.platform.accounts.decorators import require_permission
from config.platform.accounts.permissions import Permission
from config.platform.jobs.models import OPEN, JobStatus
from config.platform.schedules import display
from config.platform.web.htmx import Request
from config.platform.web.lists import Column, list_page
from config.platform.web.panes import render_pane

LAST_RUNS = 20
SHOWN_OF_GROUP = 8
NOT_STARTED = "not_started"
# The most urgent statuses first.
_URGENCY = {
    JobStatus.FAILED: 0,
    JobStatus.FAILURE: 1,
    JobStatus.NEEDS_CONFIRMATION: 1,
    JobStatus.PROCESSING: 2,
    JobStatus.QUEUED: 2,
    JobStatus.SKIPPED: 3,
    JobStatus.WARNINGS: 3,
}
_LEAST_URGENT = 4
_BY_URGENCY = tuple(dict.fromkeys([*_URGENCY, *JobStatus.values, NOT_STARTED]))

COLUMNS = (
    Column("name", gettext_lazy("Name"), order_by=(Lower("name"),)),
    Column("status", gettext_lazy("Status"), order_by=("urgency", Lower("name"))),
    Column("updated", gettext_lazy("Last updated"), order_by=("last_updated",)),
)


@dataclass(frozen=True)
class Task:
    """A thing and its status; ``job_id`` is None when nothing has worked on it yet."""

    kind: Kind
    pk: int
    name: str
    status: str
    updated_at: datetime | None
    job_id: int | None
    is_canceling: bool

    @property
    def shown_status(self) -> str:
        return "canceling" if self.is_canceling else self.status

    @property
    def label(self) -> str:
        return _("Canceling") if self.is_canceling else label_of(self.status)

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    @property
    def runs_url(self) -> str:
        return reverse("system:last_runs", args=[self.kind.key, self.pk])

    @property
    def progress_url(self) -> str:
        return reverse("system:progress", args=[self.kind.key, self.job_id]) if self.job_id else ""


@dataclass(frozen=True)
class StatusCount:
    """How many things have a status, with the address of them."""

    status: str
    label: str
    count: int
    url: str


@dataclass(frozen=True)
class Group:
    """One kind of things on the page: the most urgent of them, and how many there are."""

    kind: Kind
    tasks: list[Task]
    status_counts: list[StatusCount]
    url: str

    @property
    def total(self) -> int:
        return sum(one.count for one in self.status_counts)

    @property
    def hidden(self) -> int:
        return self.total - len(self.tasks)

    @property
    def is_live(self) -> bool:
        return any(one.status in OPEN for one in self.status_counts)


@require_permission(Permission.SYSTEM_VIEW)
@require_safe
def status(request: Request) -> HttpResponse:
    """Show the page. Processing jobs refresh their rows."""
    context = tabs_context(request.user, "status") | _live_context(request) | _health_context()
    return render(request, "system/status.html", context)


@require_permission(Permission.SYSTEM_VIEW)
@require_safe
def live(request: Request) -> HttpResponse:
    """Render the part of the page that changes."""
    return render(request, "system/status_live.html", _live_context(request))


@require_permission(Permission.SYSTEM_VIEW)
@require_safe
def health(request: Request) -> HttpResponse:
    """Show the parts of the system, as they answer now."""
    context = {"live_id": "parts", "live_url": request.path, "live_every": "10s"}
    return render(request, "system/_parts.html", _health_context() | context)


@require_permission(Permission.SYSTEM_VIEW)
@require_safe
def group(request: Request, key: str) -> HttpResponse:
    """List everything of one kind; ``?status=`` filters it."""
    kind = find_kind(key)
    found = with_last_job(kind)
    wanted = request.GET.get("status", "")
    if wanted:
        found = found.filter(last_status=wanted)
    page = list_page(request, found, columns=COLUMNS, search=("name",), default="status", selectable=False)
    context = tabs_context(request.user, "status") | {
        "list": page,
        "kind": kind,
        "tasks": [_task(kind, row) for row in page.rows],
        "wanted": label_of(wanted) if wanted in _BY_URGENCY else "",
    }
    return render(request, "system/tasks.html", context)


@require_permission(Permission.SYSTEM_VIEW)
@require_safe
def last_runs(request: Request, key: str, pk: int) -> HttpResponse:
    """Show the last jobs of one thing, in the pane."""
    kind = find_kind(key)
    context = {
        "active_nav": "system",
        "kind": kind,
        "name": str(get_object_or_404(kind.target, pk=pk)) if kind.owner else str(kind.one),
        "page_url": kind.page(pk),
        "runs": [
            {
                "job": job,
                "counts": kind.counts(job),
                "why": kind.why(job),
                "seconds": job.finished_at - job.started_at if job.finished_at and job.started_at else None,
                "url": reverse("system:progress", args=[kind.key, job.pk]),
            }
            for job in kind.jobs_of(pk).select_related("requested_by")[:LAST_RUNS]
        ],
        "pane_wide": True,
    }
    return render_pane(request, "system/last_runs.html", context, back=reverse("system:status"))


def _health_context() -> dict[str, object]:
    return {"parts": all_parts(), "health_url": reverse("system:health")}


def _live_context(request: Request) -> dict[str, object]:
    groups = [_group(kind) for kind in KINDS]
    refresh = SystemRefresh.objects.select_related("requested_by").first()
    is_live = any(group.is_live for group in groups) or bool(refresh and refresh.is_open)
    return {
        "groups": groups,
        "refresh": refresh,
        "refresh_counts": job_kinds.SYSTEM.counts(refresh) if refresh else "",
        "schedule": display.system_state(),
        "may_manage": request.user.may(Permission.SYSTEM_MANAGE),
        "live_id": "status-live",
        "live_url": reverse("system:status_live"),
        # Idle, it looks now and then, so that jobs that a schedule begins appear.
        "live_every": "2s" if is_live else "20s",
    }


def label_of(status: str) -> str:
    """Return the label of a status of jobs, or of NOT_STARTED."""
    return _("Not started") if status == NOT_STARTED else str(JobStatus(status).label)


def with_last_job(kind: Kind) -> "QuerySet[Model]":
    """Select everything of a kind with its last job: ``last_job``, ``last_status``, ``last_updated``,
    ``urgency``."""
    jobs = kind.job._default_manager.filter(**{kind.owner: OuterRef("pk")}).order_by("-pk")
    updated = jobs.annotate(moment=Coalesce("finished_at", "started_at", "created_at")).values("moment")[:1]
    latest = {
        "last_job": Subquery(jobs.values("pk")[:1]),
        "last_status": Coalesce(Subquery(jobs.values("status")[:1]), Value(NOT_STARTED)),
        "last_updated": Subquery(updated),
        "last_canceled": Subquery(jobs.values("cancel_requested_at")[:1]),
    }
    urgency = Case(
        *(When(last_status=status, then=Value(rank)) for status, rank in _URGENCY.items()),
        default=Value(_LEAST_URGENT),
        output_field=IntegerField(),
    )
    found: QuerySet[Model] = kind.target._default_manager.annotate(**latest).annotate(urgency=urgency)
    return found


def _group(kind: Kind) -> Group:
    found = with_last_job(kind)
    counts = dict(found.order_by().values_list("last_status").annotate(count=Count("pk")))
    rows = found.order_by("urgency", Lower("name"))[:SHOWN_OF_GROUP]
    url = reverse("system:tasks", args=[kind.key])
    status_counts = [
        StatusCount(status, label_of(status), counts[status], f"{url}?status={status}")
        for status in _BY_URGENCY
        if counts.get(status)
    ]
    return Group(kind, [_task(kind, row) for row in rows], status_counts, url)


def _task(kind: Kind, row: Model) -> Task:
    status: str = getattr(row, "last_status", NOT_STARTED)
    return Task(
        kind=kind,
        pk=row.pk,
        name=str(row),
        status=status,
        updated_at=getattr(row, "last_updated", None),
        job_id=getattr(row, "last_job", None),
        is_canceling=status in OPEN and getattr(row, "last_canceled", None) is not None,
    )
