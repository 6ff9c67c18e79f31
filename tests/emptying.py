"""Emptying the database after a test that committed. Django’s flush empties every table there is, by files, and
then fills in content types and permissions anew; here only what has rows is emptied, what never changes stays."""

from django.db import connection, transaction

_STAYS = ["django_migrations", "django_content_type", "auth_permission", "django_site"]
_LARGE = 4_000_000  # bytes: worth a vacuum, so that the next test does not wade through dead rows


def empty_database() -> None:
    """Empty all tables, past triggers and foreign keys, once whoever still writes has ended."""
    with connection.cursor() as cursor:
        with transaction.atomic():
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
            if not tables:
                return
            cursor.execute(f"LOCK TABLE {', '.join(tables)} IN SHARE ROW EXCLUSIVE MODE")
            cursor.execute("SET LOCAL session_replication_role = replica")
            for name in tables:
                cursor.execute(f"DELETE FROM {name}")
        for name, is_large in tables.items():
            if is_large:
                cursor.execute(f"VACUUM {name}")
