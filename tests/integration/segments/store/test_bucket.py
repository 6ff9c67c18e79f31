"""The profile store in a bucket, on a real server of the S3 protocol."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from pytest_django import Settings

from config import environment
from config.platform.accounts.models import User
from config.platform.jobs.models import JobStatus
from segments import actions, maintenance, refresh_job
from segments.models import ImportJob, Segment
from segments.privacy import erase
from segments.privacy.subjects import Scope
from segments.sources import actions as source_actions
from segments.sources.import_job import run_import
from segments.store import engine
from segments.store import maintenance as store_maintenance
from segments.store.identity import StoreMismatch
from tests.support.bucket import NAME, Bucket, bucket_server
from tests.support.database_search import store_places_with
from tests.support.profiles import get_profile, members_of, product_profile, profile_count, profile_keys
from tests.support.workers import environment_of_processes

pytestmark = [pytest.mark.usefixtures("store_in_bucket"), pytest.mark.django_db(transaction=True)]

PREFIX = "some/prefix"
FINNS = {"join": "and", "rules": [{"attribute": "country", "operator": "is", "value": "Finland"}]}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bucket]:
    with bucket_server(tmp_path_factory.mktemp("bucket")) as bucket:
        yield bucket


@pytest.fixture
def bucket(server: Bucket) -> Iterator[Bucket]:
    server.create()
    yield server
    server.delete()


@pytest.fixture
def access(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The settings of a process that reaches the bucket, also in this process's environment."""
    found = {
        "PROFILE_STORE_S3_KEY_ID": "key",
        "PROFILE_STORE_S3_SECRET": "secret",
        "PROFILE_STORE_S3_REGION": "us-east-1",
        "PROFILE_STORE_S3_ENDPOINT": bucket.endpoint,
    }
    for name, value in found.items():
        monkeypatch.setenv(name, value)
    return found


@pytest.fixture
def store_in_bucket(catalog_without_files: None, access: dict[str, str], settings: Settings) -> None:
    settings.PROFILE_STORE_S3 = environment.bucket("PROFILE_STORE_S3")
    settings.PROFILE_STORE = f"s3://{NAME}/{PREFIX}"


def csv(path: Path, first: int = 1, last: int = 3, country: str = "Finland") -> Path:
    lines = [f"K{number},person{number}@example.com,{country}" for number in range(first, last + 1)]
    path.write_text("\n".join(["id,email,country", *lines, ""]))
    return path


def imported(path: Path) -> ImportJob:
    job = source_actions.start_import(path=path, key_column="id", source_name="Shop", by=None, wake_worker=False)
    ended = run_import(job.pk)
    assert ended is not None
    assert ended.status == JobStatus.SUCCESSFUL, ended.message
    return ended


def refreshed() -> Segment:
    segment = actions.create_segment(name="Finns", rules_tree=FINNS, by=None, wake_worker=False)
    job = refresh_job.run_refresh(actions.request_refresh(segment, by=None, wake_worker=False).pk)
    assert job is not None
    assert job.status == JobStatus.SUCCESSFUL, job.message
    segment.refresh_from_db()
    return segment


def parquet_keys(bucket: Bucket) -> set[str]:
    return {key for key in bucket.object_keys() if key.endswith(".parquet")}


def test_imports_and_refreshes_write_to_the_bucket(bucket: Bucket, tmp_path: Path) -> None:
    imported(csv(tmp_path / "shop.csv"))
    finns = refreshed()
    assert profile_keys() == members_of(finns) == ["K1", "K2", "K3"]
    keys = bucket.object_keys()
    assert f"{PREFIX}/store-id" in keys
    assert all(key.startswith(f"{PREFIX}/") for key in keys)
    assert {key.split("/")[3] for key in parquet_keys(bucket)} == {"profile", "member"}
    assert not list(Path(django_settings.BASE_DIR).glob("s3:*"))


def test_an_erased_person_is_in_no_object(bucket: Bucket, tmp_path: Path, alice: User) -> None:
    imported(csv(tmp_path / "shop.csv"))
    finns = refreshed()
    before = parquet_keys(bucket)
    assert store_places_with("person2@example.com", bucket.download(tmp_path / "before"))
    erase.erase(product_profile(get_profile("K2")), scope=Scope.ADDRESS, by=alice)
    maintenance.purge_erased()
    assert store_places_with("person2@example.com", bucket.download(tmp_path / "after")) == []
    assert {key for key in before if "/profile/" in key}.isdisjoint(bucket.object_keys())
    assert profile_keys() == members_of(finns) == ["K1", "K3"]


def test_maintenance_merges_files_and_deletes_unknown_ones(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_maintenance, "LONGEST_COMMIT", timedelta(0))
    for number in range(1, 5):
        imported(csv(tmp_path / "shop.csv", number, number))
    assert len(parquet_keys(bucket)) == 4
    store_maintenance.maintain(keep=timedelta(0))
    assert len(parquet_keys(bucket)) == 1
    assert profile_keys() == ["K1", "K2", "K3", "K4"]


def test_two_processes_import_at_once(bucket: Bucket, tmp_path: Path, access: dict[str, str]) -> None:
    env = environment_of_processes(tmp_path / "var") | access
    processes = []
    for number in (0, 1):
        path = csv(tmp_path / f"part{number}.csv", number * 500 + 1, number * 500 + 500)
        command = [sys.executable, "manage.py", "import_profiles", str(path), "--key", "id", "--source", path.stem]
        processes.append(subprocess.Popen(command, cwd=django_settings.BASE_DIR, env=env))
    assert [process.wait(timeout=120) for process in processes] == [0, 0]
    assert profile_count() == 1000
    assert len(set(profile_keys())) == 1000


def test_another_prefix_of_the_bucket_is_refused(tmp_path: Path, settings: Settings) -> None:
    imported(csv(tmp_path / "shop.csv"))
    settings.PROFILE_STORE = f"s3://{NAME}/another"
    with pytest.raises(StoreMismatch, match="does not have the profiles of this database"):
        engine.connect()
