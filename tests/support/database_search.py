"""Every value of every table as text, to look for what must not be there."""

from django.db import connection


def tables_with(words: str) -> list[str]:
    """The names of tables in which ``words`` stand anywhere, whatever their case."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT quote_ident(tablename) FROM pg_tables"
            " WHERE schemaname = ANY (current_schemas(false)) ORDER BY 1"
        )
        tables = [name for (name,) in cursor.fetchall()]
        found = []
        for table in tables:
            cursor.execute(
                f"SELECT EXISTS (SELECT FROM {table} t WHERE strpos(lower(t::text), %s) > 0)", [words.lower()]
            )
            if cursor.fetchone()[0]:
                found.append(table)
    assert tables
    return found
