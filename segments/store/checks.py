"""Check at start-up that PROFILE_STORE has the data of the catalog. `up`, `manage.py check --database default` and
workers run this check."""

import sys
from collections.abc import Sequence

import duckdb
from celery.signals import worker_init
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import DatabaseError, connection, connections

from segments.store import engine
from segments.store.identity import StoreMismatch

TAG = "profile_store"


@register(Tags.database, TAG)
def check_profile_store(databases: Sequence[str] | None = None, **_: object) -> list[CheckMessage]:
    """Check that the profile store is that of the database. Passes while there is no database to ask, or no
    catalog yet."""
    if not databases:
        return []
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass('lake.ducklake_table')")
            if cursor.fetchone()[0] is None:
                return []
        engine.connect()
        engine.verify_identity()
    except DatabaseError:
        return []
    except duckdb.Error as error:
        return [Error(f"PROFILE_STORE cannot be read ({type(error).__name__}).", id="profile_store.E002")]
    except StoreMismatch as error:
        return [Error(str(error), id="profile_store.E001")]
    return []


def refuse_to_start() -> None:
    """End the process with one sentence when PROFILE_STORE does not have the data of the catalog."""
    found = check_profile_store(databases=["default"])
    engine.close()
    connections.close_all()
    if found:
        sys.exit(str(found[0].msg))


@worker_init.connect
def _check_before_working(**_: object) -> None:
    refuse_to_start()
