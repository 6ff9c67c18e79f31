"""`manage.py backup` and `restore`, from one system to another."""

import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.console.backup import postgresql
from tests.integration.backup.systems import CONFIGURATION, System, new_system

pytestmark = pytest.mark.processes

CUSTOMERS = ("1,Ann", "2,Ben", "3,Cid")


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system with customers, a segment and a connection; and its backup in ``backup.tar``."""
    with new_system(tmp_path_factory.mktemp("systems"), "original", is_migrated=True) as system:
        system.import_customers(*CUSTOMERS)
        configuration = system.folder / "configuration.yaml"
        configuration.write_text(CONFIGURATION, encoding="utf-8")
        system.succeed("apply", str(configuration))
        system.succeed("refresh_segments")
        uploads = system.folder / "var" / "uploads"
        uploads.mkdir(exist_ok=True)
        (uploads / "waiting.csv").write_text("id,name\n9,Zoe\n", encoding="utf-8")
        said = system.succeed("backup", str(system.folder / "backup.tar"))
        assert "Keep ENCRYPTION_KEYS and SECRET_KEY elsewhere." in said
        yield system


@pytest.fixture(scope="module")
def backup(original: System) -> Path:
    return original.folder / "backup.tar"


@pytest.fixture
def other(tmp_path: Path) -> Iterator[System]:
    with new_system(tmp_path, "other") as system:
        (system.folder / "var").mkdir()
        yield system


def test_a_restored_system_has_the_customers_segments_and_uploads(other: System, backup: Path) -> None:
    assert "All connections are paused." in other.succeed("restore", str(backup))
    assert other.rows("SELECT name, member_count FROM segments_segment") == [("Everyone", 3)]
    assert (other.folder / "var" / "uploads" / "waiting.csv").is_file()
    assert "3 unchanged" in other.import_customers(*CUSTOMERS)
    other.succeed("refresh_segments")
    other.succeed("check", "--database", "default")


def test_its_connections_are_paused_with_an_audit_entry(other: System, backup: Path) -> None:
    other.succeed("restore", str(backup))
    assert other.rows("SELECT paused_at IS NOT NULL FROM connections_connection") == [(True,)]
    last = "SELECT action, actor_name FROM audit_auditentry ORDER BY id DESC LIMIT 1"
    assert other.rows(last) == [("connection.paused", "system")]


def test_sessions_are_not_restored(original: System, other: System, tmp_path: Path) -> None:
    with_session = (
        "from django.contrib.sessions.backends.db import SessionStore as S; s = S(); s['a'] = 1; s.save()"
    )
    original.succeed("shell", "--command", with_session)
    original.succeed("backup", str(tmp_path / "again.tar"))
    other.succeed("restore", str(tmp_path / "again.tar"))
    assert other.rows("SELECT count(*) FROM django_session") == [(0,)]


def test_only_its_owner_reads_a_backup(backup: Path) -> None:
    assert backup.stat().st_mode & 0o777 == 0o600


def test_a_backup_has_no_keys(original: System, backup: Path) -> None:
    content = backup.read_bytes()
    for name in ("SECRET_KEY", "ENCRYPTION_KEYS"):
        assert original.environment[name].encode() not in content


def test_a_file_that_exists_is_not_overwritten(original: System, backup: Path) -> None:
    before = backup.stat()
    assert "exists already" in original.fail("backup", str(backup))
    assert backup.stat() == before


def test_a_restore_into_a_database_with_tables_is_refused(original: System, backup: Path) -> None:
    assert "The database has tables already." in original.fail("restore", str(backup))


def test_a_restore_into_another_store_is_refused(other: System, backup: Path) -> None:
    store = other.folder / "var" / "profiles"
    store.mkdir()
    (store / "else.parquet").write_bytes(b"of another system")
    assert "PROFILE_STORE has files already." in other.fail("restore", str(backup))
    assert [path.name for path in store.iterdir()] == ["else.parquet"]


def test_a_restore_that_was_interrupted_is_started_again(other: System, backup: Path) -> None:
    failed = other.fail("restore", str(backup), POSTGRES_BIN_DIR="/nowhere")
    assert "set POSTGRES_BIN_DIR to their folder" in failed
    assert (other.folder / "var" / "profiles" / "store-id").is_file()
    other.succeed("restore", str(backup))
    assert "3 unchanged" in other.import_customers(*CUSTOMERS)


@pytest.mark.parametrize("damage", ["cut", "changed", "text"])
def test_a_damaged_backup_is_refused(other: System, backup: Path, damage: str) -> None:
    damaged = other.folder / "damaged.tar"
    content = bytearray(backup.read_bytes())
    if damage == "cut":
        del content[len(content) // 2 :]
    elif damage == "text":
        content = bytearray(b"id,name\n1,Ann\n")
    else:
        with tarfile.open(backup) as tar:
            content[tar.getmember("database.dump").offset_data + 5_000] ^= 255
    damaged.write_bytes(content)
    assert "This file is not a complete backup." in other.fail("restore", str(damaged))
    assert other.rows("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(0,)]


def test_a_backup_of_a_later_version_is_refused(original: System, other: System, tmp_path: Path) -> None:
    original.execute("INSERT INTO django_migrations (app, name, applied) VALUES ('exports', '9999_later', now())")
    try:
        original.succeed("backup", str(tmp_path / "later.tar"))
    finally:
        original.execute("DELETE FROM django_migrations WHERE name = '9999_later'")
    assert "Restore it with that version or a later one." in other.fail("restore", str(tmp_path / "later.tar"))


def test_connections_are_paused_by_the_load_itself(other: System, backup: Path) -> None:
    """A process that is killed after the load leaves a system that sends nothing."""
    programs = other.folder / "bin"
    programs.mkdir()
    for name in ("pg_restore", "pg_dump"):
        (programs / name).symlink_to(newest(name))
    psql = programs / "psql"
    psql.write_text(f'#!/bin/sh\n{newest("psql")} "$@" && case "$*" in *ON_ERROR*) kill -9 $PPID;; esac\n')
    psql.chmod(0o755)
    assert other.run("restore", str(backup), POSTGRES_BIN_DIR=str(programs)).returncode == -9
    assert other.rows("SELECT paused_at IS NOT NULL FROM connections_connection") == [(True,)]


def test_what_a_killed_backup_left_is_deleted_by_the_next(original: System, tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    dump = programs / "pg_dump"
    dump.write_text(f'#!/bin/sh\ncase "$*" in *--version*) exec {newest("pg_dump")} "$@";; esac\nkill -9 $PPID\n')
    dump.chmod(0o755)
    killed = original.run("backup", str(tmp_path / "killed.tar"), POSTGRES_BIN_DIR=str(programs))
    assert killed.returncode == -9
    assert list(tmp_path.glob(".backup-*"))
    original.succeed("backup", str(tmp_path / "whole.tar"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bin", "whole.tar"]


def newest(program: str) -> Path:
    """A program of Debian's newest PostgreSQL, or the embedded one."""
    return max(postgresql._folders(), key=lambda folder: postgresql._major_version(folder / program)) / program
