"""Files that arrive in a watched bucket are imported, each version once, in the order of their names."""

import gzip
import socket
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
import time_machine
from pytest_django import Settings

from config.platform.jobs import clock
from config.platform.jobs.models import JobStatus
from config.platform.notifications.models import Condition, Kind
from segments.models import ImportJob, WatchedFile, WatchedPlace
from segments.sources import import_job
from segments.sources.buckets import client
from segments.sources.buckets.answers import Page, page_in
from segments.sources.buckets.client import BucketClient
from segments.sources.buckets.errors import BucketFailed
from segments.sources.watched_places.actions import watch_folder
from segments.sources.watched_places.places import place_of
from segments.sources.watched_places.scan import claim_due, scan
from tests.support.profiles import get_profile, profile_count
from tests.support.shop_bucket import ShopBucket
from tests.support.watched_buckets import import_next
from tests.support.workbook import write_workbook

pytestmark = pytest.mark.django_db
Watch = Callable[..., WatchedPlace]


def test_a_file_is_imported_at_once(watch: Watch, bucket: ShopBucket) -> None:
    bucket.put("in/shop-1.csv")
    job = import_next(watch())
    assert (job.status, job.file_name, job.rows_created) == (JobStatus.SUCCESSFUL, "shop-1.csv", 1)
    assert get_profile("1").attributes == {"id": "1", "name": "Aino"}


def test_each_version_is_imported_once(watch: Watch, bucket: ShopBucket) -> None:
    bucket.put("in/shop-1.csv")
    watched = watch()
    import_next(watched)
    bucket.put("in/shop-1.csv")  # the same content has the same ETag
    assert scan(watched.pk) is None
    bucket.remove("in/shop-1.csv")
    assert scan(watched.pk) is None
    bucket.put("in/shop-1.csv")
    assert scan(watched.pk) is None
    bucket.put("in/shop-1.csv", "id,name\n1,Ains\n")  # as long as before, and in the same second
    assert import_next(watched).rows_updated == 1
    assert ImportJob.objects.count() == 2


def test_a_restart_of_the_worker_imports_nothing_twice(watch: Watch, bucket: ShopBucket) -> None:
    """The file is noted with its job, in one transaction; a worker that takes over works on that job."""
    bucket.put("in/shop-1.csv")
    watched = watch()
    job = scan(watched.pk)
    assert job is not None
    assert (WatchedFile.objects.get().job, scan(watched.pk)) == (job, None)
    ImportJob.objects.filter(pk=job.pk).update(status=JobStatus.PROCESSING, attempt=1, started_at=clock.now())
    ended = import_job.run_import(job.pk)
    assert ended is not None
    assert (ended.status, ended.attempt) == (JobStatus.SUCCESSFUL, 2)
    assert scan(watched.pk) is None


def test_files_are_imported_by_name_one_after_the_other(watch: Watch, bucket: ShopBucket) -> None:
    for name in ("shop-2", "shop-10", "shop-1"):
        bucket.put(f"in/{name}.csv", f"id,name\n1,{name}\n")
    watched = watch()
    names = []
    while job := scan(watched.pk):
        assert scan(watched.pk) is None  # the next one waits for the end of this
        import_job.run_import(job.pk)
        names.append(job.file_name)
    assert names == ["shop-1.csv", "shop-10.csv", "shop-2.csv"]
    assert get_profile("1").attributes["name"] == "shop-2"


def test_more_than_a_thousand_objects_are_listed_page_by_page(
    watch: Watch, bucket: ShopBucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1_003):
        bucket.put(f"in/shop-{number:04}.csv", "id\n1\n")
    pages: list[bytes] = []

    def read(content: bytes) -> Page:
        pages.append(content)
        return page_in(content)

    monkeypatch.setattr(client, "page_in", read)
    names = [each.name for each in place_of(watch()).find_files("*.csv")]
    assert names == [f"shop-{number:04}.csv" for number in range(1_003)]
    assert len(pages) == 4  # two to test the bucket, two to list it


def test_names_of_any_characters_are_found_and_fetched(watch: Watch, bucket: ShopBucket) -> None:
    names = ["a b+c&d=e%20f.csv", "łódź/…/x.csv", "w[1]*?#~;@:$,'(!).csv", "a//c.csv"]
    for at, name in enumerate(names):
        bucket.put(f"in/{name}", f"id\n{at}\n")
    watched = watch(pattern="*.csv")
    assert [import_next(watched).file_name for _name in range(2)] == sorted([names[0], names[2]])
    watch(pattern="*/*/*.csv")
    assert [import_next(watched).file_name for _name in range(2)] == [names[3], names[1]]
    assert profile_count() == 4


def test_a_pattern_with_folders_looks_into_them(watch: Watch, bucket: ShopBucket) -> None:
    for key in ("in/2026-11-30/a.csv", "in/2026-12-01/a.csv", "in/a.csv", "in/2026-12-01/deep/a.csv", "in/"):
        bucket.put(key)
    watched = watch(pattern="*/a.csv")
    assert [each.name for each in place_of(watched).find_files("*/a.csv")] == [
        "2026-11-30/a.csv",
        "2026-12-01/a.csv",
    ]
    assert [each.name for each in place_of(watched).find_files("*.csv")] == ["a.csv"]


def test_addresses_of_the_host_style_name_the_bucket_in_the_host(
    watch: Watch, bucket: ShopBucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve, port = socket.getaddrinfo, bucket.endpoint.rpartition(":")[2]

    def resolved(name: str, *arguments: Any, **names: Any) -> Any:
        return resolve("127.0.0.1" if name.endswith(".amazonaws.com") else name, *arguments, **names)

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    key_id, secret = bucket.user(f"reader-{bucket.name}", ["s3:ListBucket", "s3:GetObject"])
    bucket.put("in/shop-1.csv")
    with bucket.verified():
        watched = watch(
            endpoint=f"http://s3.amazonaws.com:{port}",
            is_path_style=False,
            access_key_id=key_id,
            secret_key=secret,
        )
        assert import_next(watched).rows_created == 1


def test_parts_of_an_upload_are_invisible_until_it_is_complete(watch: Watch, bucket: ShopBucket) -> None:
    started = bucket.start_upload("in/shop-1.csv", b"id,name\n1,Aino\n")
    watched = watch()
    assert scan(watched.pk) is None
    bucket.complete_upload(started)
    assert import_next(watched).rows_created == 1
    assert WatchedFile.objects.get().version.endswith("-1")


def test_a_file_that_changes_after_it_was_listed_is_imported_as_it_is_then(
    watch: Watch, bucket: ShopBucket
) -> None:
    bucket.put("in/shop-1.csv")
    watched = watch()
    job = scan(watched.pk)
    assert job is not None
    bucket.put("in/shop-1.csv", "id,name\n1,Jan\n2,Zofia\n")
    ended = import_job.run_import(job.pk)
    assert ended is not None
    assert (ended.status, "changed or deleted" in ended.message) == (JobStatus.FAILED, True)
    assert import_next(watched).rows_created == 2


def test_a_file_that_leaves_after_it_was_listed_holds_nothing_up(watch: Watch, bucket: ShopBucket) -> None:
    bucket.put("in/shop-1.csv")
    bucket.put("in/shop-2.csv")
    watched = watch()
    job = scan(watched.pk)
    assert job is not None
    bucket.remove("in/shop-1.csv")
    ended = import_job.run_import(job.pk)
    assert ended is not None
    assert (ended.status, profile_count()) == (JobStatus.FAILED, 0)
    assert import_next(watched).file_name == "shop-2.csv"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("shop.csv", b"id;name\n1;V\xe4in\xf6\n"),  # cp1252 with semicolons
        ("shop.tsv.gz", gzip.compress("id\tname\n1\tVäinö\n".encode(), mtime=0)),
        ("shop.jsonl", '{"id": "1", "name": "Väinö"}\n'.encode()),
    ],
)
def test_every_format_of_files_is_read(watch: Watch, bucket: ShopBucket, name: str, content: bytes) -> None:
    bucket.put(f"in/{name}", content)
    assert import_next(watch(pattern="shop.*")).status == JobStatus.SUCCESSFUL
    assert get_profile("1").attributes["name"] == "Väinö"


def test_workbooks_and_parquet_files_are_read(watch: Watch, bucket: ShopBucket, tmp_path: Path) -> None:
    duckdb.sql("SELECT 7 AS id, 'Zofia' AS name").write_parquet(str(tmp_path / "shop.parquet"))
    write_workbook(tmp_path / "shop.xlsx")
    for name in ("shop.parquet", "shop.xlsx"):
        bucket.put(f"in/{name}", (tmp_path / name).read_bytes())
    watched = watch(pattern="shop.*")
    assert import_next(watched).status == JobStatus.SUCCESSFUL
    assert get_profile("7").attributes["name"] == "Zofia"
    assert import_next(watched).rows_read > 0


def test_the_downloaded_copy_is_deleted(watch: Watch, bucket: ShopBucket, settings: Settings) -> None:
    bucket.put("in/shop-1.csv")
    import_next(watch())
    assert [each for each in Path(settings.UPLOAD_DIR).rglob("*") if each.is_file()] == []


def test_a_file_that_is_too_large_is_refused(watch: Watch, bucket: ShopBucket, settings: Settings) -> None:
    settings.MAX_UNPACKED_MB = 1
    bucket.put("in/shop-1.csv", b"id\n" + b"1\n" * (1 << 20))
    job = import_next(watch())
    assert (job.status, job.message) == (JobStatus.FAILED, "The file is larger than 1 MB (MAX_UNPACKED_MB).")


def test_a_file_is_fetched_again_when_the_server_was_away(
    watch: Watch, bucket: ShopBucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.put("in/shop-1.csv")
    bucket.put("in/shop-2.csv")
    watched = watch()

    def away(*_arguments: Any, **_names: Any) -> None:
        raise BucketFailed("away", "endpoint", is_temporary=True)

    with monkeypatch.context() as patch:
        patch.setattr(BucketClient, "download", away)
        assert (import_next(watched).status, profile_count()) == (JobStatus.FAILED, 0)
    assert scan(watched.pk) is None  # shop-2.csv waits, since files are imported in their order
    with time_machine.travel(clock.now() + timedelta(minutes=6), tick=True):
        assert import_next(watched).file_name == "shop-1.csv"
        assert import_next(watched).file_name == "shop-2.csv"
    assert profile_count() == 1


def test_files_that_failed_since_the_last_that_succeeded_are_tried_again_when_it_is_saved(
    watch: Watch, bucket: ShopBucket
) -> None:
    bucket.put("in/shop-1.csv", "name\nold\n")
    bucket.put("in/shop-2.csv")
    bucket.put("in/shop-3.csv", "name\nnew\n")
    watched = watch()
    assert [import_next(watched).status for _file in range(3)] == [
        JobStatus.FAILED,
        JobStatus.SUCCESSFUL,
        JobStatus.FAILED,
    ]
    assert scan(watched.pk) is None
    watch()
    assert import_next(watched).file_name == "shop-3.csv"
    assert scan(watched.pk) is None


def test_a_bucket_is_due_after_its_interval_and_a_folder_after_a_quarter_of_a_minute(
    watch: Watch, tmp_path: Path, settings: Settings
) -> None:
    settings.SOURCE_FOLDERS = [str(tmp_path)]
    bucket = watch(interval=timedelta(hours=1))
    folder = watch_folder(source_name="F", key_columns=["id"], folder=str(tmp_path), pattern="*", by=None)
    assert sorted(claim_due()) == sorted([bucket.pk, folder.pk])
    with time_machine.travel(clock.now() + timedelta(minutes=1), tick=True):
        assert list(claim_due()) == [folder.pk]
    with time_machine.travel(clock.now() + timedelta(minutes=61), tick=True):
        assert bucket.pk in claim_due()


def test_a_bucket_that_is_gone_is_shown_and_forgotten_when_it_is_back(watch: Watch, bucket: ShopBucket) -> None:
    watched = watch()
    WatchedPlace.objects.update(bucket="shop-that-is-gone")
    assert scan(watched.pk) is None
    watched.refresh_from_db()
    assert watched.problem == "There is no bucket with this name at the endpoint."
    WatchedPlace.objects.update(bucket=bucket.name)
    scan(watched.pk)
    watched.refresh_from_db()
    assert watched.problem == ""


def test_users_are_notified_when_the_bucket_cannot_be_read_twice_and_once_it_can(
    watch: Watch, bucket: ShopBucket
) -> None:
    watched = watch()
    open_alerts = Condition.objects.filter(kind=Kind.FAILED, closed_at=None)
    WatchedPlace.objects.update(bucket="shop-that-is-gone")
    scan(watched.pk)
    assert not open_alerts.exists()
    scan(watched.pk)
    assert open_alerts.get().sentence == "There is no bucket with this name at the endpoint."
    WatchedPlace.objects.update(bucket=bucket.name)
    scan(watched.pk)
    assert not open_alerts.exists()


def test_the_alert_of_a_failed_import_stays_when_the_bucket_is_back(watch: Watch, bucket: ShopBucket) -> None:
    bucket.put("in/shop-1.csv", "name\nAino\n")
    watched = watch()
    import_next(watched)
    WatchedPlace.objects.update(problem="away")
    scan(watched.pk)
    assert Condition.objects.filter(kind=Kind.FAILED, closed_at=None).exists()
