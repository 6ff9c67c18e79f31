"""The application's role in the database owns no table: what a program that has its password cannot do.

`migrate` creates it on Debian's PostgreSQL, once as a superuser and once as an owner who may only create roles.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2
import pytest
from cryptography.fernet import Fernet
from django.conf import settings

from tests.support.postgres_server import postgres_server

pytestmark = pytest.mark.processes

OWNERS = ["superuser", "owner"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with postgres_server(tmp_path_factory.mktemp("server")) as url:
        yield url


@pytest.fixture(scope="module", params=OWNERS)
def environment(
    request: pytest.FixtureRequest, server: str, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """The environment of a system that `migrate` has made, each in a database of its own."""
    name = f"system_{request.param}"
    application = f"{name}_app"
    owner = "app" if request.param == "superuser" else name
    with connected(server) as cursor:
        if request.param == "owner":
            cursor.execute(f"CREATE ROLE {owner} LOGIN CREATEROLE")
        cursor.execute(f"CREATE DATABASE {name} OWNER {owner}")
    made = {
        "PATH": os.environ["PATH"],
        "VAR_DIR": str(tmp_path_factory.mktemp("var")),
        "SECRET_KEY": "3d9f" * 16 + "-Zq_",
        "ENCRYPTION_KEYS": f"k1:{Fernet.generate_key().decode()}",
        "DATABASE_URL": address(server, application, name, password="secret"),
        "DATABASE_OWNER_URL": address(server, owner, name),
    }
    for _again in range(2):
        done = manage(made, "migrate", "--no-input")
        assert done.returncode == 0, done.stderr
    return made


def address(server: str, role: str, database: str, password: str = "") -> str:
    host = f"{urlsplit(server).hostname}:{urlsplit(server).port}"
    return f"postgres://{role}{':' + password if password else ''}@{host}/{database}"


def manage(environment: dict[str, str], *command: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=settings.BASE_DIR,
        env=environment,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@contextmanager
def connected(url: str) -> Iterator[psycopg2.extensions.cursor]:
    connection = psycopg2.connect(url)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()


REFUSED = [
    "UPDATE audit_auditentry SET action = 'x'",
    "DELETE FROM audit_auditentry",
    "TRUNCATE audit_auditentry",
    "ALTER TABLE audit_auditentry DISABLE TRIGGER audit_is_append_only",
    "DROP TABLE audit_auditentry",
    "DELETE FROM django_migrations",
    "CREATE TABLE public.own (id int)",
    "CREATE SCHEMA own",
    "CREATE ROLE other",
    "COPY (SELECT 1) TO PROGRAM 'cat'",
    "ALTER SYSTEM SET jit = off",
    "SET ROLE app",
]


@pytest.mark.parametrize("statement", REFUSED)
def test_the_application_may_not(environment: dict[str, str], statement: str) -> None:
    with (
        connected(environment["DATABASE_URL"]) as cursor,
        pytest.raises(psycopg2.errors.InsufficientPrivilege),
    ):
        cursor.execute(statement)


def test_the_application_imports_refreshes_and_writes_its_audit_log(
    environment: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "customers.csv"
    file.write_text("id,email\n1,ann@example.com\n2,ben@example.com\n", encoding="utf-8")
    for command in (
        ("import_profiles", str(file), "--key", "id", "--source", "CRM"),
        ("import_profiles", str(file), "--key", "id", "--source", "CRM", "--mode", "snapshot"),
        ("refresh_segments",),
        ("check", "--database", "default"),
    ):
        done = manage(environment, *command)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    with connected(environment["DATABASE_URL"]) as cursor:
        cursor.execute("SELECT count(*) FROM audit_auditentry")
        (entries,) = cursor.fetchone() or (0,)
        cursor.execute("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'lake'")
        owners = [owner for (owner,) in cursor.fetchall()]
    assert entries > 0
    assert owners == [urlsplit(environment["DATABASE_URL"]).username]


def test_a_backup_of_the_application_is_restored_for_the_application(
    environment: dict[str, str], server: str, tmp_path: Path
) -> None:
    done = manage(environment, "backup", str(tmp_path / "backup.tar"))
    assert done.returncode == 0, done.stderr
    owner = urlsplit(environment["DATABASE_OWNER_URL"]).username or ""
    application = urlsplit(environment["DATABASE_URL"]).username or ""
    name = f"restored_{owner}"
    with connected(server) as cursor:
        cursor.execute(f"CREATE DATABASE {name} OWNER {owner}")
    (tmp_path / "var").mkdir()
    restored = environment | {
        "VAR_DIR": str(tmp_path / "var"),
        "DATABASE_URL": address(server, application, name, password="secret"),
        "DATABASE_OWNER_URL": address(server, owner, name),
    }
    file = tmp_path / "customers.csv"
    file.write_text("id,email\n8,zoe@example.com\n", encoding="utf-8")
    for command in (
        ("restore", str(tmp_path / "backup.tar")),
        ("import_profiles", str(file), "--key", "id", "--source", "Shop"),
    ):
        done = manage(restored, *command)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"


def test_statistics_of_tables_are_refreshed(environment: dict[str, str]) -> None:
    with connected(environment["DATABASE_URL"]) as cursor:
        if cursor.connection.server_version < 170_000:
            pytest.skip("PostgreSQL 17 has the privilege; earlier versions leave statistics to autovacuum")
        cursor.execute("ANALYZE exports_run")
        assert cursor.connection.notices == []


@pytest.mark.parametrize("right", ["LOGIN CREATEROLE", "LOGIN IN ROLE {owner}"])
def test_a_role_that_can_become_more_is_refused(environment: dict[str, str], server: str, right: str) -> None:
    owner = urlsplit(environment["DATABASE_OWNER_URL"]).username or ""
    name = urlsplit(environment["DATABASE_URL"]).path.lstrip("/")
    role = f"more_{name}_{'member' if 'IN ROLE' in right else 'creator'}"
    with connected(server) as cursor:
        cursor.execute(f"CREATE ROLE {role} {right.format(owner=owner)}")
    done = manage(environment | {"DATABASE_URL": address(server, role, name)}, "migrate", "--no-input")
    assert done.returncode == 1
    assert "owns tables, may create roles or is a superuser" in done.stderr


def test_a_role_that_owns_the_tables_is_refused_also_beside_a_superuser(
    server: str, environment: dict[str, str]
) -> None:
    name = f"former_{urlsplit(environment['DATABASE_URL']).path.lstrip('/')}"
    with connected(server) as cursor:
        cursor.execute(f"CREATE ROLE {name} LOGIN")
        cursor.execute(f"CREATE DATABASE {name} OWNER {name}")
    with connected(address(server, name, name)) as cursor:
        cursor.execute("CREATE TABLE audit_auditentry (id int)")
    urls = {"DATABASE_URL": address(server, name, name), "DATABASE_OWNER_URL": address(server, "app", name)}
    done = manage(environment | urls, "migrate", "--no-input")
    assert done.returncode == 1
    assert "owns tables, may create roles or is a superuser" in done.stderr


def test_a_superuser_is_refused_as_the_role_of_the_application(environment: dict[str, str], server: str) -> None:
    name = urlsplit(environment["DATABASE_URL"]).path.lstrip("/")
    done = manage(environment | {"DATABASE_URL": address(server, "app", name)}, "migrate", "--no-input")
    assert done.returncode == 1
    assert "owns tables, may create roles or is a superuser" in done.stderr
