"""The system refresh: data sources, then what depends on them, and only what depends on them."""

from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from pytest_django import DjangoAssertNumQueries, Settings

from config.console.models import RefreshStep, SystemRefresh
from config.console.system_refresh import actions, engine, stages
from config.console.system_refresh.engine import _write
from config.platform.accounts.models import User
from config.platform.audit.models import AuditEntry
from config.platform.jobs import leases
from config.platform.jobs.leases import LeaseLost
from config.platform.jobs.models import JobStatus
from connections.vault import mark_reconnect_needed
from exports.actions import manage as export_actions
from exports.actions import runs
from exports.models import Export, Run, Trigger
from exports.state.status import Reason
from segments import actions as segment_actions
from segments import refresh as segment_scheduling
from segments.models import DataSource, ImportJob, SegmentRefresh
from segments.sources import actions as sources_actions
from segments.sources import import_job
from tests.support import exports, system_refresh
from tests.support.profiles import profile_count
from tests.support.sandbox import RunningSandbox

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(tmp_path: Path) -> DataSource:
    return system_refresh.source_of(tmp_path / "shop.csv", "id,email,city\n1,ann@example.com,Turku\n")


@pytest.fixture
def newsletter(settings: Settings, sandbox: RunningSandbox, shop: DataSource, alice: User) -> Export:
    """Everyone in Turku, to the sandbox."""
    settings.CAMPAIGN_MONITOR_SANDBOX_URL = sandbox.url
    turku = system_refresh.segment("Turku", attribute="city", operator="is", value="Turku")
    return exports.export_to(sandbox, exports.sandbox_connection(by=alice), turku)


def asked_for(alice: User) -> SystemRefresh:
    return actions.refresh_all(by=alice, wake_worker=False)


def test_it_refreshes_sources_then_segments_then_exports(
    newsletter: Export, alice: User, tmp_path: Path, sandbox: RunningSandbox
) -> None:
    (tmp_path / "shop.csv").write_text("id,email,city\n1,ann@example.com,Turku\n2,ben@example.com,Turku\n")
    refresh = asked_for(alice)
    engine.advance(refresh.pk)
    assert system_refresh.ends(refresh) == {"Shop": "queued", "Turku": "queued", "Newsletter": "queued"}
    assert not SegmentRefresh.objects.exists()
    assert not Run.objects.exists()
    system_refresh.do(refresh)
    assert system_refresh.ends(refresh) == dict.fromkeys(["Shop", "Turku", "Newsletter"], "successful")
    assert (refresh.status, refresh.progress_done, refresh.progress_total) == (JobStatus.SUCCESSFUL, 3, 3)
    run = newsletter.runs.get()
    assert (run.trigger, run.delivered) == (Trigger.SYSTEM, 2)


def test_what_fails_skips_what_depends_on_it_and_nothing_else(
    newsletter: Export, alice: User, tmp_path: Path
) -> None:
    system_refresh.source_of(tmp_path / "club.csv", "id,points\n1,5\n", name="Club")
    system_refresh.segment("Rich", attribute="points", operator=">", value=1)
    (tmp_path / "shop.csv").unlink()
    refresh = system_refresh.do(asked_for(alice))
    assert system_refresh.ends(refresh) == {
        "Shop": "failed",
        "Club": "successful",
        "Turku": "skipped",
        "Rich": "successful",
        "Newsletter": "skipped",
    }
    assert refresh.status == JobStatus.WARNINGS
    turku, export = system_refresh.step(refresh, "Turku"), system_refresh.step(refresh, "Newsletter")
    assert (turku.blocked_by, export.blocked_by) == (system_refresh.step(refresh, "Shop"), turku)
    assert turku.message == "The data source “Shop”: Failed (permanent)."


def test_what_is_skipped_says_so_itself(newsletter: Export, alice: User, tmp_path: Path) -> None:
    (tmp_path / "shop.csv").unlink()
    system_refresh.do(asked_for(alice))
    run = newsletter.runs.get()
    assert (run.status, run.reason, run.trigger) == (JobStatus.SKIPPED, Reason.UPSTREAM_FAILED, Trigger.SYSTEM)
    assert run.message == "The segment “Turku”: Skipped. The data source “Shop”: Failed (permanent)."
    drawn = SegmentRefresh.objects.get()
    assert (drawn.status, drawn.message) == (JobStatus.SKIPPED, "The data source “Shop”: Failed (permanent).")


def test_a_refresh_of_nothing_says_so(alice: User) -> None:
    refresh = system_refresh.do(asked_for(alice))
    assert (refresh.status, refresh.message) == (JobStatus.SUCCESSFUL, "There is nothing to refresh.")


def test_uploads_and_exports_without_a_connection_rest(newsletter: Export, shop: DataSource, alice: User) -> None:
    export_actions.detach(newsletter, by=alice)
    DataSource.objects.filter(pk=shop.pk).update(path="")
    refresh = system_refresh.do(asked_for(alice))
    assert system_refresh.ends(refresh) == {"Turku": "successful"}
    assert not Run.objects.exists()


def test_what_has_a_schedule_of_its_own_is_passed_by(newsletter: Export, alice: User) -> None:
    daily = {"recurrence": "daily", "zone": "UTC", "times": ["03:00"]}
    export_actions.set_schedule(newsletter, is_on=True, rule=daily, version=0, by=alice)
    switched_off = system_refresh.segment("Off")
    segment_scheduling.set_schedule(switched_off, is_on=False, rule=None, version=0, by=alice)
    refresh = system_refresh.do(asked_for(alice))
    assert system_refresh.ends(refresh) == {"Shop": "successful", "Turku": "successful"}
    assert not Run.objects.exists()
    assert not switched_off.refreshes.exists()


def test_an_export_that_cannot_run_fails_with_the_reason(newsletter: Export, alice: User) -> None:
    assert newsletter.connection is not None
    mark_reconnect_needed(newsletter.connection, "The key was revoked.")
    refresh = system_refresh.do(asked_for(alice))
    step = system_refresh.step(refresh, "Newsletter")
    assert step.status == JobStatus.FAILED
    assert "cannot be used" in step.message


def test_one_thing_that_cannot_be_begun_keeps_back_nothing_else(
    shop: DataSource, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = system_refresh.segment("Broken")
    system_refresh.segment("Sound")

    def begin(self: stages.Segments, pk: int) -> Any:
        if pk == broken.pk:
            return SegmentRefresh.objects.create(segment_id=pk, status="x" * 99)  # too long for the database
        return really_begin(self, pk)

    really_begin = stages.Segments.begin
    monkeypatch.setattr(stages.Segments, "begin", begin)
    refresh = system_refresh.do(asked_for(alice))
    assert system_refresh.ends(refresh) == {"Shop": "successful", "Broken": "failed", "Sound": "successful"}
    assert "See the log for details" in system_refresh.step(refresh, "Broken").message


def test_a_run_that_is_under_way_ends_first(newsletter: Export, alice: User) -> None:
    segment_actions.request_refresh(newsletter.segments.get(), by=None, wake_worker=False)
    system_refresh.do_jobs()
    before = runs.start_run(newsletter, by=alice)
    system_refresh.do(asked_for(alice))
    assert list(newsletter.runs.order_by("number").values_list("status", "trigger")) == [
        ("successful", "manual"),
        ("successful", "system"),
    ]
    assert newsletter.runs.earliest("number") == before


def test_a_segment_that_is_at_work_is_drawn_once_more(shop: DataSource, alice: User) -> None:
    everyone = system_refresh.segment("Everyone")
    stale = segment_actions.request_refresh(everyone, by=None, wake_worker=False)
    SegmentRefresh.objects.filter(pk=stale.pk).update(status=JobStatus.PROCESSING)
    refresh = asked_for(alice)
    for _look in range(3):
        engine.advance(refresh.pk)
        for job in shop.imports.filter(status="queued"):
            import_job.run_import(job.pk)
    assert system_refresh.step(refresh, "Everyone").job is None
    system_refresh.do(refresh)
    assert everyone.refreshes.count() == 2
    assert system_refresh.step(refresh, "Everyone").segment_refresh != stale


def test_what_was_removed_meanwhile_is_skipped(shop: DataSource, alice: User) -> None:
    everyone = system_refresh.segment("Everyone")
    refresh = asked_for(alice)
    engine.advance(refresh.pk)
    everyone.delete()
    system_refresh.do(refresh)
    step = system_refresh.step(refresh, "Everyone")
    assert (step.status, step.message) == (JobStatus.SKIPPED, "It was removed.")


def test_canceling_stops_what_is_at_work_and_begins_no_more(newsletter: Export, alice: User) -> None:
    refresh = asked_for(alice)
    engine.advance(refresh.pk)
    actions.cancel_refresh(refresh, by=alice)
    system_refresh.do(refresh)
    assert refresh.status == JobStatus.CANCELED
    assert set(system_refresh.ends(refresh).values()) == {"canceled"}
    assert profile_count() == 1
    with pytest.raises(actions.AlreadyEnded):
        actions.cancel_refresh(refresh, by=alice)


def test_canceling_one_job_skips_what_depends_on_it(newsletter: Export, shop: DataSource, alice: User) -> None:
    refresh = asked_for(alice)
    engine.advance(refresh.pk)
    sources_actions.cancel_import(shop.imports.latest("pk"), by=alice)
    system_refresh.do(refresh)
    assert system_refresh.ends(refresh) == {"Shop": "canceled", "Turku": "skipped", "Newsletter": "skipped"}


def test_there_is_one_at_a_time(alice: User) -> None:
    first = asked_for(alice)
    with pytest.raises(actions.AlreadyUnderWay, match="started by Alice Adams"):
        asked_for(alice)
    with pytest.raises(IntegrityError), transaction.atomic():
        SystemRefresh.objects.create(trigger=SystemRefresh.Trigger.SCHEDULE)
    engine.advance(first.pk)
    SystemRefresh.objects.filter(pk=first.pk).update(status=JobStatus.PROCESSING, finished_at=None)
    second = SystemRefresh.objects.create(trigger=SystemRefresh.Trigger.SCHEDULE)
    engine.advance(second.pk)
    second.refresh_from_db()
    assert second.status == JobStatus.QUEUED
    assert not second.steps.exists()


def test_only_administrators_start_and_cancel(alice: User, bob: User) -> None:
    with pytest.raises(PermissionDenied):
        actions.refresh_all(by=bob)
    refresh = asked_for(alice)
    with pytest.raises(PermissionDenied):
        actions.cancel_refresh(refresh, by=bob)
    assert list(AuditEntry.objects.values_list("action", "target_kind")) == [("started", "systemrefresh")]


def test_a_worker_that_wakes_too_late_changes_nothing(shop: DataSource, alice: User) -> None:
    refresh = asked_for(alice)
    engine.advance(refresh.pk)
    refresh.refresh_from_db()
    late = SystemRefresh.objects.get(pk=refresh.pk)
    late.attempt -= 1
    with pytest.raises(LeaseLost):
        engine._start(late, system_refresh.step(refresh, "Shop"))
    assert shop.imports.count() == 2


def test_a_look_costs_the_same_however_much_has_ended(
    alice: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    refresh = asked_for(alice)
    stages.plan_steps(refresh)
    RefreshStep.objects.bulk_create(
        RefreshStep(refresh=refresh, kind="segment", target_id=n, name=f"S{n}", status="successful")
        for n in range(300)
    )
    SystemRefresh.objects.filter(pk=refresh.pk).update(status=JobStatus.PROCESSING)
    with django_assert_max_num_queries(14):
        engine.advance(refresh.pk)
    refresh.refresh_from_db()
    assert (refresh.status, refresh.progress_total) == (JobStatus.SUCCESSFUL, 300)


class Killed(BaseException):
    """The worker is gone."""


def killed_at(monkeypatch: pytest.MonkeyPatch, moment: int) -> None:
    """Let this worker die before its write number ``moment`` of whatever comes."""
    left, really_write = [moment], leases.update_if_owner

    def count(job: Any, **values: Any) -> None:
        left[0] -= 1
        if not left[0]:
            raise Killed
        really_write(job, **values)

    def write(*args: Any, **values: Any) -> None:
        left[0] -= 1
        if not left[0]:
            raise Killed
        _write(*args, **values)

    monkeypatch.setattr(leases, "update_if_owner", count)
    monkeypatch.setattr(engine, "_write", write)


def test_it_goes_on_wherever_its_worker_was_killed(
    shop: DataSource, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    system_refresh.segment("Everyone")
    system_refresh.segment("Turku", attribute="city", operator="is", value="Turku")
    for moment in range(1, 20):
        refresh = asked_for(alice)
        with monkeypatch.context() as patched:
            killed_at(patched, moment)
            try:
                system_refresh.do(refresh)
                survived = True
            except Killed:
                survived = False
        SystemRefresh.objects.filter(pk=refresh.pk).update(lease_until=None)  # it has run out by now
        ImportJob.objects.update(lease_until=None)
        SegmentRefresh.objects.update(lease_until=None)
        system_refresh.do(refresh)
        assert system_refresh.ends(refresh) == dict.fromkeys(["Shop", "Everyone", "Turku"], "successful")
        assert ImportJob.objects.count() == 1 + moment
        assert SegmentRefresh.objects.count() == 2 * moment
        if survived:
            return
    pytest.fail("it was killed every time")
