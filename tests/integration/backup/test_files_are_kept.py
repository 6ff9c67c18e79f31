"""No file of the profile store is deleted from the dump of the database to the end of the copy."""

import threading
from pathlib import Path

import pytest
from django.db import connection

from config.console.backup import create, postgresql, store_files
from segments.store import locks

pytestmark = pytest.mark.django_db(transaction=True)


def may_purge() -> bool:
    """Whether another session could delete files now."""
    found: list[bool] = []

    def ask() -> None:
        with locks.purge_lock() as is_held:
            found.append(is_held)
        connection.close()

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    return found[0]


def test_files_are_kept_while_the_database_is_dumped_and_files_are_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[bool] = []
    listed = store_files._Folder.names

    def dump(path: Path, *, snapshot: str) -> None:
        found.append(may_purge())
        path.write_bytes(b"")

    def names(store: store_files._Folder) -> list[str]:
        found.append(may_purge())
        return listed(store)

    monkeypatch.setattr(postgresql, "dump", dump)
    monkeypatch.setattr(store_files._Folder, "names", names)
    create.create(tmp_path / "backup.tar")
    assert found == [False, False]
    assert may_purge()
