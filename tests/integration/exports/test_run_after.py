"""Runs after data sources and other exports: chosen in the export pane, noted when these succeed, started once."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection as database
from django.test import Client

from config.platform.accounts.models import User
from config.platform.audit.models import AuditEntry
from config.platform.jobs import clock
from config.platform.jobs.models import JobStatus
from connections.models import Connection
from exports import policies, tasks
from exports.actions import manage, run_after, runs
from exports.actions.run_after import Predecessors
from exports.models import Export, Run, RunAfter, RunKind, Trigger, TriggeredStart
from exports.state import triggered
from segments.models import DataSource, Segment, SegmentRefresh
from tests.support.exports import export_to, sandbox_connection, segment_of_everyone

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def noon() -> Iterator[None]:
    clock.run_from(NOON)
    yield
    clock.run_as_usual()


@pytest.fixture
def connection(db: None) -> Connection:
    return sandbox_connection()


@pytest.fixture
def source(db: None) -> DataSource:
    return DataSource.objects.create(name="CRM", key_column="id")


def make(connection: Connection, name: str, *, sources: list[DataSource] | None = None) -> Export:
    """An export that runs after these data sources."""
    made = export_to(None, connection, segment_of_everyone(), list_id="a" * 32, name=name)
    after(made, sources=sources)
    return made


def after(export: Export, *exports: Export, sources: list[DataSource] | None = None) -> None:
    export.refresh_from_db()
    chosen = Predecessors(sources or [], exports)
    run_after.set_run_after(export, chosen, version=export.version, by=None)


def succeed(export: Export, status: JobStatus = JobStatus.SUCCESSFUL, kind: RunKind = RunKind.EXPORT) -> None:
    """End a run of the export, as a worker does."""
    run = runs.new_run(export, Trigger.MANUAL, None)
    Run.objects.filter(pk=run.pk).update(status=status, kind=kind, finished_at=clock.now())
    triggered.note_run(Run.objects.get(pk=run.pk))


def start_after(delay: timedelta = triggered.QUIET) -> int:
    clock.run_from(clock.now() + delay)
    return run_after.start_triggered()


def test_an_import_starts_a_run_after_a_refresh_of_segments(connection: Connection, tmp_path: Path) -> None:
    file = tmp_path / "crm.csv"
    file.write_text("id,email\n1,ann@example.com\n")
    call_command("import_profiles", str(file), key=["id"], source="CRM")
    export = make(connection, "Newsletter", sources=[DataSource.objects.get()])
    segment = export.segments.get()
    Segment.objects.filter(pk=segment.pk).update(rules={"join": "and", "rules": []})
    file.write_text("id,email\n1,ann@example.com\n2,ben@example.com\n")
    call_command("import_profiles", str(file), key=["id"], source="CRM")
    assert not run_after.start_triggered(), "it waits for others that may succeed together"
    assert start_after() == 1
    run = export.runs.get()
    assert (run.trigger, run.started_after, run.requested_by) == (Trigger.AFTER, "CRM", connection.export_user)
    refresh = SegmentRefresh.objects.filter(status=JobStatus.QUEUED).get()
    assert refresh.segment == segment
    assert refresh.created_at <= run.created_at, "the run waits for it"
    assert not TriggeredStart.objects.exists()


@pytest.mark.parametrize(
    ("status", "kind", "starts"),
    [
        (JobStatus.SUCCESSFUL, RunKind.EXPORT, True),
        (JobStatus.WARNINGS, RunKind.EXPORT, True),
        (JobStatus.FAILED, RunKind.EXPORT, False),
        (JobStatus.FAILURE, RunKind.EXPORT, False),
        (JobStatus.CANCELED, RunKind.EXPORT, False),
        (JobStatus.SKIPPED, RunKind.EXPORT, False),
        (JobStatus.SUCCESSFUL, RunKind.RESTORE, False),
        (JobStatus.SUCCESSFUL, RunKind.LIST_CLEANUP, False),
    ],
)
def test_only_a_successful_export_run_triggers(
    connection: Connection, status: JobStatus, kind: RunKind, starts: bool
) -> None:
    first, second = make(connection, "First"), make(connection, "Second")
    after(second, first)
    succeed(first, status, kind)
    assert start_after() == starts
    assert second.runs.count() == starts
    assert not SegmentRefresh.objects.filter(status=JobStatus.QUEUED).exists(), (
        "only data sources refresh segments"
    )


def test_triggers_that_arrive_together_start_one_run(connection: Connection, source: DataSource) -> None:
    first, second = make(connection, "First"), make(connection, "Second")
    after(second, first, sources=[source])
    triggered.note_source(source.pk, source.name)
    succeed(first)
    succeed(first)
    assert start_after() == 1
    assert second.runs.get().started_after == "CRM, First"
    assert start_after() == 0


def test_a_source_that_is_imported_all_the_time_starts_a_run_every_ten_minutes(
    connection: Connection, source: DataSource
) -> None:
    export = make(connection, "Newsletter", sources=[source])
    started = 0
    for _second in range(0, 600, 10):
        triggered.note_source(source.pk, source.name)
        started += start_after(timedelta(seconds=10))
    assert started == 1
    assert export.runs.count() == 1


def test_a_run_in_progress_ends_first(connection: Connection, source: DataSource) -> None:
    export = make(connection, "Newsletter", sources=[source])
    running = runs.new_run(export, Trigger.MANUAL, None)
    triggered.note_source(source.pk, source.name)
    assert start_after() == 0
    Run.objects.filter(pk=running.pk).update(status=JobStatus.SUCCESSFUL, finished_at=clock.now())
    assert start_after() == 1


def test_a_refresh_in_progress_ends_first(connection: Connection, source: DataSource) -> None:
    """It may have read the profiles before the import."""
    export = make(connection, "Newsletter", sources=[source])
    segment = export.segments.get()
    refresh = SegmentRefresh.objects.create(segment=segment, status=JobStatus.PROCESSING)
    triggered.note_source(source.pk, source.name)
    assert start_after() == 0
    SegmentRefresh.objects.filter(pk=refresh.pk).update(status=JobStatus.SUCCESSFUL, finished_at=clock.now())
    assert start_after() == 1


def test_exports_without_a_connection_and_removed_ones_do_not_run(
    connection: Connection, source: DataSource
) -> None:
    detached, leaving = (make(connection, name, sources=[source]) for name in ("Detached", "Leaving"))
    triggered.note_source(source.pk, source.name)
    manage.detach(detached, by=None)
    Export.objects.filter(pk=leaving.pk).update(removal_asked_at=clock.now())
    assert start_after() == 0
    assert not Run.objects.exists()
    assert not TriggeredStart.objects.exists()


def test_it_takes_the_place_of_a_retry(connection: Connection, source: DataSource) -> None:
    export = make(connection, "Newsletter", sources=[source])
    failed = runs.new_run(export, Trigger.MANUAL, None)
    later = clock.now() + timedelta(hours=1)
    Run.objects.filter(pk=failed.pk).update(status=JobStatus.FAILURE, finished_at=clock.now(), resume_at=later)
    triggered.note_source(source.pk, source.name)
    assert start_after() == 1
    failed.refresh_from_db()
    assert failed.resume_at is None


@pytest.mark.django_db(transaction=True)
def test_workers_that_look_at_the_same_moment_start_one_run() -> None:
    source = DataSource.objects.create(name="CRM", key_column="id")
    export = make(sandbox_connection(), "Newsletter", sources=[source])
    triggered.note_source(DataSource.objects.get().pk, "CRM")
    clock.run_from(clock.now() + triggered.QUIET)
    started: list[int] = []

    def look() -> None:
        try:
            started.append(run_after.start_triggered())
        finally:
            database.close()

    threads = [threading.Thread(target=look) for _number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(started) == 1
    assert export.runs.count() == 1


def test_the_tick_starts_it(connection: Connection, source: DataSource) -> None:
    export = make(connection, "Newsletter", sources=[source])
    triggered.note_source(source.pk, source.name)
    clock.run_from(clock.now() + triggered.QUIET)
    tasks.start_due()
    assert export.runs.get().trigger == Trigger.AFTER
    assert not TriggeredStart.objects.exists()


def test_a_circle_is_refused_with_its_path(connection: Connection) -> None:
    first, second, third = (make(connection, name) for name in ("First", "Second", "Third"))
    after(second, first)
    after(third, second)
    with pytest.raises(policies.Refusal, match="First → Second → Third → First"):
        after(first, third)
    with pytest.raises(policies.Refusal, match="First → First"):
        after(first, first)
    after(third, first, second)
    assert RunAfter.objects.filter(export=first).count() == 0


def test_what_it_runs_after_is_in_the_audit_and_gone_with_what_is_removed(
    connection: Connection, source: DataSource
) -> None:
    first, second = make(connection, "First"), make(connection, "Second")
    after(second, first, sources=[source])
    assert AuditEntry.objects.filter(action="edited").get().changes == {"run_after": [[], ["CRM", "First"]]}
    manage.remove(first, by=None)
    assert run_after.predecessors_of(second).names == ["CRM"]
    triggered.note_source(source.pk, source.name)
    after(second)
    assert not TriggeredStart.objects.exists(), "nothing that was noted runs when nothing is chosen"


def test_a_duplicate_runs_after_nothing(connection: Connection, source: DataSource) -> None:
    export = make(connection, "Newsletter", sources=[source])
    assert not run_after.predecessors_of(manage.duplicate(export, by=None)).names


def posted(export: Export, **changes: object) -> dict[str, object]:
    return {
        "name": export.name,
        "connection": str(export.connection_id),
        "list_id": export.list_id,
        "email_attribute": "email",
        "segments": [str(pk) for pk in export.segments.values_list("pk", flat=True)],
        "question_consent_to_track": "unchanged",
        "removal": "leave",
        "version": str(Export.objects.get(pk=export.pk).version),
        **changes,
    }


def test_it_is_chosen_in_the_pane_and_shown_on_the_pages(
    bob_client: Client, charlie_client: Client, newsletter: Export
) -> None:
    source = DataSource.objects.first()
    assert source is not None
    pane = f"/data/exports/{newsletter.pk}/"
    assert "Choose data sources and exports" in bob_client.get(pane).content.decode()
    response = bob_client.post(pane, posted(newsletter, after_sources=[source.pk]))
    assert response.status_code == 302, response.content.decode()
    assert run_after.predecessors_of(newsletter).names == [source.name]
    assert f'value="{source.pk}" checked' in bob_client.get(pane).content.decode()
    history = f"/data/exports/{newsletter.pk}/runs/"
    for page in (history, "/data/exports/", pane):
        assert source.name in charlie_client.get(page).content.decode()
    triggered.note_source(source.pk, source.name)
    assert f"Run after {source.name}" in bob_client.get("/").content.decode()
    start_after()
    assert source.name in bob_client.get(f"/data/runs/{newsletter.runs.get().pk}/").content.decode()


def test_the_pane_says_which_exports_make_a_circle(bob_client: Client, newsletter: Export, bob: User) -> None:
    assert newsletter.connection is not None
    segment = newsletter.segments.get()
    other = export_to(None, newsletter.connection, segment, list_id="b" * 32, name="Other", by=bob)
    after(other, newsletter)
    response = bob_client.post(f"/data/exports/{newsletter.pk}/", posted(newsletter, after_exports=[other.pk]))
    assert response.status_code == 422
    html = response.content.decode()
    assert "Newsletter → Other → Newsletter" in html
    assert f'value="{other.pk}" checked' in html


def test_a_user_without_the_connection_cannot_choose(bob: User, private: Connection, source: DataSource) -> None:
    export = make(private, "Board")
    with pytest.raises(Exception, match="not shared with your role"):
        run_after.set_run_after(export, Predecessors([source]), version=export.version, by=bob)
