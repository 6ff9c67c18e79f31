"""Record contacts that were sent without an answer before a run was canceled or gave up.

The list may hold them, with the old data or the new. So they count as known there, with unknown data: the next
run sends them again, or removes them when they have left.
"""

from collections.abc import Sequence
from typing import Any

from django.db import connection as database

from connections.destinations.errors import LEFT_OPEN
from exports.models import Batch, Run
from exports.state.known_list import CHANGE_SENDER
from exports.state.result_codes import UNANSWERED, UNKNOWN_DATA, UNMATCHED

_OPEN = [UNANSWERED, *LEFT_OPEN]

# A call that was refused, or never got out, has done nothing. (The worker of one without any code died.)
_KEEP = f"""
    WITH unanswered AS (
        UPDATE exports_batch SET code = %(code)s
         WHERE run_id = %(run)s AND operation NOT IN ('mark', 'delete', 'unsubscribe')
           AND (status = 'sending'
                OR status = 'planned' AND (http_status >= 500 OR code = ANY (%(open)s)
                                           OR code = '' AND attempt > 0))
        RETURNING emails)
    INSERT INTO exports_syncedcontact AS contact
           (list_state_id, email, data_hash, sent_by, last_run_id, added_run_id)
    SELECT known.list_state_id, person.email, %(unknown)s, known.export_id, %(run)s, %(run)s
      FROM exports_deliveredset known, unanswered CROSS JOIN unnest(unanswered.emails) AS person (email)
     WHERE known.export_id = %(export)s AND known.account = %(account)s AND known.list_id = %(list)s
       AND person.email <> ''
     ORDER BY person.email
        ON CONFLICT (list_state_id, email) DO UPDATE SET {CHANGE_SENDER}
"""  # noqa: S608 - only our own fragments are put in

_KEEP_UNKNOWN = """
    INSERT INTO exports_outcome (run_id, batch_number, kind, profile_id, email, code, message)
    SELECT %(run)s, batch.number, 'unknown', person.profile_id, person.email, %(code)s, ''
      FROM exports_batch batch, unnest(batch.profile_ids, batch.emails) AS person (profile_id, email)
     WHERE batch.id = %(batch)s AND person.email <> ALL (%(refused)s::text[])
"""


def keep_unknown(run: Run, batch_id: int, refused: Sequence[str]) -> None:
    """Keep the result *unknown* for all contacts of a batch but those ``refused``, since its answer does not tell
    which of them were taken. Call it in the transaction that records the batch."""
    parameters: dict[str, Any] = {"run": run.pk, "batch": batch_id, "refused": list(refused), "code": UNMATCHED}
    with database.cursor() as cursor:
        cursor.execute(_KEEP_UNKNOWN, parameters)


def may_have_arrived(batch: Batch) -> bool:
    """Whether an earlier call may have done the work of a batch, and nothing has answered for it since."""
    return batch.code in _OPEN or (batch.http_status or 0) >= 500


def was_sent_before(batch: Batch) -> bool:
    """Tell whether an earlier call may have sent contacts of a batch that is answered now: a call of its own,
    or of the batch that it is a half of."""
    return batch.attempt > 1 or batch.code == UNANSWERED


def keep(run: Run) -> None:
    """Keep them, in the transaction that ends the run, before its batches say that they are not sent."""
    with database.cursor() as cursor:
        cursor.execute(
            _KEEP,
            {
                "code": UNANSWERED,
                "open": _OPEN,
                "run": run.pk,
                "unknown": UNKNOWN_DATA,
                "export": run.export_id,
                "account": run.account,
                "list": run.list_id,
            },
        )
