"""Set up a watched bucket in the browser; what is wrong is said beside the field."""

import re
import socket
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from config.platform.jobs import clock
from segments.models import DataSource, ImportMode, WatchedPlace
from segments.sources import import_job
from segments.sources.watched_places.scan import scan
from tests.support.answering import answering
from tests.support.shop_bucket import ACCESS_KEY_ID, SECRET_KEY, ShopBucket
from tests.support.workers import free_port

pytestmark = pytest.mark.django_db
BUCKET = "/data/sources/bucket/"
Watch = Callable[..., WatchedPlace]


def typed(shop: ShopBucket, **changes: str) -> dict[str, str]:
    return {
        "bucket": shop.name,
        "folder": "in",
        "pattern": "*.csv",
        "endpoint": shop.endpoint,
        "region": "",
        "style": "path",
        "interval": "900",
        "access_key_id": ACCESS_KEY_ID,
        "secret_key": SECRET_KEY,
        "source_name": "Shop",
        "key_columns": "id",
        "mode": "upsert",
        **changes,
    }


def errors_of(response: Any) -> dict[str, str]:
    assert response.status_code == 422
    return {name: str(errors[0]) for name, errors in response.context["form"].errors.items()}


def test_an_administrator_sets_it_up(alice_client: Client, bucket: ShopBucket) -> None:
    bucket.put("in/shop-1.csv", "country,id\nFI,1\n")
    assert alice_client.get(BUCKET).status_code == 200
    posted = typed(bucket, key_columns="country, id", mode="snapshot")
    assert alice_client.post(BUCKET, posted).status_code == 302
    source = DataSource.objects.get()
    assert (source.key_columns, source.mode) == (["country", "id"], ImportMode.SNAPSHOT)
    assert source.watched_place.interval == timedelta(minutes=15)
    job = scan(source.watched_place.pk)
    assert job is not None
    import_job.run_import(job.pk)
    page = alice_client.get("/data/sources/").content.decode()
    assert f"s3://{bucket.name}/in/*.csv" in page
    assert 'data-can=" bucket"' in page
    assert "from its bucket" in alice_client.get(f"/data/imports/{job.pk}/").content.decode()


def test_viewers_do_not_see_where_the_bucket_is(charlie_client: Client, watch: Watch, bucket: ShopBucket) -> None:
    watch()
    page = charlie_client.get("/data/sources/").content.decode()
    assert "Files that arrive in a bucket" in page
    assert bucket.name not in page
    assert charlie_client.get(BUCKET).status_code == 403


def test_a_test_lists_the_files_that_fit_and_stores_nothing(alice_client: Client, bucket: ShopBucket) -> None:
    empty = alice_client.post(BUCKET, typed(bucket) | {"act": "test"})
    assert "No file matches yet." in empty.content.decode()
    bucket.put("in/shop-1.csv")
    bucket.put("in/shop-2.csv", "")
    page = alice_client.post(BUCKET, typed(bucket) | {"act": "test"}).content.decode()
    for text in (
        "The connection works. 2 files match.",
        "<li>shop-1.csv</li>",
        "<li>shop-2.csv</li>",
        'value="in"',
    ):
        assert text in page
    assert not WatchedPlace.objects.exists()
    assert not DataSource.objects.exists()


def test_a_test_reads_the_first_file(alice_client: Client, bucket: ShopBucket) -> None:
    bucket.put("in/shop-1.csv")
    key_id, secret = bucket.user("only-lists", ["s3:ListBucket"])
    with bucket.verified():
        posted = typed(bucket, access_key_id=key_id, secret_key=secret) | {"act": "test"}
        errors = errors_of(alice_client.post(BUCKET, posted))
    assert list(errors) == ["access_key_id"]
    assert "but has no permission to read files. Grant it s3:GetObject." in errors["access_key_id"]


def test_the_secret_key_is_on_no_page_and_need_not_be_typed_again(
    alice_client: Client, bucket: ShopBucket
) -> None:
    tested = alice_client.post(BUCKET, typed(bucket) | {"act": "test"})
    wrong = alice_client.post(BUCKET, typed(bucket, bucket="shop-none-such"))
    for response in (tested, wrong):
        assert SECRET_KEY not in response.content.decode()
        assert 'placeholder="Stored"' in response.content.decode()
        posted = typed(bucket, secret_key="") | {"sealed": response.context["sealed"], "act": "test"}
        assert alice_client.post(BUCKET, posted).status_code == 200
    other = typed(bucket, secret_key="", access_key_id="AKIAOTHER") | {"sealed": tested.context["sealed"]}
    assert "again" in errors_of(alice_client.post(BUCKET, other))["secret_key"]
    posted = typed(bucket, secret_key="") | {"sealed": tested.context["sealed"]}
    assert alice_client.post(BUCKET, posted).status_code == 302
    stored = WatchedPlace.objects.get()
    assert stored.credentials is not None
    assert stored.credentials.open() == {"secret_key": SECRET_KEY}
    with time_machine.travel(clock.now() + timedelta(minutes=31), tick=True):
        WatchedPlace.objects.all().delete()
        assert "secret_key" in errors_of(alice_client.post(BUCKET, posted))


def test_it_is_changed_without_the_secret_key(alice_client: Client, watch: Watch, bucket: ShopBucket) -> None:
    address = f"{BUCKET}?source={watch().source_id}"
    page = alice_client.get(address).content.decode()
    assert 'placeholder="Stored"' in page
    assert SECRET_KEY not in page
    assert alice_client.post(address, typed(bucket, secret_key="", pattern="shop-*")).status_code == 302
    stored = WatchedPlace.objects.get()
    assert stored.pattern == "shop-*"
    assert stored.credentials is not None
    assert alice_client.post(address, typed(bucket, secret_key="", access_key_id="")).status_code == 302
    assert WatchedPlace.objects.get().credentials is None


def test_the_pane_shows_each_file_with_status_and_reason(
    alice_client: Client, watch: Watch, bucket: ShopBucket
) -> None:
    bucket.put("in/shop-1.csv", "name\nAino\n")
    bucket.put("in/shop-2.csv")
    watched = watch()
    job = scan(watched.pk)
    assert job is not None
    import_job.run_import(job.pk)
    page = alice_client.get(f"{BUCKET}?source={watched.source_id}").content.decode()
    for text in (
        "shop-1.csv",
        "Failed",
        "There is no column “id”",
        "shop-2.csv",
        "Waiting for the files before it",
    ):
        assert text in page


def test_it_is_stopped_in_the_browser(alice_client: Client, bob_client: Client, watch: Watch) -> None:
    address = f"{BUCKET}?source={watch().source_id}"
    assert bob_client.post(address, {"act": "stop"}).status_code == 403
    assert alice_client.post(address, {"act": "stop"}).status_code == 302
    assert not WatchedPlace.objects.exists()


def test_the_enter_key_saves_and_does_not_test_or_stop(alice_client: Client, watch: Watch) -> None:
    """Browsers submit with the first button of the form."""
    page = alice_client.get(f"{BUCKET}?source={watch().source_id}").content.decode()
    buttons = re.findall(r'<button type="submit"[^>]*>', page)
    at = next(at for at, button in enumerate(buttons) if 'value="test"' in button)
    assert "data-save" in buttons[at - 1]


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"bucket": "shop-none-such"}, "bucket", "There is no bucket with this name"),
        ({"bucket": "s3://shop"}, "bucket", "without s3://"),
        ({"bucket": ""}, "bucket", "required"),
        ({"pattern": ".csv"}, "pattern", "Enter a pattern such as"),
        ({"pattern": ""}, "pattern", "required"),
        ({"endpoint": "http://10.0.0.1:9000"}, "endpoint", "DATABASE_SOURCE_HOSTS"),
        ({"endpoint": "http://169.254.169.254"}, "endpoint", "internal network"),
        ({"endpoint": "ftp://storage.example.com"}, "endpoint", "Enter the address of a server"),
        ({"endpoint": "https://user@storage.example.com"}, "endpoint", "Enter the address of a server"),
        ({"endpoint": "https://storage.example.com/path"}, "endpoint", "Enter the address of a server"),
        ({"endpoint": "https://storage.example.com:port"}, "endpoint", "Enter the address of a server"),
        ({"region": "eu/central"}, "region", "Enter a region such as"),
        ({"secret_key": ""}, "secret_key", "Enter the secret key"),
        ({"secret_key": "env:PATH"}, "secret_key", "CREDENTIAL_"),
        ({"interval": "7"}, "interval", "7"),
        ({"key_columns": " , "}, "key_columns", "name of a column"),
        ({"key_columns": "email"}, "key_columns", "uses the key column"),
        ({"mode": "other"}, "mode", "other"),
    ],
)
def test_it_says_what_is_wrong_beside_the_field(
    alice_client: Client, bucket: ShopBucket, change: dict[str, str], field: str, words: str
) -> None:
    DataSource.objects.create(name="Shop", key_column="id")
    errors = errors_of(alice_client.post(BUCKET, typed(bucket, **change)))
    assert list(errors) == [field]
    assert words in errors[field]


@pytest.mark.parametrize(
    ("rights", "change", "field", "words"),
    [
        (
            ["s3:ListBucket"],
            {"access_key_id": "AKIAUNKNOWN"},
            "access_key_id",
            "does not recognize this access key ID",
        ),
        (["s3:ListBucket"], {"secret_key": "another"}, "secret_key", "does not belong to the access key ID"),
        (["s3:PutObject"], {}, "access_key_id", "has no permission to list the bucket. Grant it s3:ListBucket."),
    ],
)
def test_wrong_credentials_and_missing_rights_are_told_apart(
    alice_client: Client, bucket: ShopBucket, rights: list[str], change: dict[str, str], field: str, words: str
) -> None:
    key_id, secret = bucket.user(f"user-{bucket.name}", rights)
    with bucket.verified():
        given = {"access_key_id": key_id, "secret_key": secret} | change
        errors = errors_of(alice_client.post(BUCKET, typed(bucket, **given)))
    assert list(errors) == [field]
    assert words in errors[field]


def test_an_endpoint_that_refuses_the_connection(alice_client: Client, bucket: ShopBucket) -> None:
    errors = errors_of(alice_client.post(BUCKET, typed(bucket, endpoint=f"http://127.0.0.1:{free_port()}")))
    assert errors == {
        "endpoint": "The server of the bucket refused the connection. Check the endpoint and its port."
    }


def test_an_endpoint_that_does_not_answer(
    alice_client: Client, bucket: ShopBucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("segments.sources.buckets.client._TIMEOUT", (1, 0.2))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        errors = errors_of(alice_client.post(BUCKET, typed(bucket, endpoint=endpoint)))
    assert "does not respond" in errors["endpoint"]


def test_an_endpoint_that_resolves_to_nothing(alice_client: Client, bucket: ShopBucket) -> None:
    errors = errors_of(alice_client.post(BUCKET, typed(bucket, endpoint="storage.invalid")))
    assert "cannot be resolved" in errors["endpoint"]


@pytest.mark.parametrize(
    ("status", "body", "field", "words"),
    [
        (200, b"<html>Welcome</html>", "endpoint", "no S3-compatible server"),
        (404, b"not found", "endpoint", "no S3-compatible server"),
        (503, b"<Error><Code>SlowDown</Code></Error>", "endpoint", "temporary problem (503)"),
        (
            301,
            b"<Error><Code>PermanentRedirect</Code></Error>",
            "region",
            "another region, or has another endpoint",
        ),
        (
            400,
            b"<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-3</Region></Error>",
            "region",
            "The bucket is in the region “eu-west-3”.",
        ),
        (403, b"<Error><Code>RequestTimeTooSkewed</Code></Error>", "endpoint", "clocks"),
        (400, b"<Error><Code>OddCode</Code><Message>secret</Message></Error>", "bucket", "an error: OddCode."),
        (400, b"<Error><Code>a b &lt;i&gt;</Code></Error>", "bucket", "an error: …."),
    ],
)
def test_an_answer_of_another_server_is_explained(
    alice_client: Client, bucket: ShopBucket, status: int, body: bytes, field: str, words: str
) -> None:
    with answering((status, body)) as server:
        errors = errors_of(alice_client.post(BUCKET, typed(bucket, endpoint=server.endpoint)))
    assert list(errors) == [field]
    assert words in errors[field]


def test_redirects_are_not_followed(alice_client: Client, bucket: ShopBucket) -> None:
    """Else a server outside could lead to one of the internal network."""
    asked = f"{bucket.endpoint}/{bucket.name}?list-type=2"
    with answering((307, b""), headers={"Location": asked}) as server:
        errors = errors_of(alice_client.post(BUCKET, typed(bucket, endpoint=server.endpoint)))
    assert list(errors) == ["region"]


def test_another_name_renames_the_data_source(alice_client: Client, watch: Watch, bucket: ShopBucket) -> None:
    address = f"{BUCKET}?source={watch().source_id}"
    assert "the data source is renamed" in alice_client.get(address).content.decode()
    posted = typed(bucket, secret_key="", source_name="Web shop")
    assert alice_client.post(address, posted).status_code == 302
    assert DataSource.objects.get().name == "Web shop"
