"""Progress details: the steps of one job in the pane, as a tree, and the entire system refresh around it."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, cast

from django.db.models import Case, Count, IntegerField, Max, Min, Q, Value, When
from django.db.models.functions import Coalesce
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from config.console import job_kinds
from config.console.job_kinds import AnyJob, Kind, find_kind, with_counts
from config.console.models import RefreshStep, StepKind, SystemRefresh
from config.console.system_refresh.actions import AlreadyEnded
from config.console.system_refresh.stages import BLOCKERS, JOB_FIELDS, cause_of_job, cause_of_step
from config.console.views.status import NOT_STARTED, label_of
from config.platform.accounts.decorators import require_permission
from config.platform.accounts.permissions import Permission
from config.platform.jobs import clock
from config.platform.jobs.models import OPEN, Job, JobStatus
from config.platform.text.stored_texts import translate_stored
from config.platform.text.word_lists import join_words
from config.platform.web.htmx import Request
from config.platform.web.panes import close_pane, refused, render_dialog, render_pane
from exports.models import Run, Stage
from exports.policies import Refusal
from exports.reporting.progress import stages_of
from exports.results import summary
from segments.models import ImportJob, SegmentRefresh
from segments.sources import held_imports

STEPS_OF_GROUP = 40
WAITS_NAMED = 5


@dataclass(frozen=True)
class Node:
    """One step of the tree."""

    name: str
    status: str
    counts: str = ""
    message: str = ""
    began_at: datetime | None = None
    ended_at: datetime | None = None
    url: str = ""  # its own progress details
    cause_url: str = ""  # of what it waited for in vain
    is_current: bool = False
    percent: int | None = None
    children: list["Node"] = field(default_factory=list)
    hidden: int = 0  # children that are not listed
    hidden_url: str = ""

    @property
    def label(self) -> str:
        return label_of(self.status)

    @property
    def duration(self) -> timedelta | None:
        if self.began_at is None:
            return None
        return (self.ended_at or clock.now()) - self.began_at


@require_permission(Permission.SYSTEM_VIEW)
@require_safe
def progress(request: Request, key: str, pk: int) -> HttpResponse:
    """Show the pane; ``?workflow=on`` shows the entire system refresh."""
    context = _context(request, find_kind(key), pk)
    return render_pane(request, "system/progress.html", context, back=reverse("system:status"))


@require_permission(Permission.SYSTEM_VIEW)
@require_safe
def live(request: Request, key: str, pk: int) -> HttpResponse:
    """Render the part of the pane that changes."""
    return render(request, "system/progress_live.html", _context(request, find_kind(key), pk))


@require_http_methods(["GET", "POST"])
def cancel(request: Request, key: str, pk: int) -> HttpResponse:
    """Ask, then let the job stop. The pane stays and shows it stopping."""
    kind = find_kind(key)
    job = _job(kind, pk)
    kind.check_can_cancel(job, request.user)
    back = reverse("system:progress", args=[key, pk])
    name = {"name": _name(kind, job)}
    if request.method != "POST":
        question = {
            "active_nav": "system",
            "title": _("Cancel “%(name)s”?") % name,
            "sentence": kind.what_canceling_does,
            "confirm_label": _("Cancel job"),
            "danger": True,
        }
        return render_dialog(request, question, back=back)
    try:
        kind.cancel(job, request.user)
    except (Refusal, AlreadyEnded) as refusal:
        return refused(str(refusal))
    message = _("“%(name)s” is being canceled.") % name
    if request.headers.get("HX-Request") != "true":
        return close_pane(request, back, message)
    response = HttpResponse()
    response["HX-Trigger"] = json.dumps({"toast": {"text": message, "tone": "success"}})
    return response


def _job(kind: Kind, pk: int) -> AnyJob:
    related = ["requested_by", *([kind.owner] if kind.owner else [])]
    if kind is job_kinds.EXPORT:
        related.append("export__connection")
    return cast(AnyJob, get_object_or_404(kind.job._default_manager.select_related(*related), pk=pk))


def _name(kind: Kind, job: AnyJob) -> str:
    return str(getattr(job, kind.owner)) if kind.owner else str(job)


def _context(request: Request, kind: Kind, pk: int) -> dict[str, object]:
    job = _job(kind, pk)
    name = _name(kind, job)
    refresh = _system_refresh_of(kind, job)
    is_part = refresh is not None and kind is not job_kinds.SYSTEM
    own = _job_node(kind, job, name)
    whole = None
    if refresh and is_part and request.GET.get("workflow") == "on":
        tree = _job_node(job_kinds.SYSTEM, refresh, str(refresh))
        whole = replace(tree, children=_refresh_steps(refresh, job))
    here, workflow = reverse("system:progress", args=[kind.key, job.pk]), "?workflow=on"
    return {
        "active_nav": "system",
        "kind": kind,
        "job": job,
        "name": name,
        "own": own,
        "cause": cause_of_job(kind.key, job) if is_part else None,
        "node": whole or own,
        "refresh": refresh,
        "can_show_workflow": is_part,
        "shows_workflow": whole is not None,
        "switch_url": here if whole else f"{here}{workflow}",
        "job_page": kind.job_page(job.pk),
        "may_cancel": kind.may_cancel(job, request.user),
        "is_canceling": job.is_open and job.cancel_requested_at is not None,
        "live_id": "progress-live",
        "live_url": reverse("system:progress_live", args=[kind.key, job.pk]) + (workflow if whole else ""),
        "live_done": not job.is_open and not (whole and refresh and refresh.is_open),
        "pane_wide": True,
    }


def _system_refresh_of(kind: Kind, job: Job) -> SystemRefresh | None:
    """Return the system refresh that the job belongs to; None when it was requested alone."""
    if isinstance(job, SystemRefresh):
        return job
    return SystemRefresh.objects.filter(**{f"steps__{JOB_FIELDS[kind.key]}": job.pk}).order_by("-pk").first()


def _job_node(kind: Kind, job: Job, name: str) -> Node:
    """Return the job with its own steps."""
    return Node(
        name=name,
        status=job.status,
        counts=kind.counts(job),
        message=kind.why(job),
        began_at=job.started_at,
        ended_at=job.finished_at,
        percent=job.percent if job.status == JobStatus.PROCESSING and job.progress_total else None,
        children=_STEPS[kind.key](job),
    )


def _import_steps(job: ImportJob) -> list[Node]:
    sentence = _("%(created)s created, %(updated)s updated, %(unchanged)s unchanged, %(refused)s rejected")
    if job.profiles_removed:
        sentence = _(
            "%(created)s created, %(updated)s updated, %(unchanged)s unchanged, %(removed)s removed, "
            "%(refused)s rejected"
        )
    counts = with_counts(
        sentence,
        created=job.rows_created,
        updated=job.rows_updated,
        unchanged=job.rows_unchanged,
        removed=job.profiles_removed,
        refused=job.rows_refused,
    )
    has_read = job.read_at is not None or job.status in (JobStatus.SUCCESSFUL, JobStatus.WARNINGS)
    reading = Node(
        _("Read file"),
        JobStatus.SUCCESSFUL if has_read else job.status,
        with_counts(_("%(n)s rows"), n=job.rows_read) if job.rows_read else "",
        began_at=None if has_read and job.read_at is None else job.started_at,
        ended_at=job.read_at or job.finished_at,
    )
    updating = Node(
        _("Update customers"),
        job.status if has_read else NOT_STARTED,
        "" if job.is_open or not has_read or held_imports.is_held(job) else counts,
        began_at=job.read_at,
        ended_at=job.finished_at,
    )
    return [reading, updating]


def _segment_refresh_steps(job: SegmentRefresh) -> list[Node]:
    counts = job_kinds.SEGMENT.counts(job)
    return [Node(_("Recalculate members"), job.status, counts, began_at=job.started_at, ended_at=job.finished_at)]


def _run_steps(run: Run) -> list[Node]:
    statuses = {
        "done": JobStatus.SUCCESSFUL.value,
        "now": JobStatus.PROCESSING.value,
        "next": NOT_STARTED,
        "failed": run.status,
        "ended": run.status,
    }
    return [
        Node(
            str(found.label),
            statuses[found.state],
            "" if found.state == "next" else _stage_counts(run, found.stage),
            began_at=found.began_at,
            ended_at=found.ended_at,
        )
        for found in stages_of(run)
    ]


def _stage_counts(run: Run, stage: Stage) -> str:
    if stage == Stage.CHECK:
        return str(run.snapshot.list_title)
    if stage == Stage.PLAN:
        return with_counts(_("%(members)s members, %(planned)s to send"), members=run.members, planned=run.planned)
    if stage == Stage.DELIVER:
        return str(summary.of_run(run).in_words())
    return ""


def _refresh_steps(refresh: SystemRefresh, current: Job | None = None) -> list[Node]:
    """List the three stages, each with its steps."""
    began = Min(Coalesce(*(f"{name}__started_at" for name in JOB_FIELDS.values())))
    rows = refresh.steps.order_by().values("kind", "status")
    found: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows.annotate(count=Count("pk"), began_at=began, ended_at=Max("finished_at")):
        found.setdefault(row["kind"], []).append(row)
    return [_stage_node(refresh, find_kind(key), found[key], current) for key in StepKind.values if key in found]


def _stage_node(
    refresh: SystemRefresh, kind: Kind, rows: Sequence[Mapping[str, Any]], current: Job | None
) -> Node:
    """Sum up a stage by the statuses of its steps."""
    shown = _steps_of_stage(refresh, kind, current)
    counts = {row["status"]: row["count"] for row in rows}
    is_working = any(one.status == JobStatus.PROCESSING for one in shown)  # the rows lag behind by a tick
    total = sum(counts.values())
    ended = sum(count for status, count in counts.items() if status not in OPEN)
    last_end = max((row["ended_at"] for row in rows if row["ended_at"]), default=None)
    return Node(
        name=str(kind.label),
        status=JobStatus.PROCESSING if is_working else _overall_status(set(counts)),
        counts=with_counts(_("%(ended)s of %(total)s"), ended=ended, total=total),
        began_at=min((row["began_at"] for row in rows if row["began_at"]), default=None),
        ended_at=last_end if ended == total else None,
        children=shown,
        hidden=total - len(shown),
        hidden_url=reverse("system:tasks", args=[kind.key]),
    )


def _steps_of_stage(refresh: SystemRefresh, kind: Kind, current: Job | None) -> list[Node]:
    """List the steps of a stage, up to a page of them: what is looked at first, then what needs a look."""
    mine = Q(**{JOB_FIELDS[kind.key]: current.pk}) if isinstance(current, kind.job) else Q(pk=None)
    first = Case(
        When(mine, then=Value(0)),
        When(status=JobStatus.FAILED, then=Value(1)),
        When(status=JobStatus.PROCESSING, then=Value(2)),
        When(status__in=(JobStatus.SKIPPED, JobStatus.FAILURE), then=Value(3)),
        default=Value(4),
        output_field=IntegerField(),
    )
    steps = refresh.steps.filter(kind=kind.key).order_by(first, "pk")
    rows = list(steps.select_related(JOB_FIELDS[kind.key], *BLOCKERS)[:STEPS_OF_GROUP])
    waits = _waits(refresh, rows)
    return [_step_node(kind, step, current, waits.get(step.pk, "")) for step in rows]


def _waits(refresh: SystemRefresh, steps: Iterable[RefreshStep]) -> dict[int, str]:
    """Return for each step that has not begun a sentence that names what it waits for."""
    idle = [step for step in steps if step.is_open and step.job is None]
    causes = {pk for step in idle for pk in step.waits_for[:WAITS_NAMED]}
    names = dict(refresh.steps.filter(pk__in=causes, status__in=OPEN).values_list("pk", "name"))
    named = {step.pk: [names[pk] for pk in step.waits_for if pk in names] for step in idle}
    return {
        pk: _("Waiting for: %(names)s.") % {"names": join_words(found)} for pk, found in named.items() if found
    }


def _step_node(kind: Kind, step: RefreshStep, current: Job | None, waits: str) -> Node:
    job, cause = step.job, cause_of_step(step)
    message, cause_url = (cause.sentence, cause.url) if cause else (translate_stored(step.message), "")
    if job is None:
        return Node(step.name, step.status, message=message or waits, cause_url=cause_url)
    node = _job_node(kind, job, step.name)
    is_current = isinstance(current, kind.job) and current.pk == job.pk
    return replace(
        node,
        message=message or node.message,
        url="" if is_current else reverse("system:progress", args=[kind.key, job.pk]),
        cause_url=cause_url,
        is_current=is_current,
        children=node.children if is_current else [],
    )


def _overall_status(statuses: set[str]) -> str:
    """Return the status of a stage as a whole."""
    if JobStatus.PROCESSING in statuses or (statuses & set(OPEN) and statuses - set(OPEN)):
        return JobStatus.PROCESSING
    for worst in (JobStatus.QUEUED, JobStatus.FAILED, JobStatus.FAILURE, JobStatus.CANCELED, JobStatus.SKIPPED):
        if worst in statuses:
            return worst
    return JobStatus.SUCCESSFUL if statuses == {JobStatus.SUCCESSFUL} else JobStatus.WARNINGS


_STEPS: dict[str, Callable[[Any], list[Node]]] = {
    "system": _refresh_steps,
    "data_source": _import_steps,
    "segment": _segment_refresh_steps,
    "export": _run_steps,
}
