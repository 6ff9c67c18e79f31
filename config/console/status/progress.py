"""Show how far one job is, as a tree of steps, and the entire system refresh around it, if it is part of one."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Case, Count, IntegerField, Max, Min, Q, Value, When
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils.translation import gettext as _

from config.console.models import RefreshStep, StepKind, SystemRefresh
from config.console.status import kinds
from config.console.status.kinds import Kind
from config.console.status.tasks import NOT_STARTED, label_of
from config.console.system_refresh.stages import why_skipped
from config.platform.jobs import clock
from config.platform.jobs.models import OPEN, Job, JobStatus
from config.platform.web.formats import number
from exports.hooks.skip_cause import Cause
from exports.models import Run, Stage
from exports.reporting.stages import stages_of
from segments.models import ImportJob, SegmentRefresh

STEPS_OF_GROUP = 40
WAITS_NAMED = 5


@dataclass(frozen=True)
class Node:
    """One step of the tree."""

    name: str
    status: str
    figures: str = ""
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


def of_job(kind: Kind, job: Job, name: str) -> Node:
    """Return the job with its own steps."""
    return Node(
        name=name,
        status=job.status,
        figures=kind.figures(job),
        message=kind.why(job),
        began_at=job.started_at,
        ended_at=job.finished_at,
        percent=job.percent if job.status == JobStatus.PROCESSING and job.progress_total else None,
        children=_PARTS[kind.key](job),
    )


def workflow_of(kind: Kind, job: Job) -> SystemRefresh | None:
    """Return the system refresh that the job belongs to; None when it was requested alone."""
    if isinstance(job, SystemRefresh):
        return job
    return SystemRefresh.objects.filter(**{f"steps__{_FIELDS[kind.key]}": job.pk}).order_by("-pk").first()


def cause_of(kind: Kind, job: Job) -> Cause | None:
    """Return what the job waited for in vain; None when it did not."""
    if kind is kinds.SYSTEM:
        return None
    blocked = RefreshStep.objects.filter(**{_FIELDS[kind.key]: job.pk}, blocked_by__isnull=False)
    step = blocked.select_related(*_CAUSES).first()
    return _cause(step) if step else None


def cause_of_run(run: Run) -> Cause | None:
    """Return what a run waited for in vain, for its own page."""
    return cause_of(kinds.find("export"), run)


def workflow(refresh: SystemRefresh, current: Job) -> Node:
    """Return the entire system refresh, with the job that is looked at marked in it, opened."""
    tree = of_job(kinds.SYSTEM, refresh, str(refresh))
    return replace(tree, children=_refresh_parts(refresh, current))


def _import_parts(job: ImportJob) -> list[Node]:
    rows = _("%(n)s rows") % {"n": number(job.rows_read)} if job.rows_read else ""
    carried = _("%(created)s created, %(updated)s updated, %(unchanged)s unchanged, %(refused)s rejected") % {
        "created": number(job.rows_created),
        "updated": number(job.rows_updated),
        "unchanged": number(job.rows_unchanged),
        "refused": number(job.rows_refused),
    }
    has_read = job.read_at is not None or job.status in (JobStatus.SUCCESSFUL, JobStatus.WARNINGS)
    reading = Node(
        _("Read file"),
        JobStatus.SUCCESSFUL if has_read else job.status,
        rows,
        began_at=None if has_read and job.read_at is None else job.started_at,
        ended_at=job.read_at or job.finished_at,
    )
    carrying = Node(
        _("Update customers"),
        job.status if has_read else NOT_STARTED,
        "" if job.is_open or not has_read else carried,
        began_at=job.read_at,
        ended_at=job.finished_at,
    )
    return [reading, carrying]


def _segment_refresh_parts(job: SegmentRefresh) -> list[Node]:
    return [
        Node(
            _("Recalculate members"),
            job.status,
            kinds.find("segment").figures(job),
            began_at=job.started_at,
            ended_at=job.finished_at,
        )
    ]


def _run_parts(run: Run) -> list[Node]:
    standing = {
        "done": JobStatus.SUCCESSFUL.value,
        "now": JobStatus.PROCESSING.value,
        "next": NOT_STARTED,
        "failed": run.status,
        "ended": run.status,
    }
    return [
        Node(
            str(found.label),
            standing[found.state],
            _stage_counts(run, found.stage, found.state),
            began_at=found.began_at,
            ended_at=found.ended_at,
        )
        for found in stages_of(run)
    ]


def _stage_counts(run: Run, stage: Stage, state: str) -> str:
    if state == "next":
        return ""
    figures = {
        Stage.CHECK: run.snapshot.list_title,
        Stage.PLAN: _("%(members)s members, %(planned)s to send")
        % {"members": number(run.members), "planned": number(run.planned)},
        Stage.DELIVER: _("%(delivered)s delivered, %(left)s suppressed, %(rejected)s rejected")
        % {"delivered": number(run.delivered), "left": number(run.left), "rejected": number(run.rejected)},
        Stage.COMPLETE: "",
    }
    return str(figures[stage])


def _refresh_parts(refresh: SystemRefresh, current: Job | None = None) -> list[Node]:
    """Three stages, each with its steps: what needs a look and what is at work first."""
    began = Min(Coalesce(*(f"{name}__started_at" for name in _FIELDS.values())))
    rows = refresh.steps.order_by().values("kind", "status")
    found: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows.annotate(count=Count("pk"), began_at=began, ended_at=Max("finished_at")):
        found.setdefault(row["kind"], []).append(row)
    return [_stage(refresh, kinds.find(key), found[key], current) for key in StepKind.values if key in found]


def _stage(refresh: SystemRefresh, kind: Kind, rows: Sequence[Mapping[str, Any]], current: Job | None) -> Node:
    """Sum up a stage by the statuses of its steps."""
    shown = _steps_of(refresh, kind, current)
    counts = {row["status"]: row["count"] for row in rows}
    is_working = any(one.status == JobStatus.PROCESSING for one in shown)  # the rows lag behind by a tick
    total = sum(counts.values())
    ended = sum(count for status, count in counts.items() if status not in OPEN)
    return Node(
        name=str(kind.label),
        status=JobStatus.PROCESSING if is_working else _standing(counts),
        figures=_("%(ended)s of %(total)s") % {"ended": number(ended), "total": number(total)},
        began_at=min((row["began_at"] for row in rows if row["began_at"]), default=None),
        ended_at=max((row["ended_at"] for row in rows if row["ended_at"]), default=None)
        if ended == total
        else None,
        children=shown,
        hidden=total - len(shown),
        hidden_url=reverse("system:tasks", args=[kind.key]),
    )


def _steps_of(refresh: SystemRefresh, kind: Kind, current: Job | None) -> list[Node]:
    """List the steps of a stage, up to a page of them: what is looked at first, then what needs a look."""
    mine = Q(**{_FIELDS[kind.key]: current.pk}) if isinstance(current, kind.job) else Q(pk=None)
    first = Case(
        When(mine, then=Value(0)),
        When(status=JobStatus.FAILED, then=Value(1)),
        When(status=JobStatus.PROCESSING, then=Value(2)),
        When(status__in=(JobStatus.SKIPPED, JobStatus.FAILURE), then=Value(3)),
        default=Value(4),
        output_field=IntegerField(),
    )
    steps = refresh.steps.filter(kind=kind.key).order_by(first, "pk").select_related(_FIELDS[kind.key], *_CAUSES)
    rows = list(steps[:STEPS_OF_GROUP])
    waits = _waits(refresh, rows)
    return [_step(kind, step, current, waits.get(step.pk, "")) for step in rows]


def _waits(refresh: SystemRefresh, steps: Iterable[RefreshStep]) -> dict[int, str]:
    """Say what each step that has not begun still waits for."""
    idle = [step for step in steps if step.is_open and step.job is None]
    causes = {pk for step in idle for pk in step.waits_for[:WAITS_NAMED]}
    names = dict(refresh.steps.filter(pk__in=causes, status__in=OPEN).values_list("pk", "name"))
    named = {step.pk: [names[pk] for pk in step.waits_for if pk in names] for step in idle}
    return {pk: _("Waiting for: %(names)s.") % {"names": ", ".join(found)} for pk, found in named.items() if found}


def _step(kind: Kind, step: RefreshStep, current: Job | None, waits: str) -> Node:
    job, cause = step.job, _cause(step)
    message, cause_url = (cause.sentence, cause.url) if cause else (step.message, "")
    if job is None:
        return Node(step.name, step.status, message=message or waits, cause_url=cause_url)
    node = of_job(kind, job, step.name)
    is_current = isinstance(current, kind.job) and current.pk == job.pk
    return replace(
        node,
        message=message or node.message,
        url="" if is_current else reverse("system:progress", args=[kind.key, job.pk]),
        cause_url=cause_url,
        is_current=is_current,
        children=node.children if is_current else [],
    )


def _cause(step: RefreshStep) -> Cause | None:
    cause = step.blocked_by
    if cause is None:
        return None
    url = reverse("system:progress", args=[cause.kind, cause.job.pk]) if cause.job else ""
    return Cause(why_skipped(cause), url)


def _standing(counts: dict[str, int]) -> str:
    """Return the status of a stage as a whole."""
    statuses = set(counts)
    if JobStatus.PROCESSING in statuses or (statuses & set(OPEN) and statuses - set(OPEN)):
        return JobStatus.PROCESSING
    for worst in (JobStatus.QUEUED, JobStatus.FAILED, JobStatus.FAILURE, JobStatus.CANCELED, JobStatus.SKIPPED):
        if worst in statuses:
            return worst
    return JobStatus.SUCCESSFUL if statuses == {JobStatus.SUCCESSFUL} else JobStatus.WARNINGS


_FIELDS = {"data_source": "import_job", "segment": "segment_refresh", "export": "run"}
# An export is kept back by a segment, and that by a data source.
_CAUSES = ("blocked_by__blocked_by", *(f"blocked_by__{name}" for name in _FIELDS.values()))
_PARTS: dict[str, Callable[[Any], list[Node]]] = {
    "system": _refresh_parts,
    "data_source": _import_parts,
    "segment": _segment_refresh_parts,
    "export": _run_parts,
}
