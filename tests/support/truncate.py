"""Empty the database after a test that committed. Django's flush empties every table and then fills in content
types and permissions again; here only tables with rows are emptied, and what never changes stays."""

from django.db import OperationalError, connection, transaction

from tests.support import lake

_STAYS = ["django_migrations", "django_content_type", "auth_permission", "django_site"]
_LARGE = 4_000_000  # bytes: worth a vacuum, so that the next test does not wade through dead rows
_MOST_TRIES = 5


def empty_database() -> None:
    """Empty all tables, past triggers and foreign keys, once all writers have ended."""
    lake.empty_store()
    tables = _empty_all_that_has_rows()
    with connection.cursor() as cursor:
        for name, is_large in tables.items():
            if is_large:
                cursor.execute(f"VACUUM {name}")


def _empty_all_that_has_rows() -> dict[str, bool]:
    """Their names, and whether they were large. Workers that go on may hold a row and want a table, while this
    has the table and wants the row: then it lets go and tries again."""
    for tries_left in reversed(range(_MOST_TRIES)):
        try:
            with transaction.atomic():
                return _empty_at_once()
        except OperationalError:
            if not tries_left:
                raise
    return {}


def _empty_at_once() -> dict[str, bool]:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT quote_ident(relname), pg_relation_size(oid) > %s
              FROM pg_class
             WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
               AND pg_relation_size(oid) > 0 AND relname <> ALL (%s)
            """,
            [_LARGE, _STAYS],
        )
        tables = dict(cursor.fetchall())
        if tables:
            cursor.execute(f"LOCK TABLE {', '.join(tables)} IN SHARE ROW EXCLUSIVE MODE")
            cursor.execute("SET LOCAL session_replication_role = replica")
        for name in tables:
            cursor.execute(f"DELETE FROM {name}")
    return tables
