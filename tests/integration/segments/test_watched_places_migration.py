"""Files that watched folders have imported are not imported again after the upgrade."""

from pathlib import Path

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from pytest_django import Settings

from segments.models import WatchedPlace
from segments.sources.watched_places.scan import scan

pytestmark = pytest.mark.django_db(transaction=True)
BEFORE, AFTER = [("segments", "0029_identity_is_applied")], [("segments", "0030_watched_buckets")]


def test_versions_of_files_are_kept(tmp_path: Path, settings: Settings) -> None:
    settings.SOURCE_FOLDERS = [str(tmp_path)]
    settings.WATCH_SETTLE_SECONDS = 0
    (tmp_path / "shop-1.csv").write_text("id\n1\n")
    state = (tmp_path / "shop-1.csv").stat()
    executor = MigrationExecutor(connection)
    executor.migrate(BEFORE)
    try:
        apps = executor.loader.project_state(BEFORE).apps
        source = apps.get_model("segments", "DataSource").objects.create(name="Shop", key_column="id")
        folders = apps.get_model("segments", "WatchedFolder").objects
        watched = folders.create(source=source, folder=str(tmp_path), pattern="*.csv")
        watched.files.create(name="shop-1.csv", size=state.st_size, modified_ns=state.st_mtime_ns, is_taken=True)
    finally:
        executor = MigrationExecutor(connection)
        executor.migrate(executor.loader.graph.leaf_nodes())
    upgraded = WatchedPlace.objects.get()
    assert (upgraded.kind, upgraded.folder, upgraded.pattern) == ("folder", str(tmp_path), "*.csv")
    assert scan(upgraded.pk) is None
    (tmp_path / "shop-2.csv").write_text("id\n2\n")
    job = scan(upgraded.pk)
    assert job is not None
    assert job.file_name == "shop-2.csv"
