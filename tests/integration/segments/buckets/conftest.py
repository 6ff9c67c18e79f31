"""A server with a bucket, and what a data source knows of it."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from segments.models import WatchedPlace
from segments.sources.watched_places.actions import watch_bucket
from segments.sources.watched_places.bucket_settings import BucketSettings
from tests.support.shop_bucket import ACCESS_KEY_ID, SECRET_KEY, ShopBucket, shop_bucket_server


@pytest.fixture(scope="package")
def bucket_of_package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ShopBucket]:
    with shop_bucket_server(tmp_path_factory.mktemp("shop-bucket")) as bucket:
        yield bucket


@pytest.fixture
def bucket(bucket_of_package: ShopBucket, settings: Settings, tmp_path: Path) -> ShopBucket:
    """Return a new bucket, whose server the settings allow although it is on this machine."""
    settings.DATABASE_SOURCE_HOSTS = ["127.0.0.0/8"]
    settings.UPLOAD_DIR = tmp_path / "uploads"
    created = replace(bucket_of_package, name=f"shop-{uuid.uuid4().hex[:12]}")
    created.create()
    return created


@pytest.fixture
def entered(bucket: ShopBucket) -> BucketSettings:
    """Return what a user enters of the bucket."""
    return BucketSettings(
        bucket=bucket.name,
        folder="in/",
        pattern="*.csv",
        endpoint=bucket.endpoint,
        access_key_id=ACCESS_KEY_ID,
        secret_key=SECRET_KEY,
    )


@pytest.fixture
def watch(entered: BucketSettings, db: None) -> Callable[..., WatchedPlace]:
    """Let the data source “Shop” watch the bucket, with changed settings if some are given."""

    def start(**changes: Any) -> WatchedPlace:
        return watch_bucket(replace(entered, **changes), source_name="Shop", key_columns=["id"], by=None)

    return start
