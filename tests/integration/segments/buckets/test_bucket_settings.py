"""The settings of a watched bucket: who may choose it, its secret key, its data source, and its command."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import orjson
import pytest
from django.core.exceptions import PermissionDenied
from django.core.management import CommandError, call_command
from pytest_django import Settings

from config.platform.accounts.models import User
from config.platform.audit.models import AuditEntry
from config.platform.encryption.rotation import stored_secrets
from config.platform.jobs.models import JobStatus
from segments.models import DataSource, ImportJob, ImportMode, WatchedPlace
from segments.sources.buckets.errors import BucketFailed
from segments.sources.watched_places.actions import stop_watching, watch_bucket, watch_folder
from segments.sources.watched_places.bucket_settings import BucketSettings
from segments.sources.watched_places.scan import scan
from tests.support.shop_bucket import ACCESS_KEY_ID, SECRET_KEY, ShopBucket
from tests.support.watched_buckets import import_next

pytestmark = pytest.mark.django_db
Watch = Callable[..., WatchedPlace]


def test_administrators_choose_the_bucket_and_the_audit_has_it_without_the_secret(
    entered: BucketSettings, bucket: ShopBucket, alice: User, bob: User
) -> None:
    with pytest.raises(PermissionDenied):
        watch_bucket(entered, source_name="Shop", key_columns=["id"], by=bob)
    watched = watch_bucket(entered, source_name="Shop", key_columns=["id"], by=alice)
    stop_watching(watched.source, by=alice)
    added, stopped = [each.changes for each in AuditEntry.objects.filter(action="edited").order_by("pk")]
    assert added == {
        "watched_bucket": [None, f"s3://{bucket.name}/in/*.csv"],
        "endpoint": [None, bucket.endpoint],
        "is_path_style": [None, True],
        "access_key_id": [None, ACCESS_KEY_ID],
        "interval": [None, "0:05:00"],
        "secret_key": [None, "changed"],
    }
    assert stopped == {"watched_bucket": [f"s3://{bucket.name}/in/*.csv", None]}


def test_the_secret_key_is_encrypted_and_rotated_with_the_others(watch: Watch) -> None:
    watched = watch()
    stored = WatchedPlace.objects.filter(pk=watched.pk).extra(select={"text": "credentials"}).values("text").get()
    assert SECRET_KEY not in stored["text"]
    assert SECRET_KEY not in repr(watched.credentials)
    assert "watched places" in {store.many for store, _group in stored_secrets()}


def test_the_secret_key_may_be_a_reference(
    watch: Watch, bucket: ShopBucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    key_id, secret = bucket.user("reader-by-reference", ["s3:ListBucket", "s3:GetObject"])
    monkeypatch.setenv("CREDENTIAL_SHOP_BUCKET", secret)
    bucket.put("in/shop-1.csv")
    with bucket.verified():
        watched = watch(access_key_id=key_id, secret_key="env:CREDENTIAL_SHOP_BUCKET")
        assert import_next(watched).status == JobStatus.SUCCESSFUL
    assert watched.credentials is not None
    assert watched.credentials.open() == {"secret_key": "env:CREDENTIAL_SHOP_BUCKET"}


def test_a_stored_secret_key_is_not_used_for_another_server(watch: Watch, entered: BucketSettings) -> None:
    watch()
    watch(secret_key=None, pattern="shop-*.csv")
    for changes in ({"access_key_id": "AKIAOTHER"}, {"endpoint": f"{entered.endpoint}0"}):
        with pytest.raises(BucketFailed, match="Enter the secret key again"):
            watch(secret_key=None, **changes)


def test_a_source_that_watched_a_folder_watches_the_bucket_then(
    watch: Watch, bucket: ShopBucket, tmp_path: Path, settings: Settings
) -> None:
    settings.SOURCE_FOLDERS = [str(tmp_path)]
    watch_folder(source_name="Shop", key_columns=["id"], folder=str(tmp_path), pattern="*", by=None)
    watched = watch()
    assert WatchedPlace.objects.get() == watched
    changes = AuditEntry.objects.filter(action="edited").latest("pk").changes
    assert changes["watched_folder"] == [f"{tmp_path}/*", None]
    assert changes["watched_bucket"] == [None, str(watched)]


def test_a_waiting_import_ends_when_its_bucket_is_watched_no_longer(watch: Watch, bucket: ShopBucket) -> None:
    bucket.put("in/shop-1.csv")
    watched = watch()
    job = scan(watched.pk)
    assert job is not None
    stop_watching(watched.source, by=None)
    job.refresh_from_db()
    assert job.status == JobStatus.CANCELED
    assert not DataSource.objects.get().is_refreshable


def test_the_system_refresh_does_not_import_the_last_file_again(watch: Watch, bucket: ShopBucket) -> None:
    bucket.put("in/shop-1.csv")
    import_next(watch())
    source = DataSource.objects.get()
    assert (source.path, source.is_refreshable) == ("", False)


def test_the_mode_of_the_data_source_holds(watch: Watch, bucket: ShopBucket) -> None:
    watched = watch()
    DataSource.objects.update(mode=ImportMode.SNAPSHOT)
    bucket.put("in/shop-1.csv")
    assert import_next(watched).mode == ImportMode.SNAPSHOT


def test_the_command_starts_and_stops_watching(
    bucket: ShopBucket, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CREDENTIAL_SHOP_BUCKET", SECRET_KEY)
    bucket.put("in/shop-1.csv")
    given = ["--endpoint", bucket.endpoint, "--access-key-id", ACCESS_KEY_ID, "--source", "Shop", "--key", "id"]
    secret = ["--secret-key", "env:CREDENTIAL_SHOP_BUCKET"]
    call_command("watch_bucket", f"s3://{bucket.name}/in", "--pattern", "shop-*", "--every", "15", *given, *secret)
    assert "1 file matches the pattern" in capsys.readouterr().out
    watched = DataSource.objects.get().watched_place
    assert (str(watched), watched.interval) == (f"s3://{bucket.name}/in/shop-*", timedelta(minutes=15))
    with pytest.raises(CommandError, match="watches no folder"):
        call_command("watch_folder", "--stop", "--source", "shop")
    call_command("watch_bucket", "--stop", "--source", "shop")
    assert not WatchedPlace.objects.exists()
    with pytest.raises(CommandError, match="no bucket with this name"):
        call_command("watch_bucket", "s3://shop-none-such/in", *given, *secret)
    with pytest.raises(CommandError, match="s3://"):
        call_command("watch_bucket", bucket.name, *given, *secret)


def test_no_log_or_page_of_an_import_has_the_secret_key(
    watch: Watch, bucket: ShopBucket, caplog: pytest.LogCaptureFixture
) -> None:
    bucket.put("in/shop-1.csv", "name\nAino\n")
    watched = watch()
    import_next(watched)
    WatchedPlace.objects.update(bucket="shop-that-is-gone")
    scan(watched.pk)
    assert SECRET_KEY not in caplog.text
    assert SECRET_KEY not in orjson.dumps(list(ImportJob.objects.values("message", "path"))).decode()
