"""Give the application a database role of its own, which owns no tables: it reads and writes rows, adds to the
audit log without changing it, and creates tables in the catalog of the profile store only.

The tables belong to the role of DATABASE_OWNER_URL, which only ``manage.py migrate`` uses.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction
from psycopg2 import sql
from psycopg2.extensions import encrypt_password

CATALOG_SCHEMA = "lake"
APPEND_ONLY_TABLES = ("audit_auditentry",)
READ_ONLY_TABLES = ("django_migrations",)
_MAINTAIN_SINCE = 170_000  # PostgreSQL 17: the privilege to ANALYZE


# Whether a role can do more than the application needs: undo what grants keep from it, or create a role that can.
_TOO_MUCH = """
    SELECT role.rolsuper OR role.rolcreaterole OR pg_has_role(role.oid, current_user, 'MEMBER')
        OR EXISTS (SELECT FROM pg_tables WHERE schemaname = 'public' AND tableowner = role.rolname)
      FROM pg_roles AS role WHERE role.rolname = %(role)s
"""


class UnsafeRole(Exception):
    """The role of DATABASE_URL can do more than the application needs; the message is for administrators."""


@contextmanager
def owner(settings: dict[str, object]) -> Iterator[dict[str, object]]:
    """Connect as the role of DATABASE_OWNER_URL for the block. Gives the settings of the application's role."""
    replaced = {name: connection.settings_dict[name] for name in ("NAME", "USER", "PASSWORD", "HOST", "PORT")}
    connection.close()
    connection.settings_dict.update({name: settings.get(name, "") for name in replaced})
    try:
        yield replaced
    finally:
        connection.close()
        connection.settings_dict.update(replaced)


def create(role: str, password: str) -> None:
    """Create the application's role where it does not exist, and its schema of the catalog. Raises UnsafeRole."""
    with connection.cursor() as cursor:
        cursor.execute(_TOO_MUCH, {"role": role})
        found = cursor.fetchone()
        if found is None:
            cursor.execute(_with_password("CREATE ROLE {role} LOGIN PASSWORD {password}", role, password))
        elif found[0]:
            raise UnsafeRole(
                f"DATABASE_URL connects as {role}, which owns tables, may create roles or is a superuser. Use "
                "another role: migrate creates it."
            )
        elif _is_superuser():
            cursor.execute(_with_password("ALTER ROLE {role} PASSWORD {password}", role, password))
        if not _is_superuser():
            cursor.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(sql.Identifier(role)))
        cursor.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(CATALOG_SCHEMA)))


def grant(role: str) -> None:
    """Grant the application's role what it needs, and nothing else; again after each migration. At no moment has
    it more."""
    name = sql.Identifier(role)
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in _grants(cursor.connection.server_version):
            cursor.execute(
                sql.SQL(statement).format(
                    role=name,
                    database=sql.Identifier(str(connection.settings_dict["NAME"])),
                    catalog=sql.Identifier(CATALOG_SCHEMA),
                    append_only=_names(APPEND_ONLY_TABLES),
                    read_only=_names(READ_ONLY_TABLES),
                )
            )
        # DuckLake changes its own tables when its version changes.
        for table in _tables_of_others(role):
            cursor.execute(
                sql.SQL("ALTER TABLE {} OWNER TO {}").format(sql.Identifier(CATALOG_SCHEMA, table), name)
            )


def _grants(server_version: int) -> Iterator[str]:
    yield "GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {role}"
    yield "REVOKE CREATE ON SCHEMA public FROM PUBLIC"  # the default since PostgreSQL 15
    yield "REVOKE CREATE ON SCHEMA public FROM {role}"
    yield "GRANT USAGE ON SCHEMA public TO {role}"
    yield "GRANT USAGE, CREATE ON SCHEMA {catalog} TO {role}"
    yield "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}"
    yield "GRANT USAGE, SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA public TO {role}"
    if server_version >= _MAINTAIN_SINCE:
        yield "GRANT MAINTAIN ON ALL TABLES IN SCHEMA public TO {role}"
    yield "REVOKE UPDATE, DELETE, TRUNCATE ON {append_only} FROM {role}"
    yield "REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON {read_only} FROM {role}"


def _names(tables: tuple[str, ...]) -> sql.Composable:
    return sql.SQL(", ").join(sql.Identifier("public", table) for table in tables)


def _tables_of_others(role: str) -> list[str]:
    """Return the tables of the catalog that the role does not own."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = %s AND tableowner <> %s", [CATALOG_SCHEMA, role]
        )
        return [name for (name,) in cursor.fetchall()]


def _is_superuser() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        return bool(cursor.fetchone()[0])


def _with_password(statement: str, role: str, password: str) -> sql.Composable:
    """Return a statement with the hash of the password: the server may log statements."""
    with connection.cursor() as cursor:
        hashed = encrypt_password(password, role, scope=cursor.connection, algorithm="scram-sha-256")
    return sql.SQL(statement).format(role=sql.Identifier(role), password=sql.Literal(hashed))
