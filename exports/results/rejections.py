"""Record contacts that a destination rejected or suppressed: an outcome for each, and what the next run needs
to know."""

from collections.abc import Sequence
from typing import Any

from django.db import connection as database

from connections.destinations.values import ON_LIST_AGAIN, ProfileRefusal, RefusalKind
from exports.models import Origin, Run
from exports.state.result_codes import UNKNOWN_DATA

# A contact that an earlier run may have added, since its call was never answered, was not added: the list keeps it
# suppressed, and has never taken it from this export.
_KEEP = """
    WITH refusal AS (
        SELECT DISTINCT ON (person.email) person.*, said.kind, said.code, said.message, said.retryable
          FROM exports_batch batch,
               unnest(batch.profile_ids, batch.emails, batch.hashes) AS person (profile_id, email, data_hash),
               unnest(%(emails)s::text[], %(kinds)s::text[], %(codes)s::text[], %(messages)s::text[],
                      %(passing)s::boolean[]) AS said (email, kind, code, message, retryable)
         WHERE batch.id = %(batch)s AND said.email = person.email
    ), known AS (
        SELECT email, data_hash, code FROM exports_refused
         WHERE delivered_set_id = %(set)s AND email = ANY (%(emails)s) AND last_run_id <> %(run)s
    ), remembered AS (
        INSERT INTO exports_refused (delivered_set_id, email, data_hash, code, ask_again, last_run_id, "left")
        SELECT %(set)s, email, data_hash, code, retryable, %(run)s, kind = 'left' FROM refusal
         WHERE email <> '' AND code <> %(on_list)s
            ON CONFLICT (delivered_set_id, email)
            DO UPDATE SET data_hash = excluded.data_hash, code = excluded.code, ask_again = excluded.ask_again,
                          last_run_id = excluded.last_run_id, "left" = excluded."left"
    ), never_brought AS (
        DELETE FROM exports_syncedcontact contact USING refusal
         WHERE contact.list_state_id = (SELECT list_state_id FROM exports_deliveredset WHERE id = %(set)s)
           AND contact.email = refusal.email AND refusal.kind = 'left' AND contact.data_hash = %(unknown)s
           AND contact.added_run_id = contact.last_run_id AND contact.origin = %(origin)s
    )
    INSERT INTO exports_outcome (run_id, batch_number, kind, profile_id, email, code, message, is_new)
    SELECT %(run)s, batch.number, kind, profile_id, email, refusal.code, refusal.message,
           kind = 'rejected' AND NOT EXISTS (
               SELECT FROM known WHERE (known.email, known.data_hash, known.code)
                                     = (refusal.email, refusal.data_hash, refusal.code))
      FROM refusal, exports_batch batch WHERE batch.id = %(batch)s
    RETURNING kind
"""

_FORGET = """
    DELETE FROM exports_refused refused
     USING (SELECT unnest(emails) AS email FROM exports_batch WHERE id = ANY (%(batches)s)) answered
     WHERE refused.delivered_set_id = %(set)s AND refused.email = answered.email AND refused.last_run_id <> %(run)s
"""


def record(
    run: Run, batch_id: int, delivered_set_id: int, refusals: Sequence[ProfileRefusal]
) -> list[RefusalKind]:
    """Keep an outcome for each refusal of a contact of this batch, and return their kinds. Call it in the
    transaction that records the batch."""
    if not refusals:
        return []
    parameters: dict[str, Any] = {
        "batch": batch_id,
        "set": delivered_set_id,
        "run": run.pk,
        "unknown": UNKNOWN_DATA,
        "origin": Origin.UNKNOWN,
        "on_list": ON_LIST_AGAIN,
        "emails": [refusal.email for refusal in refusals],
        "kinds": [refusal.kind.value for refusal in refusals],
        "codes": [refusal.code for refusal in refusals],
        "messages": [refusal.message for refusal in refusals],
        "passing": [refusal.retryable for refusal in refusals],
    }
    with database.cursor() as cursor:
        cursor.execute(_KEEP, parameters)
        return [RefusalKind(kind) for (kind,) in cursor.fetchall()]


def forget_earlier(run: Run, batch_ids: Sequence[int], delivered_set_id: int) -> None:
    """Forget the refusals of earlier runs for contacts that these batches delivered. Call it once the batches
    are recorded, in the same transaction."""
    with database.cursor() as cursor:
        cursor.execute(_FORGET, {"batches": list(batch_ids), "set": delivered_set_id, "run": run.pk})
