"""A process whose PROFILE_STORE is not the store of the catalog reads and writes nothing."""

import shutil
from pathlib import Path
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connection
from pytest_django import Settings

from segments.store import checks, engine, identity, lake, maintenance
from segments.store.columns import MEMBERS
from segments.store.identity import StoreMismatch
from tests.support.lake import empty_store

pytestmark = [pytest.mark.usefixtures("catalog_without_files"), pytest.mark.django_db(transaction=True)]


@pytest.fixture
def folder(catalog_without_files: None, settings: Settings, tmp_path: Path) -> Path:
    """The folder of a new store, in use."""
    settings.PROFILE_STORE = tmp_path / "first"
    write(1)
    return tmp_path / "first"


def catalog_id() -> object:
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM lake.store_identity")
        return cursor.fetchone()[0]


def forget_id_of_catalog() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM lake.store_identity")


def write(set_id: int) -> None:
    with lake.writing("write") as writer:
        writer.execute(f"INSERT INTO {MEMBERS} VALUES (?, 1)", [set_id])


def sets() -> list[int]:
    with lake.reading() as reader:
        return [set_id for (set_id,) in reader.rows(f"SELECT set_id FROM {MEMBERS} ORDER BY 1")]


def test_a_new_store_has_the_id_of_its_catalog(folder: Path) -> None:
    assert (folder / "store-id").read_text().strip() == str(catalog_id())


def test_the_id_is_written_once(folder: Path) -> None:
    before = catalog_id()
    engine.close()
    write(2)
    assert catalog_id() == before
    assert sets() == [1, 2]


def test_hosts_may_reach_it_by_different_paths(folder: Path, settings: Settings) -> None:
    other_path = folder.with_name("mount")
    other_path.symlink_to(folder)
    settings.PROFILE_STORE = other_path
    write(2)
    assert sets() == [1, 2]


def test_a_backup_that_was_restored_elsewhere_is_the_same_store(folder: Path, settings: Settings) -> None:
    settings.PROFILE_STORE = folder.with_name("restored")
    shutil.copytree(folder, settings.PROFILE_STORE)
    shutil.rmtree(folder)
    assert sets() == [1]


@pytest.mark.usefixtures("folder")
def test_an_empty_folder_is_refused_once_there_are_files(settings: Settings, tmp_path: Path) -> None:
    settings.PROFILE_STORE = tmp_path / "second"
    with pytest.raises(StoreMismatch, match="its volume is mounted"):
        sets()
    assert list((tmp_path / "second").iterdir()) == []


@pytest.mark.usefixtures("folder")
def test_the_store_of_another_database_is_refused(settings: Settings, tmp_path: Path) -> None:
    settings.PROFILE_STORE = tmp_path
    (tmp_path / "store-id").write_text(str(uuid4()))
    with pytest.raises(StoreMismatch, match="another database"):
        sets()


def test_a_new_database_does_not_take_over_the_store_of_another(folder: Path) -> None:
    engine.close()
    empty_store()
    forget_id_of_catalog()
    with pytest.raises(StoreMismatch, match="another database"):
        sets()


def test_a_folder_with_other_files_does_not_become_a_store(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "year=2026").mkdir()
    other = tmp_path / "year=2026" / "other.parquet"
    other.touch()
    settings.PROFILE_STORE = tmp_path
    with pytest.raises(StoreMismatch, match="an empty folder"):
        maintenance.purge()
    assert other.exists()


def test_a_store_made_before_there_were_ids_gets_one(folder: Path) -> None:
    engine.close()
    (folder / "store-id").unlink()
    forget_id_of_catalog()
    assert sets() == [1]
    assert (folder / "store-id").read_text().strip() == str(catalog_id())


def test_a_damaged_id_is_refused(folder: Path) -> None:
    (folder / "store-id").write_text("not an ID")
    engine.close()
    with pytest.raises(StoreMismatch, match="store-id in PROFILE_STORE is damaged"):
        sets()


def test_another_folder_for_a_catalog_without_files_ends_writing_to_the_first(
    folder: Path, settings: Settings
) -> None:
    empty_store()
    for path in folder.rglob("*.parquet"):
        path.unlink()
    settings.PROFILE_STORE = folder.with_name("second")
    write(2)
    settings.PROFILE_STORE = folder
    with pytest.raises(StoreMismatch, match="another database"):
        write(3)
    assert not list(folder.rglob("*.parquet"))


def test_a_volume_that_is_gone_while_the_process_runs_is_not_written_to(folder: Path) -> None:
    folder.rename(folder.with_name("unmounted"))
    folder.mkdir()
    for change in (lambda: write(2), maintenance.purge):
        with pytest.raises(StoreMismatch, match="its volume is mounted"):
            change()
    assert list(folder.iterdir()) == []


def test_the_check_command_tells(folder: Path) -> None:
    call_command("check", databases=["default"])
    (folder / identity.FILE_NAME).unlink()
    engine.close()
    with pytest.raises(SystemCheckError, match="PROFILE_STORE does not have the profiles of this database"):
        call_command("check", databases=["default"])


def test_a_worker_does_not_start(folder: Path) -> None:
    (folder / identity.FILE_NAME).unlink()
    engine.close()
    with pytest.raises(SystemExit, match="PROFILE_STORE"):
        checks.refuse_to_start()
