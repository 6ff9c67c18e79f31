"""Recording which contacts a list keeps out, and why, as it tells: a fact of the list, shared by all exports."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection as database

from config.platform.jobs import clock
from exports.models import ListState, Run, StatusSource

# The moment from which it is known stays as long as the list tells the same.
_RECORD = """
    INSERT INTO exports_subscriberstatus AS known (list_state_id, email, code, source, run_id, known_since)
    SELECT %(list)s, told.email, told.code, %(source)s, %(run)s, %(now)s
      FROM unnest(%(emails)s::text[], %(codes)s::text[]) AS told (email, code)
     WHERE told.email <> '' AND told.email IN (SELECT unnest(emails) FROM exports_batch WHERE id = %(batch)s)
        ON CONFLICT (list_state_id, email)
        DO UPDATE SET code = excluded.code, source = excluded.source, run_id = excluded.run_id,
                      known_since = CASE WHEN known.code = excluded.code THEN known.known_since
                                         ELSE excluded.known_since END
"""
_TAKEN = """
    DELETE FROM exports_subscriberstatus known
     USING (SELECT unnest(emails) AS email FROM exports_batch WHERE id = ANY (%(batches)s)) answered
     WHERE known.list_state_id = %(list)s AND known.email = answered.email AND known.run_id <> %(run)s
"""


def record(run: Run, batch_id: int, codes: Mapping[str, str], source: StatusSource) -> None:
    """Keep the code that the list gave for each of these addresses of a batch; nothing of contacts that have been
    erased meanwhile. Call it in the transaction that records the batch."""
    if not codes:
        return
    parameters: dict[str, Any] = {
        "batch": batch_id,
        "list": _state_of(run),
        "run": run.pk,
        "source": source.value,
        "now": clock.now(),
        "emails": list(codes),
        "codes": list(codes.values()),
    }
    with database.cursor() as cursor:
        cursor.execute(_RECORD, parameters)


def record_taken(run: Run, batch_ids: Sequence[int]) -> None:
    """The list has taken the contacts of these batches, but for those of which this run has told otherwise."""
    with database.cursor() as cursor:
        cursor.execute(_TAKEN, {"batches": list(batch_ids), "list": _state_of(run), "run": run.pk})


def _state_of(run: Run) -> int:
    state = ListState.objects.filter(account=run.account, list_id=run.list_id)
    return state.values_list("pk", flat=True).get()
