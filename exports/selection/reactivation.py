"""Which contacts of a plan come back after an export to the list had removed them, and which a person lets be sent
all the same.

Works on the temporary table ``plan`` (run/plan.py): it changes actions and says from which field a mark is taken.
"""

from collections.abc import Mapping
from typing import Any

from django.db import connection as database

from config.platform import db
from connections.destinations.values import BatchOperation
from exports.models import RemovedContact
from exports.state.known_list import KnownList
from exports.state.run_options import RunOptions


def adjust(frozen: Mapping[str, Any], known: KnownList) -> None:
    """Change the actions of contacts that come back, of contacts to subscribe again, and of all when everything
    is sent again."""
    options = RunOptions.kept(frozen.get("options", {}))
    with database.cursor() as cursor:
        cursor.execute("ALTER TABLE plan ADD COLUMN mark_field text NOT NULL DEFAULT ''")
    with db.without_nested_loops():
        if options.resubscribe:
            _resubscribe(known.delivered_set_id, frozen.get("asked_in"))
        if options.everyone:
            _send_unchanged()
        if RemovedContact.objects.filter(list_state=known.list_state_id).exists():
            _let_come_back(known.list_state_id)


def _send_unchanged() -> None:
    with database.cursor() as cursor:
        cursor.execute("UPDATE plan SET action = 'update' WHERE action IN ('unchanged', 'still_refused')")


def _resubscribe(delivered_set_id: int, asked_in: int | None) -> None:
    """Only those whose refusal was known when it was asked for, in the run ``asked_in`` (None: it is asked now),
    so that a number could be agreed to. Who has left since, as a retry finds them, stays so."""
    with database.cursor() as cursor:
        cursor.execute(
            """
            UPDATE plan SET action = 'resubscribe' FROM exports_refused refused
             WHERE refused.delivered_set_id = %s AND refused.email = plan.email AND refused."left"
               AND (%s::bigint IS NULL OR refused.last_run_id < %s)
               AND plan.action IN ('still_refused', 'add', 'update')
            """,
            [delivered_set_id, asked_in, asked_in],
        )


def _let_come_back(list_state_id: int) -> None:
    with database.cursor() as cursor:
        cursor.execute(
            """
            UPDATE plan SET mark_field = removed.mark_field,
                            action = CASE WHEN removed.operation = %s THEN 'bring_back' ELSE 'unmark' END
              FROM exports_removedcontact removed
             WHERE removed.list_state_id = %s AND removed.email = plan.email
               AND removed.operation IN (%s, %s) AND plan.action IN ('add', 'update')
            """,
            [BatchOperation.DELETE, list_state_id, BatchOperation.DELETE, BatchOperation.MARK],
        )
