"""Record the states of subscribers that a list shows: who is suppressed there, and who is active again.

What a list shows is recorded in blocks, by statements over all contacts of a block. The effects of our own
removals are left out: deleted and unsubscribed contacts come back by the removals that are known. So are erased
people.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection as database
from django.db import transaction

from config.platform.jobs import clock
from config.platform.jobs.models import OPEN
from connections.destinations.subscribers import ListedState, ListedSubscriber
from connections.destinations.values import BatchOperation
from connections.models import Account
from exports.models import LEARNED, ListState, StatusSource
from segments.privacy import erase, subjects

# The removals that bring a state about.
_OWN_REMOVALS = {
    ListedState.DELETED: BatchOperation.DELETE.value,
    ListedState.UNSUBSCRIBED: BatchOperation.UNSUBSCRIBE.value,
}
# The addresses that a list shows, as the parameters give them.
_TOLD = """
    SELECT DISTINCT ON (email) email, since
      FROM unnest(%(emails)s::text[], %(since)s::text[]) AS row (email, since)
     WHERE email <> '' AND length(email) <= 254 ORDER BY email, since DESC
"""
# That no run has removed a contact so, or is removing it now: joins, since there may be millions of removals.
NOT_OWN_REMOVAL = """
    NOT EXISTS (SELECT FROM exports_removedcontact removed
                 WHERE removed.list_state_id = %(list)s AND removed.operation = %(own)s
                   AND removed.email = {email})
    AND NOT EXISTS (SELECT FROM exports_batch batch JOIN exports_run run ON run.id = batch.run_id,
                                unnest(batch.emails) AS removing (email)
                     WHERE run.account = %(account)s AND run.list_id = %(list_id)s AND run.status = ANY (%(open)s)
                       AND batch.operation = %(own)s AND removing.email = {email})
"""
# A source that is not an answer to certain data replaces any other; of two, the later by the list's
# own clock counts.
KEEP_STATUS = """
        ON CONFLICT (list_state_id, email)
        DO UPDATE SET code = excluded.code, source = excluded.source, since = excluded.since, run_id = 0,
                      known_since = excluded.known_since
         WHERE known.source <> ALL (%(learned)s) OR known.since < excluded.since
            OR (known.since = excluded.since AND known.code <> excluded.code)
"""
_KEEP_INACTIVE = f"""
    WITH told AS ({_TOLD})
    INSERT INTO exports_subscriberstatus AS known
           (list_state_id, email, code, source, since, run_id, known_since)
    SELECT %(list)s, told.email, %(code)s, %(source)s, told.since, 0, %(now)s FROM told
     WHERE {NOT_OWN_REMOVAL.format(email="told.email")} AND NOT ({{is_erased}})
     ORDER BY told.email
    {KEEP_STATUS}
"""  # noqa: S608 - only our own fragments are put in
# A refusal that a run has just been told may be later than the page that shows the contact as active.
_FORGET_ACTIVE = f"""
    WITH told AS ({_TOLD}), forgotten AS (
        DELETE FROM exports_subscriberstatus known USING told
         WHERE known.list_state_id = %(list)s AND known.email = told.email
           AND known.code <> ALL (%(beside)s) AND known.since <= told.since
           AND (known.source = ANY (%(learned)s) OR known.known_since < %(began)s)
        RETURNING known.email)
    DELETE FROM exports_refused refused USING exports_deliveredset of_export, told
     WHERE of_export.list_state_id = %(list)s AND refused.delivered_set_id = of_export.id
       AND refused.email = told.email AND refused."left" AND refused.code <> ALL (%(beside)s)
       AND told.email NOT IN (SELECT email FROM exports_subscriberstatus WHERE list_state_id = %(list)s
                                 AND email = ANY (%(emails)s::text[])
                                 AND email NOT IN (SELECT email FROM forgotten))
"""  # noqa: S608 - only our own fragments are put in
# A comparison that is reading the list meanwhile may have read these subscribers before.
_TELL_COMPARISON = f"""
    WITH told AS ({_TOLD})
    INSERT INTO exports_listedcontact AS listed (comparison_id, email, state, since)
    SELECT comparison.id, told.email, %(code)s, told.since FROM told, exports_listcomparison comparison
     WHERE comparison.list_state_id = %(list)s AND comparison.status = ANY (%(open)s)
       AND comparison.started_at IS NOT NULL AND NOT ({{is_erased}})
     ORDER BY told.email
        ON CONFLICT (comparison_id, email)
        DO UPDATE SET state = excluded.state, since = excluded.since WHERE listed.since <= excluded.since
"""  # noqa: S608 - only our own fragments are put in


@transaction.atomic
def record_page(
    state: ListState,
    listed: ListedState,
    rows: Sequence[ListedSubscriber],
    *,
    source: StatusSource,
    began: datetime,
) -> None:
    """Record what a page of a list shows of subscribers in one state. ``began``: when the look at the list did."""
    if not rows:
        return
    parameters = parameters_of(state, listed, source) | {
        "emails": [row.email for row in rows],
        "since": [row.since[:30] for row in rows],
        "began": began,
    }
    is_erased = erased_condition("told.email")
    lock(state)
    with database.cursor() as cursor:
        if listed is ListedState.ACTIVE:
            cursor.execute(_FORGET_ACTIVE, parameters)
        else:
            cursor.execute(_KEEP_INACTIVE.format(is_erased=is_erased), parameters)
        cursor.execute(_TELL_COMPARISON.format(is_erased=is_erased), parameters)


def lock(state: ListState) -> None:
    """Let no other transaction record states of a list until this one ends: a look and the end of a comparison
    wait for each other."""
    list(ListState.objects.select_for_update(no_key=True).filter(pk=state.pk).values_list("pk"))


def parameters_of(state: ListState, listed: ListedState, source: StatusSource) -> dict[str, Any]:
    """Return the parameters that the statements of this module share."""
    capabilities = Account.parse(state.account).destination.capabilities
    return {
        "list": state.pk,
        "account": state.account,
        "list_id": state.list_id,
        "code": listed.value,
        "source": source.value,
        "own": _OWN_REMOVALS.get(listed, ""),
        "open": list(OPEN),
        "learned": [each.value for each in LEARNED],
        "beside": list(capabilities.codes_beside_state),
        "now": clock.now(),
    }


def erased_condition(email: str) -> str:
    """Return an SQL condition that the address in the expression ``email`` is of an erased person. No erasure
    happens until this transaction ends."""
    erase.enter_erasure_barrier()
    subjects.pass_hash_key_to_sql()
    return f"EXISTS (SELECT FROM segments_erasedhash WHERE hash = {subjects.email_hash_sql(email)})"
