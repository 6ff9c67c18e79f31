"""Tell which lists are watched, over which connection, and which watch is due."""

from django.db import connection as database
from django.db.models import F, Q

from config.platform.jobs import clock, leases
from connections import destinations
from connections.models import Connection
from connections.policies import why_it_cannot_run
from exports.models import Export, ListState, ListWatch

MOST_AT_ONCE = 100
# The exports that send to lists over a connection.
IS_SENT_TO = """
    exports_export export JOIN connections_connection connection ON connection.id = export.connection_id
     WHERE export.list_id <> '' AND export.removal_asked_at IS NULL AND connection.removal_asked_at IS NULL
       AND connection.destination_key = ANY (%(destinations)s)
"""
_MAKE_STATES = f"""
    INSERT INTO exports_liststate (account, list_id)
    SELECT DISTINCT connection.destination_key || ':' || connection.environment, export.list_id
      FROM {IS_SENT_TO} ON CONFLICT DO NOTHING
"""  # noqa: S608 - only our own fragments are put in


def make_missing() -> None:
    """Make the watches of lists to which an export sends, and that have none yet."""
    keys = [each.key for each in destinations.all_destinations() if each.capabilities.lists_subscribers]
    with database.cursor() as cursor:
        cursor.execute(_MAKE_STATES, {"destinations": keys})
    unwatched = ListState.objects.filter(watch=None)
    watched = Q()
    for key in keys:
        watched |= Q(account__startswith=f"{key}:")
    ListWatch.objects.bulk_create(
        [ListWatch(list_state=state) for state in unwatched.filter(watched)], ignore_conflicts=True
    )


def due() -> list[int]:
    """Return the IDs of watches whose time has come and that no worker holds. What a webhook asked for comes
    first."""
    found = leases.claimable(ListWatch).filter(due_at__lte=clock.now())
    found = found.order_by(F("asked_at").asc(nulls_last=True), "due_at")
    return list(found.values_list("pk", flat=True)[:MOST_AT_ONCE])


def ask(state_id: int) -> bool:
    """Let a list be looked at now, since a webhook said that something changed there. Returns whether it is
    watched."""
    now = clock.now()
    watches = ListWatch.objects.filter(list_state=state_id)
    return bool(watches.update(asked_at=now, due_at=now))


def connection_of(state: ListState) -> Connection | None:
    """Return a connection that leads to a list and can be used now: that of the oldest such export."""
    found = Export.objects.filter(list_id=state.list_id, removal_asked_at=None).exclude(connection=None)
    for export in found.select_related("connection").order_by("pk"):
        connection = export.connection
        if connection and connection.account == state.account and why_it_cannot_run(connection) is None:
            return connection
    return None
