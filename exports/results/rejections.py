"""Match the failure rows of an answer to contacts, and record the contacts that were rejected or suppressed.

A rejection is an outcome of the run and is remembered by the export, which does not send the same data again. The
subscriber state of a suppressed contact is a fact of the list, shared by all exports to it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import connection as database

from config.platform.jobs import clock
from config.platform.text.addresses import comparable_email
from connections.destinations.values import MAKE_ACTIVE, ON_LIST_AGAIN, ProfileRefusal, RefusalKind
from exports.models import LEARNED, ListState, Origin, Run, StatusSource
from exports.state.plan_action import UNKNOWN_DATA

# A contact that an earlier run may have added, since its call was never answered, was not added: the list keeps it
# suppressed, and has never taken it from this export.
_RECORD_REJECTIONS = """
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
_FORGET_REJECTIONS = """
    DELETE FROM exports_refused refused
     USING (SELECT unnest(emails) AS email FROM exports_batch WHERE id = ANY (%(batches)s)) answered
     WHERE refused.delivered_set_id = %(set)s AND refused.email = answered.email AND refused.last_run_id <> %(run)s
"""
# The moment from which it is known stays as long as the list tells the same. What the list itself has shown tells
# more than the answer to a run.
_RECORD_STATES = """
    INSERT INTO exports_subscriberstatus AS known (list_state_id, email, code, source, run_id, known_since)
    SELECT %(list)s, told.email, told.code, %(source)s, %(run)s, %(now)s
      FROM unnest(%(emails)s::text[], %(codes)s::text[]) AS told (email, code)
     WHERE told.email <> '' AND told.email IN (SELECT unnest(emails) FROM exports_batch WHERE id = %(batch)s)
        ON CONFLICT (list_state_id, email)
        DO UPDATE SET code = excluded.code, source = excluded.source, run_id = excluded.run_id,
                      known_since = CASE WHEN known.code = excluded.code THEN known.known_since
                                         ELSE excluded.known_since END
         WHERE known.source <> ALL (%(learned)s)
"""
# What the list has shown stays, unless the batch made contacts active again: a contact may have left after it went
# out.
_FORGET_STATES = """
    DELETE FROM exports_subscriberstatus known
     USING (SELECT unnest(emails) AS email, operation, sent_at FROM exports_batch
             WHERE id = ANY (%(batches)s)) answered
     WHERE known.list_state_id = %(list)s AND known.email = answered.email
       AND CASE WHEN known.source <> ALL (%(learned)s) THEN known.run_id <> %(run)s
                ELSE answered.operation = ANY (%(adding)s) AND known.known_since < answered.sent_at END
"""


@dataclass(frozen=True)
class MatchedRows:
    """``refusals``: one for each contact that a row names, with the address as it was sent. ``unmatched``: how
    many rows name no contact of the batch, so that it is unknown which contacts they stand for."""

    refusals: Sequence[ProfileRefusal]
    unmatched: int


def record_rejections(
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
        cursor.execute(_RECORD_REJECTIONS, parameters)
        return [RefusalKind(kind) for (kind,) in cursor.fetchall()]


def forget_earlier_rejections(run: Run, batch_ids: Sequence[int], delivered_set_id: int) -> None:
    """Forget the refusals of earlier runs for contacts that these batches delivered. Call it once the batches
    are recorded, in the same transaction."""
    with database.cursor() as cursor:
        cursor.execute(_FORGET_REJECTIONS, {"batches": list(batch_ids), "set": delivered_set_id, "run": run.pk})


def record_subscriber_states(run: Run, batch_id: int, codes: Mapping[str, str], source: StatusSource) -> None:
    """Keep the code that the list gave for each of these addresses of a batch; nothing of contacts that have been
    erased meanwhile. Call it in the transaction that records the batch."""
    if not codes:
        return
    parameters: dict[str, Any] = {
        "batch": batch_id,
        "list": _state_of(run),
        "run": run.pk,
        "source": source.value,
        "learned": [each.value for each in LEARNED],
        "now": clock.now(),
        "emails": list(codes),
        "codes": list(codes.values()),
    }
    with database.cursor() as cursor:
        cursor.execute(_RECORD_STATES, parameters)


def forget_subscriber_states(run: Run, batch_ids: Sequence[int]) -> None:
    """The list has taken the contacts of these batches, but for those of which this run has told otherwise."""
    with database.cursor() as cursor:
        cursor.execute(
            _FORGET_STATES,
            {
                "batches": list(batch_ids),
                "list": _state_of(run),
                "run": run.pk,
                "learned": [each.value for each in LEARNED],
                "adding": [each.value for each in MAKE_ACTIVE],
            },
        )


def _state_of(run: Run) -> int:
    state = ListState.objects.filter(account=run.account, list_id=run.list_id)
    return state.values_list("pk", flat=True).get()


def match_rows(emails: Sequence[str], rows: Sequence[ProfileRefusal]) -> MatchedRows:
    """Match ``rows`` to the addresses of a batch: exactly, else by a normal form that one address alone has."""
    exact, similar = set(emails), _unambiguous(emails)
    found: dict[str, ProfileRefusal] = {}
    unmatched = 0
    for row in rows:
        email = row.email if row.email in exact else similar.get(_comparable(row.email), "")
        if email:
            found.setdefault(email, replace(row, email=email))
        else:
            unmatched += 1
    return MatchedRows(list(found.values()), unmatched)


def _unambiguous(emails: Sequence[str]) -> dict[str, str]:
    """The addresses by their comparable form, without those that share one."""
    found: dict[str, str] = {}
    shared: set[str] = set()
    for email in emails:
        key = _comparable(email)
        if key in found:
            shared.add(key)
        found[key] = email
    return {key: email for key, email in found.items() if key and key not in shared}


def _comparable(email: str) -> str:
    """The normal form of an address, without the brackets and quotation marks that mail programs add."""
    return comparable_email(email.strip(" <>\"'").removeprefix("mailto:")) or ""
