"""The evidence of runs: Parquet files in a folder or bucket, written once for each run."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from config.platform.accounts.models import User
from config.platform.jobs import clock
from config.platform.jobs.models import JobStatus
from config.platform.notifications.models import Condition, Kind
from exports import tasks
from exports.evidence import job, place, schema
from exports.evidence.place import CannotWrite
from exports.models import EvidenceWriting, Export, Run
from segments import audience
from segments.privacy import erase
from segments.privacy.subjects import Scope
from segments.store.profiles import get_profile
from tests.integration.exports.conftest import run_to_its_end
from tests.support.bucket import NAME, bucket_server

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def store(settings: Settings, tmp_path: Path) -> Path:
    """The folder that gets the evidence."""
    settings.EVIDENCE_STORE = str(tmp_path / "evidence")
    settings.PROFILE_STORE_SPILL_DIR = tmp_path / "spill"
    return tmp_path / "evidence"


def write_now() -> EvidenceWriting:
    """Write what is due or waits, as the workers do."""
    EvidenceWriting.objects.update(due_at=clock.now() - timedelta(seconds=1))
    for writing_id in job.due():
        tasks.write_evidence(writing_id)
    return EvidenceWriting.objects.latest("pk")


def rows(store: Path, table: str) -> list[dict[str, Any]]:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        found = connection.execute(f"SELECT * FROM read_parquet('{store}/{table}/*.parquet')")
        names = [name for name, *_rest in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def test_a_run_leaves_results_list_state_members_and_counts(
    store: Path, newsletter: Export, alice_client: Client
) -> None:
    run = run_to_its_end(newsletter)
    writing = write_now()
    assert (writing.status, writing.message) == (JobStatus.SUCCESSFUL, "")
    results = {(row["email"], row["result"]) for row in rows(store, "results")}
    assert {each for each in results if each[1] == "delivered"} == {
        (f"{name}@example.com", "delivered") for name in ("ann", "ben", "cid")
    }
    assert sum(1 for _each in rows(store, "results")) == run.members
    on_list = {row["email"] for row in rows(store, "list_state") if row["state"] == "on_list"}
    assert on_list == {f"{name}@example.com" for name in ("ann", "ben", "cid")}
    members = rows(store, "members")
    assert len(members) == run.members
    assert {row["segment"] for row in members} == {"Everyone"}
    (told,) = rows(store, "runs")
    page = alice_client.get(f"/data/runs/{run.pk}/").content.decode()
    assert 'id="evidence"' in page
    counts = [told[name] for name in ("run_id", "members", "delivered", "excluded", "status")]
    assert counts == [run.pk, run.members, 3, run.members - 3, "successful"]
    assert {path.name for path in store.rglob("*") if path.is_file()} == {f"run_id={run.pk}.parquet"}


def test_columns_are_those_of_the_documented_schema(store: Path, newsletter: Export, alice_client: Client) -> None:
    run = run_to_its_end(newsletter)
    write_now()
    html = alice_client.get(reverse("system:help", args=["monitoring"])).content.decode()
    for table, columns in schema.TABLES.items():
        with duckdb.connect() as connection:
            file = store / schema.file_name(table, run.pk)
            described = connection.execute(f"DESCRIBE SELECT * FROM read_parquet('{file}')").fetchall()
        names = {name: kind.replace("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ") for name, kind, *_rest in described}
        assert names == dict(columns)
        for name in columns:
            assert f"<code>{name}</code>" in html, (table, name)


def test_nothing_is_written_where_no_store_is_set(newsletter: Export) -> None:
    run_to_its_end(newsletter)
    assert not EvidenceWriting.objects.exists()


def test_a_bucket_gets_the_same_files(settings: Settings, tmp_path: Path, newsletter: Export) -> None:
    settings.PROFILE_STORE_SPILL_DIR = tmp_path / "spill"
    with bucket_server(tmp_path) as bucket:
        bucket.create()
        settings.EVIDENCE_STORE = f"s3://{NAME}/evidence"
        settings.EVIDENCE_STORE_S3 = {
            "KEY_ID": "key",
            "SECRET": "secret",
            "ENDPOINT": bucket.endpoint.removeprefix("http://"),
            "USE_SSL": "false",
            "URL_STYLE": "path",
        }
        run = run_to_its_end(newsletter)
        assert write_now().status == JobStatus.SUCCESSFUL
        names = {f"evidence/{schema.file_name(table, run.pk)}" for table in schema.TABLES}
        assert bucket.object_keys() == names
        copied = bucket.download(tmp_path / "copied") / "evidence"
    assert len(rows(copied, "results")) == run.members


def test_a_killed_worker_leaves_no_run_twice_and_no_half_one(
    store: Path, settings: Settings, newsletter: Export, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_to_its_end(newsletter)
    real = place.publish
    published: list[str] = []

    def die_after_two(file: Path, name: str, *, attempt: int) -> None:
        if len(published) == 2:
            raise SystemExit
        published.append(name)
        real(file, name, attempt=attempt)

    monkeypatch.setattr(place, "publish", die_after_two)
    with pytest.raises(SystemExit):
        write_now()
    assert not (store / "runs").exists(), "a run is complete when its row in “runs” is there"
    monkeypatch.setattr(place, "publish", real)
    assert not job.due(), "the lease of the killed worker lasts"
    EvidenceWriting.objects.update(lease_until=clock.now() - timedelta(seconds=1))
    assert write_now().status == JobStatus.SUCCESSFUL
    assert len(rows(store, "results")) == run.members
    assert len(rows(store, "runs")) == 1
    assert not job.due()
    assert not list(settings.PROFILE_STORE_SPILL_DIR.glob("evidence-*")), "no copy is left on this machine"


def test_failures_are_tried_again_alert_administrators_and_hold_no_run_up(
    store: Path, newsletter: Export, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = place.publish

    def refuse(file: Path, name: str, *, attempt: int) -> None:
        raise CannotWrite("No space left on device")

    monkeypatch.setattr(place, "publish", refuse)
    run = run_to_its_end(newsletter)
    assert run.status == JobStatus.SUCCESSFUL
    for tries in range(1, job.ALERT_AFTER + 1):
        assert not Condition.objects.filter(kind=Kind.EVIDENCE).exists()
        writing = write_now()
        assert (writing.tries, writing.status) == (tries, JobStatus.QUEUED)
        assert writing.due_at > clock.now()
    condition = Condition.objects.get(kind=Kind.EVIDENCE, closed_at=None)
    assert "No space left on device" in condition.sentence
    monkeypatch.setattr(place, "publish", real)
    assert write_now().status == JobStatus.SUCCESSFUL
    condition.refresh_from_db()
    assert condition.closed_at is not None


def test_a_folder_that_cannot_be_written_says_why(store: Path, newsletter: Export) -> None:
    store.write_text("a file is in the way")
    run_to_its_end(newsletter)
    assert write_now().message in {"Not a directory", "File exists"}


def test_an_erased_person_is_not_written(store: Path, newsletter: Export, alice: User) -> None:
    run_to_its_end(newsletter)
    (found, *_others) = audience.profiles_with_email("ann@example.com", ["email"])
    profile = get_profile(found.id)
    assert profile is not None
    erase.erase(profile, scope=Scope.ADDRESS, by=alice)
    write_now()
    for table in ("results", "list_state"):
        assert "ann@example.com" not in {str(row["email"] or "").lower() for row in rows(store, table)}
    assert len(rows(store, "members")) == Run.objects.get().members - 2, "both profiles with the address are gone"
