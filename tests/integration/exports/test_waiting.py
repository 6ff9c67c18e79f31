"""An export that is due while what it depends on is being refreshed: the refresh finishes first."""

from pathlib import Path

import pytest

from config.platform.jobs import clock
from config.platform.jobs.models import JobStatus
from exports.actions import runs
from exports.models import Export, Run
from exports.run import pipeline
from exports.state.status import Reason
from exports.views.runs import ShownRun
from segments import actions as segment_actions
from segments import refresh, refresh_job
from segments.models import ImportJob, Segment, SegmentSchedule
from segments.sources import actions


def look(run: Run) -> Run:
    """As a worker does with each message of the run, as often as it takes to see what it waits for."""
    Run.objects.filter(pk=run.pk).update(resume_at=None)
    pipeline.run_slice(run.pk)
    run.refresh_from_db()
    return run


def waits_for(run: Run) -> str:
    assert (run.status, run.reason) == (JobStatus.QUEUED, Reason.REFRESH_UNDER_WAY)
    return ShownRun(run).tooltip


@pytest.mark.django_db(transaction=True)
def test_it_waits_in_the_queue_and_says_what_for(newsletter: Export, everyone: Segment) -> None:
    job = segment_actions.request_refresh(everyone, by=None)
    run = runs.start_run(newsletter, by=None)
    assert "Everyone" in waits_for(look(run))
    refresh_job.run_refresh(job.pk)
    assert not look(run).is_open


@pytest.mark.django_db(transaction=True)
def test_it_waits_for_an_import(newsletter: Export, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("id,email\nP1,ann@example.com\n")
    actions.start_import(path=path, key_column="id", source_name="Shop", by=None)
    run = runs.start_run(newsletter, by=None)
    assert "Shop" in waits_for(look(run))
    ImportJob.objects.update(status=JobStatus.FAILED, finished_at=clock.now())
    assert not look(run).is_open


@pytest.mark.django_db(transaction=True)
def test_a_refresh_that_is_asked_for_later_holds_nothing_up(newsletter: Export, everyone: Segment) -> None:
    run = runs.start_run(newsletter, by=None)
    segment_actions.request_refresh(everyone, by=None)
    assert not look(run).is_open


@pytest.mark.django_db(transaction=True)
def test_a_refresh_of_another_segment_holds_nothing_up(newsletter: Export) -> None:
    other = Segment.objects.create(name="Other", rules={})
    segment_actions.request_refresh(other, by=None)
    assert not look(runs.start_run(newsletter, by=None)).is_open


@pytest.mark.django_db(transaction=True)
def test_it_waits_for_a_segment_that_is_due_at_the_same_moment(newsletter: Export, everyone: Segment) -> None:
    """Whichever of the two ticks comes first."""
    rule = {"recurrence": "daily", "zone": "UTC", "times": ["14:00"]}
    refresh.set_schedule(everyone, is_on=True, rule=rule, version=0, by=None)
    SegmentSchedule.objects.update(due_at=clock.now())
    run = runs.start_run(newsletter, by=None)
    assert "Everyone" in waits_for(look(run))
    assert refresh.start_due_refreshes() == 1
    assert "Everyone" in waits_for(look(run))
    refresh_job.run_refresh(everyone.refreshes.get().pk)
    assert not look(run).is_open
