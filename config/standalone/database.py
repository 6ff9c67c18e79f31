"""Brings the database up to date from within `up`, where Django is imported already."""

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import OperationalError, connection, connections
from django.db.migrations.executor import MigrationExecutor

from config.platform.jobs import heartbeat
from config.standalone.folders import CannotStart


def bring_up_to_date() -> int:
    """Apply what migrations are missing, make the cache's table, forget old signs of life; how many migrations
    there were. Raises CannotStart when the database does not answer."""
    try:
        missing = pending_migrations()
        if missing:
            call_command("migrate", interactive=False, verbosity=0)
        call_command("createcachetable", verbosity=0)
        heartbeat.forget_all()
        return missing
    except OperationalError as error:
        reason = " ".join(str(error).split())
        where = "The database" if settings.EMBEDDED else "The database that DATABASE_URL names"
        raise CannotStart(f"{where} cannot be used: {reason}") from error


def pending_migrations() -> int:
    """Return how many migrations the database lacks."""
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def has_administrator() -> bool:
    """Tell whether a user can sign in as an administrator."""
    people = get_user_model()._default_manager.filter(role="administrator", is_active=True)
    return (people if settings.DEMO else people.filter(is_demo=False)).exists()


def belongs_to_real_people() -> bool:
    """Return whether there are accounts, and none of the demo's."""
    people = get_user_model()._default_manager
    return people.exists() and not people.filter(is_demo=True).exists()


def let_go() -> None:
    """Close our connections: the other programs have their own."""
    connections.close_all()
