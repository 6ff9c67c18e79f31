"""A system refresh, done here instead of by workers."""

import time
from pathlib import Path

from config.console.models import RefreshStep, SystemRefresh
from config.console.system_refresh import engine
from config.platform.jobs.models import OPEN
from exports.models import Run
from exports.run import pipeline
from segments import refresh_job
from segments.models import DataSource, ImportJob, Segment, SegmentRefresh
from segments.sources import actions, import_job


def source_of(path: Path, content: str, *, name: str = "Shop") -> DataSource:
    """A data source with a file of its own, read once. A row's key is its column ``id``."""
    path.write_text(content, encoding="utf-8")
    job = actions.start_import(path=path, key_column="id", source_name=name, by=None, wake_worker=False)
    import_job.run_import(job.pk)
    return DataSource.objects.get(name=name)


def segment(name: str, **condition: object) -> Segment:
    """Make a segment that was not refreshed yet: of everyone, or of profiles that fit the condition."""
    rules = {"join": "and", "rules": [condition]} if condition else {}
    return Segment.objects.create(name=name, rules=rules)


def do_jobs() -> None:
    """What the workers do, once around."""
    for pk in ImportJob.objects.filter(status__in=OPEN).order_by("pk").values_list("pk", flat=True):
        import_job.run_import(pk)
    for pk in SegmentRefresh.objects.filter(status__in=OPEN).order_by("pk").values_list("pk", flat=True):
        refresh_job.run_refresh(pk)
    for pk in Run.objects.filter(status__in=OPEN).order_by("pk").values_list("pk", flat=True):
        pipeline.run_slice(pk)


def do(found: SystemRefresh, seconds: float = 60) -> SystemRefresh:
    """Carry the refresh to its end, and give it as it ended."""
    deadline = time.monotonic() + seconds
    while found.is_open:
        assert time.monotonic() < deadline, [str(step) for step in found.steps.filter(status__in=OPEN)]
        engine.advance(found.pk)
        do_jobs()
        found.refresh_from_db()
    return found


def step(found: SystemRefresh, name: str) -> RefreshStep:
    return RefreshStep.objects.get(refresh=found, name=name)


def ends(found: SystemRefresh) -> dict[str, str]:
    """How each step stands, by its name."""
    return dict(found.steps.values_list("name", "status"))
