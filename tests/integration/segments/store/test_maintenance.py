"""Maintenance keeps the files of the profile store few, and deletes what no version uses."""

import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from segments.store import engine, lake, maintenance
from segments.store.columns import MEMBERS
from tests.support.lake import empty_store

pytestmark = pytest.mark.django_db(transaction=True)


def files() -> set[Path]:
    return set(Path(settings.PROFILE_STORE).rglob("*.parquet"))


def write_set(set_id: int, size: int = 100) -> None:
    with lake.writing("write") as writer:
        writer.execute(f"INSERT INTO {MEMBERS} SELECT ?, i FROM range({size}) t(i)", [set_id])


def delete_half_of(set_id: int) -> None:
    with lake.writing("delete") as writer:
        writer.execute(f"DELETE FROM {MEMBERS} WHERE set_id = ? AND profile_id < 50", [set_id])


def sizes() -> dict[int, int]:
    with lake.reading() as reader:
        return dict(reader.rows(f"SELECT set_id, count(*) FROM {MEMBERS} GROUP BY 1"))


@pytest.fixture(autouse=True)
def _no_files_of_other_tests() -> None:
    empty_store()
    maintenance.purge()
    assert not files()


@pytest.fixture(autouse=True)
def _commits_are_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maintenance, "LONGEST_COMMIT", timedelta(0))


@contextmanager
def reader_in_another_thread() -> Iterator[dict[str, object]]:
    """Begin to read in a thread with a store of its own; its answer comes after the block, or the error."""
    began, may_end = threading.Event(), threading.Event()
    answer: dict[str, object] = {}

    def read() -> None:
        try:
            with lake.reading() as reader:
                reader.rows(f"SELECT count(*) FROM {MEMBERS}")
                began.set()
                may_end.wait(30)
                answer["sizes"] = dict(reader.rows(f"SELECT set_id, count(*) FROM {MEMBERS} GROUP BY 1"))
        except lake.StoreError as error:
            answer["error"] = error
        finally:
            began.set()
            engine.close()
            connection.close()

    thread = threading.Thread(target=read)
    thread.start()
    assert began.wait(30)
    try:
        yield answer
    finally:
        may_end.set()
        thread.join()


def test_small_files_become_one() -> None:
    for set_id in range(5):
        write_set(set_id)
    assert len(files()) == 5
    maintenance.maintain(keep=timedelta(0))
    assert len(files()) == 1
    assert sizes() == dict.fromkeys(range(5), 100)


def test_old_versions_are_kept_for_a_while() -> None:
    write_set(1)
    before = files()
    with lake.writing("delete") as writer:
        writer.execute(f"DELETE FROM {MEMBERS}")
    maintenance.maintain(keep=timedelta(hours=1))
    assert files() == before


def test_a_purge_leaves_no_file_with_a_deleted_row() -> None:
    write_set(1)
    delete_half_of(1)
    with_deleted_row = files()
    maintenance.purge()
    assert files().isdisjoint(with_deleted_row)
    assert sizes() == {1: 50}


def test_a_file_that_no_version_knows_is_deleted() -> None:
    write_set(1)
    (stray,) = files()
    copy = stray.with_name("left-by-a-killed-process.parquet")
    copy.write_bytes(stray.read_bytes())
    maintenance.purge()
    assert files() == {stray}
    assert sizes() == {1: 100}


def test_maintenance_keeps_what_a_reader_reads() -> None:
    write_set(1)
    with reader_in_another_thread() as answer:
        delete_half_of(1)
        maintenance.maintain(keep=timedelta(0))
    assert answer == {"sizes": {1: 100}}
    assert sizes() == {1: 50}


def test_a_purge_ends_readers_that_take_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maintenance, "PATIENCE_SECONDS", 0.1)
    write_set(1)
    with reader_in_another_thread() as answer:
        delete_half_of(1)
        maintenance.purge()
    assert isinstance(answer["error"], lake.StoreUnavailable)
    assert sizes() == {1: 50}


def test_errors_do_not_quote_values() -> None:
    with pytest.raises(lake.StoreError) as raised, lake.reading() as reader:
        reader.rows("SELECT CAST('ann@example.com' AS BIGINT)")
    assert "ann@example.com" not in "".join(traceback.format_exception(raised.value))


def test_the_commit_of_a_job_is_still_known_after_a_purge() -> None:
    with lake.writing("import:17") as writer:
        writer.execute(f"INSERT INTO {MEMBERS} VALUES (1, 1)")
        writer.note["created"] = 5
    delete_half_of(1)
    maintenance.purge()
    write_set(2)
    maintenance.purge()
    assert lake.find_commit("import:17") == {"job": "import:17", "created": 5}
    assert lake.find_commit("import:18") is None
