"""What can be wrong with a PostgreSQL folder, or with the user who starts it."""

from pathlib import Path

import pytest

from config.standalone import postgres
from config.standalone.folders import CannotStart


def test_a_folder_of_another_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "global").mkdir()
    (tmp_path / "global" / "pg_control").touch()
    (tmp_path / "PG_VERSION").write_text("17\n")
    with pytest.raises(CannotStart, match="was created by PostgreSQL 17, but this is version 18"):
        postgres.prepare(tmp_path, tmp_path)


def test_a_folder_that_was_not_finished_is_made_again(tmp_path: Path) -> None:
    (tmp_path / "data.unfinished" / "base").mkdir(parents=True)
    postgres.prepare(tmp_path / "data", tmp_path)
    assert (tmp_path / "data" / "PG_VERSION").read_text().strip() == postgres.VERSION
    assert not (tmp_path / "data.unfinished").exists()


def test_what_a_killed_one_noted_is_forgotten(tmp_path: Path) -> None:
    postgres.make_cluster(tmp_path / "data")
    (tmp_path / "data" / "postmaster.pid").write_text("1\n")
    (tmp_path / ".s.PGSQL.5432.lock").write_text("1\n")
    postgres.prepare(tmp_path / "data", tmp_path)
    assert not (tmp_path / "data" / "postmaster.pid").exists()
    assert not (tmp_path / ".s.PGSQL.5432.lock").exists()


def test_root_without_namespaces_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr(postgres, "as_ordinary_user", lambda: ["false"])
    with pytest.raises(CannotStart, match="start as a regular user, or set DATABASE_URL"):
        postgres.check_user()


def test_an_ordinary_user_needs_no_namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    postgres.check_user()
    assert postgres.as_ordinary_user() == []
