"""Compare all rows of the database before and after a post, for the tests of the role matrix."""

import re
from collections import Counter

from django.apps import apps
from django.db import connection

# What every request writes or what only tells of it.
_ASIDE = ("audit_auditentry", "django_session", "accounts_signinattempt", "django_content_type")
# Values that differ from one post to the next: moments, random tokens, hashes, encrypted values.
_RANDOM = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?(\+\d\d)?|md5\$[^,)]*|[A-Za-z0-9+/_=-]{32,}")


class Rows:
    """Reads the rows of all models, and lets each post number new rows alike."""

    def __init__(self) -> None:
        tables = sorted({model._meta.db_table for model in apps.get_models()} - set(_ASIDE))
        self._read = " UNION ALL ".join(f"SELECT '{name} ' || t::text FROM \"{name}\" t" for name in tables)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT quote_ident(sequencename) FROM pg_sequences WHERE schemaname = current_schema()"
            )
            names = [name for (name,) in cursor.fetchall()]
        self._renumber = "SELECT " + ", ".join(f"setval('{name}', 1000)" for name in names)

    def renumber(self) -> None:
        """Give the next new row of each table the same id each time."""
        with connection.cursor() as cursor:
            cursor.execute(self._renumber)

    def now(self) -> "Counter[str]":
        """All rows, without what is random in them."""
        with connection.cursor() as cursor:
            cursor.execute(self._read)
            return Counter(_RANDOM.sub("·", row) for (row,) in cursor.fetchall())
