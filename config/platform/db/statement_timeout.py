"""Limit how long the statements of a page may take."""

from django.db import connection as database


def limit_statements(seconds: float) -> None:
    """Let no query of this transaction take longer; one that does raises OperationalError."""
    with database.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(int(seconds * 1000))])
