"""The evidence of runs when a worker is killed, a person is erased meanwhile, or the export or run changes."""

import itertools
import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest
from django.test import Client
from pytest_django import Settings

from config.platform.accounts.models import User
from config.platform.jobs import clock
from config.platform.jobs.models import JobStatus
from exports import tasks
from exports.actions import retries, runs
from exports.evidence import files, place, work_folder
from exports.models import EvidenceWriting, Export, Run, RunKind, Trigger
from segments import audience
from segments.models import Segment
from segments.privacy import erase
from segments.privacy.subjects import Scope
from segments.store.profiles import get_profile
from tests.integration.exports.conftest import run_to_its_end
from tests.integration.exports.test_evidence import rows, store, write_now
from tests.support.bucket import NAME, bucket_server

__all__ = ["store"]

pytestmark = pytest.mark.django_db(transaction=True)

_WORK_UNTIL_KILLED = """
import os, time
import django
django.setup()
from django.conf import settings
from pathlib import Path
settings.PROFILE_STORE_SPILL_DIR = Path(os.environ["SPILL"])
from exports.evidence import work_folder
with work_folder.make("1-1") as folder:
    (folder / "list_state.jsonl").write_text("ann@example.com")
    print("ready", flush=True)
    time.sleep(600)
"""


def erase_ann(by: User) -> None:
    (found, *_others) = audience.profiles_with_email("ann@example.com", ["email"])
    profile = get_profile(found.id)
    assert profile is not None
    erase.erase(profile, scope=Scope.ADDRESS, by=by)


def test_what_a_killed_process_left_is_deleted_at_the_next_tick_and_not_before(
    settings: Settings, tmp_path: Path
) -> None:
    settings.PROFILE_STORE_SPILL_DIR = tmp_path
    settings.EVIDENCE_STORE = ""  # also when it is no longer set
    worker = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", _WORK_UNTIL_KILLED],
        env=os.environ | {"SPILL": str(tmp_path), "DJANGO_SETTINGS_MODULE": "config.settings"},
        stdout=subprocess.PIPE,
        text=True,
    )
    with worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
        tasks.enqueue_pending()
        with work_folder.make("2-1"):
            assert (tmp_path / "evidence-1-1" / "list_state.jsonl").exists(), "its process works on it"
        worker.send_signal(signal.SIGKILL)
    assert worker.returncode == -signal.SIGKILL
    assert (tmp_path / "evidence-1-1" / "list_state.jsonl").exists()
    tasks.enqueue_pending()
    assert not list(tmp_path.iterdir())


def test_the_next_job_deletes_what_a_killed_one_left(settings: Settings, tmp_path: Path) -> None:
    settings.PROFILE_STORE_SPILL_DIR = tmp_path
    (tmp_path / "evidence-7-3").mkdir()
    (tmp_path / "evidence-7-3" / "results.jsonl").write_text("ann@example.com")
    with work_folder.make("8-1") as folder:
        assert list(tmp_path.iterdir()) == [folder]
    assert not list(tmp_path.iterdir())


def test_half_files_of_killed_workers_are_deleted(store: Path, newsletter: Export) -> None:
    run = run_to_its_end(newsletter)
    folder = store / "results"
    folder.mkdir(parents=True)
    same, old, young = (folder / f".run_id={pk}.parquet.9.part" for pk in (run.pk, 9991, 9992))
    for each in (same, old, young):
        each.write_text("ann@example.com")
    os.utime(old, (1, 1))
    write_now()
    assert {each.name for each in folder.iterdir()} == {young.name, f"run_id={run.pk}.parquet"}


@pytest.mark.parametrize("table", ["results", "runs"])
def test_a_person_who_is_erased_while_files_are_written_is_not_in_them(
    store: Path, newsletter: Export, alice: User, monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    run_to_its_end(newsletter)
    real = place.publish

    def erase_first(file: Path, name: str, *, attempt: int) -> None:
        if name.startswith(table) and audience.profiles_with_email("ann@example.com", ["email"]):
            erase_ann(alice)
        real(file, name, attempt=attempt)

    monkeypatch.setattr(place, "publish", erase_first)
    assert write_now().status == JobStatus.SUCCESSFUL
    for each in ("results", "list_state"):
        found = {str(row["email"] or "").lower() for row in rows(store, each)}
        assert "ben@example.com" in found
        assert "ann@example.com" not in found


def test_a_worker_does_not_write_without_end_while_many_are_erased(
    store: Path, newsletter: Export, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_to_its_end(newsletter)
    numbers = itertools.count()
    monkeypatch.setattr(erase, "last_erasure", lambda: next(numbers))
    writing = write_now()
    assert (writing.status, writing.tries, writing.lease_until) == (JobStatus.QUEUED, 0, None)
    assert writing.due_at > clock.now() + timedelta(seconds=30)
    assert not list(store.rglob("*.parquet")), "nothing is published that a person was erased from meanwhile"
    monkeypatch.setattr(erase, "last_erasure", lambda: 0)
    EvidenceWriting.objects.update(due_at=clock.now() - timedelta(seconds=1))
    tasks.write_evidence(writing.pk)
    assert len(list(store.rglob("*.parquet"))) == 4


def test_members_are_those_of_the_segments_that_the_run_has_read(store: Path, newsletter: Export) -> None:
    run = run_to_its_end(newsletter)
    other = Segment.objects.create(name="Other", rules={"join": "and", "rules": []})
    newsletter.segments.set([other])
    write_now()
    assert {row["segment"] for row in rows(store, "members")} == {"Everyone"}
    assert len(rows(store, "members")) == run.members


@pytest.mark.parametrize("kind", [RunKind.LIST_CLEANUP, RunKind.RESTORE])
def test_runs_that_read_no_segment_have_no_members(store: Path, newsletter: Export, kind: RunKind) -> None:
    run = run_to_its_end(newsletter)
    Run.objects.filter(pk=run.pk).update(kind=kind)
    write_now()
    assert rows(store, "members") == []
    assert len(rows(store, "results")) == run.members


def fail(run: Run) -> None:
    """Let a run be one that failed and is to be tried again."""
    Run.objects.filter(pk=run.pk).update(
        status=JobStatus.FAILURE, resume_at=clock.now() - timedelta(seconds=1), reason="destination_unavailable"
    )


@pytest.mark.parametrize("how", ["given up", "canceled"])
def test_a_run_whose_end_changes_is_written_again(store: Path, newsletter: Export, alice: User, how: str) -> None:
    run = run_to_its_end(newsletter)
    fail(run)
    write_now()
    assert [row["status"] for row in rows(store, "runs")] == ["failure"]
    if how == "canceled":
        runs.cancel_run(run, by=alice)
    else:
        Export.objects.update(connection=None)
        retries.start_due()
    run.refresh_from_db()
    assert run.status in {JobStatus.CANCELED, JobStatus.FAILED}
    assert write_now().status == JobStatus.SUCCESSFUL
    assert [row["status"] for row in rows(store, "runs")] == [run.status]


def test_a_worker_that_writes_the_status_before_loses_the_job(
    store: Path, newsletter: Export, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_to_its_end(newsletter)
    fail(run)
    real = files.write_all

    def cancel_meanwhile(written: Run, folder: Path) -> dict[str, Path]:
        found = real(written, folder)
        if written.status == JobStatus.FAILURE:
            runs.cancel_run(written, by=alice)
        return found

    monkeypatch.setattr(files, "write_all", cancel_meanwhile)
    assert write_now().status == JobStatus.QUEUED
    assert write_now().status == JobStatus.SUCCESSFUL
    assert [row["status"] for row in rows(store, "runs")] == ["canceled"]


def test_a_skipped_run_is_written(store: Path, newsletter: Export) -> None:
    assert runs.skip_run(newsletter, trigger=Trigger.SCHEDULE, message="The refresh failed.") is not None
    assert write_now().status == JobStatus.SUCCESSFUL
    assert [row["status"] for row in rows(store, "runs")] == ["skipped"]
    assert rows(store, "members") == []


def test_a_file_larger_than_the_memory_limit_reaches_the_bucket(settings: Settings, tmp_path: Path) -> None:
    settings.PROFILE_STORE_MEMORY_MB = 64
    large = tmp_path / "large.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            "COPY (SELECT uuid()::VARCHAR || uuid()::VARCHAR AS email FROM range(2_000_000))"
            f" TO '{large}' (FORMAT parquet, COMPRESSION uncompressed)"
        )
    assert large.stat().st_size > 100_000_000
    with bucket_server(tmp_path) as bucket:
        bucket.create()
        settings.EVIDENCE_STORE = f"s3://{NAME}/evidence"
        endpoint = bucket.endpoint.removeprefix("http://")
        settings.EVIDENCE_STORE_S3 = {
            "KEY_ID": "key",
            "SECRET": "secret",
            "ENDPOINT": endpoint,
            "USE_SSL": "false",
            "URL_STYLE": "path",
        }
        place.publish(large, "results/run_id=1.parquet", attempt=1)
        assert bucket.object_keys() == {"evidence/results/run_id=1.parquet"}
        copied = bucket.download(tmp_path / "copied") / "evidence"
    with duckdb.connect() as connection:
        counted = connection.execute(f"SELECT count(*) FROM '{copied}/results/*.parquet'").fetchall()
    assert counted == [(2_000_000,)]


def test_viewers_do_not_see_why_files_could_not_be_written(
    store: Path, newsletter: Export, alice_client: Client, charlie_client: Client
) -> None:
    run = run_to_its_end(newsletter)
    why = "Permission denied at bucket-7.internal"
    EvidenceWriting.objects.update(message=why, tries=1)
    assert why in alice_client.get(f"/data/runs/{run.pk}/").content.decode()
    html = charlie_client.get(f"/data/runs/{run.pk}/").content.decode()
    assert 'id="evidence"' in html
    assert why not in html
