"""Backups while the system works: imports and maintenance, a bucket as the store, and the embedded database."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.standalone import folders
from tests.integration.backup.systems import KEYS, System, new_system
from tests.integration.config.embedded.running import up
from tests.support.bucket import NAME, bucket_server

pytestmark = pytest.mark.processes

READY = "is ready: http://"
# Prints the names of all customers of the store, and how many there are.
LIST = """
from segments.store import lake
from segments.store.profiles import PROFILES
from segments import catalog
(column,) = [each.column for each in catalog.attributes() if each.name == "name"]
with lake.reading() as reader:
    print(reader.rows(f"SELECT count(*), count(DISTINCT {column}) FROM {PROFILES} AS p"))
"""
# Deletes the files of former versions at once, as after an erasure.
PURGE = """
from segments.store import maintenance
from segments.store.locks import purge_lock
with purge_lock() as is_held:
    if is_held:
        maintenance.purge()
"""


class Importer(threading.Thread):
    """Imports the same customers again and again, each time with another name for all of them, and deletes the
    files of former versions."""

    def __init__(self, system: System) -> None:
        super().__init__(daemon=True)
        self.system, self.stopped, self.imports = system, threading.Event(), 0
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            while not self.stopped.is_set():
                self.imports += 1
                self.system.import_customers(*(f"{number},Version {self.imports}" for number in range(200)))
                self.system.succeed("shell", "--command", PURGE)
        except BaseException as error:
            self.error = error


@pytest.fixture
def original(tmp_path: Path) -> Iterator[System]:
    with new_system(tmp_path, "busy", is_migrated=True) as system:
        system.import_customers(*(f"{number},Version 0" for number in range(200)))
        yield system


def test_a_backup_has_the_store_at_one_moment_while_imports_replace_all_its_files(
    original: System, tmp_path: Path
) -> None:
    importer = Importer(original)
    importer.start()
    backups: list[Path] = []
    try:
        while len(backups) < 3 or importer.imports < 3:  # two have ended when the third begins
            assert importer.is_alive(), importer.error
            backups.append(tmp_path / f"{len(backups)}.tar")
            original.succeed("backup", str(backups[-1]))
    finally:
        importer.stopped.set()
        importer.join()
    assert importer.error is None
    for backup in backups:
        with new_system(tmp_path, "calm") as other:
            (other.folder / "var").mkdir()
            other.succeed("restore", str(backup))
            assert "[(200, 1)]" in other.succeed("shell", "--command", LIST)
        (tmp_path / "calm").rename(tmp_path / f"of-{backup.stem}")


def test_a_store_moves_from_a_folder_to_a_bucket_and_back(original: System, tmp_path: Path) -> None:
    original.succeed("backup", str(tmp_path / "of-folder.tar"))
    (tmp_path / "server").mkdir()
    with bucket_server(tmp_path / "server") as bucket:
        bucket.create()
        access = {
            "PROFILE_STORE": f"s3://{NAME}/restored",
            "PROFILE_STORE_S3_KEY_ID": "key",
            "PROFILE_STORE_S3_SECRET": "secret",
            "PROFILE_STORE_S3_REGION": "us-east-1",
            "PROFILE_STORE_S3_ENDPOINT": bucket.endpoint,
        }
        with new_system(tmp_path, "in_bucket", access) as other:
            (other.folder / "var").mkdir()
            other.succeed("restore", str(tmp_path / "of-folder.tar"))
            assert "[(200, 1)]" in other.succeed("shell", "--command", LIST)
            other.succeed("backup", str(tmp_path / "of-bucket.tar"))
    with new_system(tmp_path, "in_folder") as third:
        (third.folder / "var").mkdir()
        third.succeed("restore", str(tmp_path / "of-bucket.tar"))
        assert "[(200, 1)]" in third.succeed("shell", "--command", LIST)


def test_the_embedded_database_is_backed_up_while_up_runs_and_while_it_does_not(tmp_path: Path) -> None:
    environment = {name: value for name, value in KEYS.items() if name != "SECRET_KEY"}
    with up(tmp_path / "var", **environment) as running:
        running.wait_for(READY)
        first = System(tmp_path, {"PATH": "/usr/bin:/bin", "VAR_DIR": str(tmp_path / "var"), **environment})
        first.import_customers("1,Ann", "2,Ben")
        first.succeed("backup", str(tmp_path / "running.tar"))
        assert "Another `up`" in first.fail("restore", str(tmp_path / "running.tar"))
    first.succeed("backup", str(tmp_path / "stopped.tar"))
    for backup in ("running", "stopped"):
        second = System(tmp_path, first.environment | {"VAR_DIR": str(tmp_path / f"of-{backup}")})
        second.succeed("restore", str(tmp_path / f"{backup}.tar"))
        with up(tmp_path / f"of-{backup}", **environment) as running:
            running.wait_for(READY)
            assert "[(2, 2)]" in second.succeed("shell", "--command", LIST)
    assert not folders.socket_dir(tmp_path / "of-stopped").exists()
