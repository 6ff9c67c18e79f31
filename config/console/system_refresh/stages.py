"""Describe the three stages of a system refresh: what each refreshes, what that depends on, and how it is begun,
skipped and canceled.

The steps are written when a refresh begins, whatever is edited meanwhile.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, TypeVar

from django.db.models import Model
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils.translation import gettext as _

from config.console.models import RefreshStep, StepKind, SystemRefresh
from config.platform.jobs.models import Job, JobStatus
from config.platform.text.stored_texts import translate_stored
from exports import policies
from exports.actions import manage as export_actions
from exports.actions import runs
from exports.hooks.skip_cause import Cause
from exports.models import Export, Run, Trigger
from segments import actions as segment_actions
from segments import refresh as segment_scheduling
from segments.models import DataSource, ImportJob, Segment, SegmentRefresh
from segments.rules import references, tree
from segments.sources import actions, schedules

ModelT = TypeVar("ModelT", bound=Model)


@dataclass(frozen=True)
class Target:
    """One thing to refresh; ``waits_for`` names what it depends on."""

    pk: int
    name: str
    waits_for: frozenset[tuple[StepKind, int]] = frozenset()


class NotNow(Exception):
    """It is being worked on already, from before: its turn comes when that has ended."""


class CannotBegin(Exception):
    """It cannot be begun; ``status`` is how the step ends, and the text says why."""

    def __init__(self, sentence: str, status: JobStatus = JobStatus.SKIPPED) -> None:
        super().__init__(sentence)
        self.status = status


class Stage(Protocol):
    """One kind of things. ``field`` is where a step keeps its job."""

    kind: StepKind
    field: str

    def targets(self) -> Iterator[Target]: ...

    def begin(self, pk: int) -> Job:
        """Queue the job. Raises NotNow and CannotBegin."""
        ...

    def skip(self, pk: int, message: str) -> Job | None:
        """Note with the thing itself that it was due and not tried."""
        ...

    def cancel(self, job: Job) -> None: ...


class DataSources:
    kind = StepKind.DATA_SOURCE
    field = "import_job"

    def targets(self) -> Iterator[Target]:
        """Yield those on the system schedule with a file or query to read again; uploads stay as they are."""
        for source in schedules.refreshed_with_system().order_by(Lower("name")):
            yield Target(source.pk, source.name)

    def begin(self, pk: int) -> Job:
        return actions.refresh_data_source(_still_there(DataSource.objects.filter(pk=pk).first()), by=None)

    def skip(self, pk: int, message: str) -> Job | None:
        return None  # depends on nothing

    def cancel(self, job: Job) -> None:
        assert isinstance(job, ImportJob)  # noqa: S101
        actions.cancel_import(job, by=None)


class Segments:
    kind = StepKind.SEGMENT
    field = "segment_refresh"

    def targets(self) -> Iterator[Target]:
        """Yield those on the system schedule. Each waits for the sources that it is drawn from. A static one that
        is drawn stays as it is."""
        sources = list(schedules.refreshed_with_system())
        segments = segment_scheduling.refreshed_with_system().exclude(is_static=True, refreshed_at__isnull=False)
        for segment in segments.order_by(Lower("name")):
            sources_used = (source for source in sources if tree.can_match_source(segment.rules, source.columns))
            waits_for = frozenset((StepKind.DATA_SOURCE, source.pk) for source in sources_used) | frozenset(
                (StepKind.SEGMENT, other) for other in references.segments_in(segment.rules)
            )
            yield Target(segment.pk, segment.name, waits_for)

    def begin(self, pk: int) -> Job:
        segment = _still_there(Segment.objects.filter(pk=pk).first())
        if segment.refreshes.filter(status=JobStatus.PROCESSING).exists():
            raise NotNow  # it may have looked at the profiles before their sources were read
        return segment_actions.request_refresh(segment, by=None)

    def skip(self, pk: int, message: str) -> Job | None:
        segment = Segment.objects.filter(pk=pk).first()
        return segment_actions.skip_refresh(segment, message=message) if segment else None

    def cancel(self, job: Job) -> None:
        assert isinstance(job, SegmentRefresh)  # noqa: S101
        segment_actions.cancel_refresh(job, by=None)


class Exports:
    kind = StepKind.EXPORT
    field = "run"

    def targets(self) -> Iterator[Target]:
        """Yield those on the system schedule. Each waits for its segments; without a connection it rests."""
        due = export_actions.exports_of_system_refresh().exclude(connection=None)
        for export in due.order_by(Lower("name")).prefetch_related("segments"):
            waits_for = frozenset((StepKind.SEGMENT, segment.pk) for segment in export.segments.all())
            yield Target(export.pk, export.name, waits_for)

    def begin(self, pk: int) -> Job:
        export = _still_there(Export.objects.select_related("connection").filter(pk=pk).first())
        if export.connection is None:
            raise CannotBegin(_("This export has no connection. Choose one first."))
        if policies.open_run(export):
            raise NotNow
        try:
            return runs.start_run(export, by=None, trigger=Trigger.SYSTEM)
        except policies.Refusal as refusal:
            raise CannotBegin(refusal.sentence, JobStatus.FAILED) from refusal

    def skip(self, pk: int, message: str) -> Job | None:
        export = Export.objects.filter(pk=pk).first()
        return runs.skip_run(export, trigger=Trigger.SYSTEM, message=message) if export else None

    def cancel(self, job: Job) -> None:
        assert isinstance(job, Run)  # noqa: S101
        try:
            runs.cancel_run(job, by=None)
        except policies.Refusal:
            return  # it ended in this very moment


STAGES: tuple[Stage, ...] = (DataSources(), Segments(), Exports())


def stage_of(kind: str) -> Stage:
    return next(stage for stage in STAGES if stage.kind == kind)


def _still_there(found: ModelT | None) -> ModelT:
    if found is None:
        raise CannotBegin(_("It was removed."))
    return found


def plan_steps(refresh: SystemRefresh) -> None:
    """Write the steps of the refresh, each with the steps that it waits for."""
    known: dict[tuple[StepKind, int], int] = {}
    for stage in STAGES:
        for targets in _by_dependency(stage):
            steps = [
                RefreshStep(
                    refresh=refresh,
                    kind=stage.kind,
                    target_id=target.pk,
                    name=target.name[:200],
                    waits_for=sorted(known[cause] for cause in target.waits_for if cause in known),
                )
                for target in targets
            ]
            made = RefreshStep.objects.bulk_create(steps, batch_size=1000)
            known |= {(stage.kind, step.target_id): step.pk for step in made}


def _by_dependency(stage: Stage) -> Iterator[list[Target]]:
    """Yield the targets of a stage in groups; each waits only for targets of the groups before it."""
    remaining = {(stage.kind, target.pk): target for target in stage.targets()}
    while remaining:
        ready = [target for target in remaining.values() if remaining.keys().isdisjoint(target.waits_for)]
        yield ready or list(remaining.values())
        if not ready:
            return
        for target in ready:
            del remaining[stage.kind, target.pk]


def target_counts() -> dict[str, int]:
    """Count how many things of each kind a refresh that began now would refresh."""
    return {stage.kind.value: sum(1 for _target in stage.targets()) for stage in STAGES}


def why_skipped(cause: RefreshStep) -> str:
    """Return why something was skipped, in the language of the reader: the status of what it depends on."""
    kinds = {StepKind.DATA_SOURCE: _("The data source"), StepKind.SEGMENT: _("The segment")}
    sentence = _("%(kind)s “%(name)s”: %(status)s.") % {
        "kind": kinds[StepKind(cause.kind)],
        "name": cause.name,
        "status": JobStatus(cause.status).label,
    }
    if cause.status != JobStatus.SKIPPED:
        return sentence
    before = why_skipped(cause.blocked_by) if cause.blocked_by else translate_stored(cause.message)
    return f"{sentence} {before}".rstrip()


JOB_FIELDS = {stage.kind.value: stage.field for stage in STAGES}
# An export waits for a segment, and that for a data source.
BLOCKERS = ("blocked_by__blocked_by", *(f"blocked_by__{name}" for name in JOB_FIELDS.values()))


def cause_of_step(step: RefreshStep) -> Cause | None:
    """Return the failed dependency because of which a step was skipped; None for other steps."""
    cause = step.blocked_by
    if cause is None:
        return None
    url = reverse("system:progress", args=[cause.kind, cause.job.pk]) if cause.job else ""
    return Cause(why_skipped(cause), url)


def cause_of_job(kind: str, job: Job) -> Cause | None:
    """Return the failed dependency because of which a job was skipped; None for other jobs."""
    blocked = RefreshStep.objects.filter(**{JOB_FIELDS[kind]: job.pk}, blocked_by__isnull=False)
    step = blocked.select_related(*BLOCKERS).first()
    return cause_of_step(step) if step else None
