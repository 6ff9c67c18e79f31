"""Find what differs between a list and its list state, once a comparison has read all subscribers.

States that no look has found are recorded; so the list state is as the list then. Other differences are only
noted. Contacts of runs that worked since the comparison began are left out: the list may have been read before
them or after.
"""

from collections.abc import Sequence
from typing import Any

from django.db import connection as database
from django.db import transaction

from config.platform import db, retention
from connections.destinations.subscribers import INACTIVE, ListedState
from exports.feedback import listed_states
from exports.models import DriftKind, ListComparison, ListDrift, StatusSource
from exports.state.plan_action import UNKNOWN_DATA

# So many contacts of a kind are kept.
MOST_KEPT = 100_000
# So many contacts that seem to be gone are looked up.
MOST_LOOKED_UP = 100
# So many comparisons of a list are kept, with their counts.
_RECENT_RUNS = """
    SELECT run.id FROM exports_run run WHERE run.account = %(account)s AND run.list_id = %(list_id)s
       AND (run.finished_at IS NULL OR run.finished_at > %(began)s)
"""
_IN_FLIGHT = f"""
    SELECT FROM exports_batch batch, unnest(batch.emails) AS sending (email)
     WHERE batch.run_id IN ({_RECENT_RUNS}) AND batch.status = 'sending'
"""
_LISTED = "exports_listedcontact listed WHERE listed.comparison_id = %(comparison)s"
_GONE = f"""
    SELECT contact.email FROM exports_syncedcontact contact
     WHERE contact.list_state_id = %(list)s AND contact.data_hash <> %(unknown)s
       AND contact.last_run_id NOT IN ({_RECENT_RUNS})
       AND NOT EXISTS (SELECT FROM {_LISTED} AND listed.email = contact.email)
"""  # noqa: S608 - only our own fragments are put in
_KEEP_LEFT = f"""
    WITH kept AS (
    INSERT INTO exports_subscriberstatus AS known
           (list_state_id, email, code, source, since, run_id, known_since)
    SELECT %(list)s, listed.email, %(code)s, %(source)s, listed.since, 0, %(now)s
      FROM {_LISTED} AND listed.state = %(code)s
       AND {listed_states.NOT_OWN_REMOVAL.format(email="listed.email")} AND NOT ({{is_erased}})
     ORDER BY listed.email
    {listed_states.KEEP_STATUS}
    RETURNING known.email, known.code)
    INSERT INTO changed_state SELECT email, code FROM kept
"""  # noqa: S608 - only our own fragments are put in
# A state that was recorded since the comparison began is later than what it has read.
_MAY_BE_FORGOTTEN = """
    known.list_state_id = %(list)s AND known.code <> ALL (%(beside)s) AND known.known_since < %(began)s
"""
_IN_NO_STATE = f"""
    SELECT known.email FROM exports_subscriberstatus known
     WHERE {_MAY_BE_FORGOTTEN} AND NOT EXISTS (SELECT FROM {_LISTED} AND listed.email = known.email)
"""  # noqa: S608 - only our own fragments are put in
_FORGET_RETURNED = f"""
    WITH returned AS (
        DELETE FROM exports_subscriberstatus known
         WHERE {_MAY_BE_FORGOTTEN}
           AND EXISTS (SELECT FROM {_LISTED} AND listed.email = known.email
                          AND listed.state = 'active' AND listed.since >= known.since)
        RETURNING known.email
    ), forgotten AS (
        DELETE FROM exports_subscriberstatus known
         WHERE {_MAY_BE_FORGOTTEN} AND known.email = ANY (%(in_no_state)s::text[])
        RETURNING known.email
    ), asked_again AS (
        DELETE FROM exports_refused refused USING exports_deliveredset of_export, exports_listedcontact listed
         WHERE of_export.list_state_id = %(list)s AND refused.delivered_set_id = of_export.id AND refused."left"
           AND refused.code <> ALL (%(beside)s) AND refused.last_run_id NOT IN ({_RECENT_RUNS})
           AND listed.comparison_id = %(comparison)s AND listed.email = refused.email AND listed.state = 'active')
    INSERT INTO changed_state SELECT email, 'active' FROM returned UNION ALL SELECT email, 'active' FROM forgotten
"""  # noqa: S608 - only our own fragments are put in
_NOT_OURS = f"""
    SELECT listed.email, listed.state FROM {_LISTED} AND listed.state = 'active'
       AND NOT EXISTS (SELECT FROM exports_syncedcontact contact
                        WHERE contact.list_state_id = %(list)s AND contact.email = listed.email)
       AND NOT EXISTS (SELECT FROM exports_removedcontact removed
                        WHERE removed.list_state_id = %(list)s AND removed.email = listed.email
                          AND (removed.operation = 'mark' OR removed.run_id IN ({_RECENT_RUNS})))
       AND NOT EXISTS ({_IN_FLIGHT} AND sending.email = listed.email)
"""  # noqa: S608 - only our own fragments are put in
# Values that have changed since the comparison before, or had by then, although no run has sent the contact since.
_OTHER_DATA = f"""
    SELECT listed.email, '' FROM {_LISTED} AND listed.state = 'active'
       AND listed.email IN (
           SELECT before.email FROM exports_listedcontact before
             JOIN exports_listedcontact after ON after.email = before.email
            WHERE before.comparison_id = %(before)s AND after.comparison_id = %(comparison)s
              AND before.values_hash <> after.values_hash
            UNION ALL
           SELECT drift.email FROM exports_listdrift drift
            WHERE drift.comparison_id = %(before)s AND drift.kind = 'data')
       AND EXISTS (SELECT FROM exports_syncedcontact contact
                    WHERE contact.list_state_id = %(list)s AND contact.email = listed.email
                      AND contact.last_run_id NOT IN (
                          SELECT run.id FROM exports_run run
                           WHERE run.account = %(account)s AND run.list_id = %(list_id)s
                             AND (run.finished_at IS NULL OR run.finished_at > %(before_began)s)))
"""  # noqa: S608 - only our own fragments are put in
_KEEP = """
    WITH found AS ({found})
    INSERT INTO exports_listdrift (comparison_id, kind, email, code)
    SELECT %(comparison)s, %(kind)s, email, code FROM found AS found (email, code)
     WHERE NOT ({is_erased}) ORDER BY email LIMIT %(most)s
        ON CONFLICT DO NOTHING
"""


def seem_to_be_gone(job: ListComparison) -> tuple[list[str], bool]:
    """Return contacts that exports sent and that no page showed, as many as are looked up, in random order; and
    whether these are all."""
    found = _some(job, _GONE)
    return found[:MOST_LOOKED_UP], len(found) <= MOST_LOOKED_UP


def seem_to_be_in_no_state(job: ListComparison) -> list[str]:
    """Return the suppressed contacts that no page showed; none when they are too many to look up."""
    found = _some(job, _IN_NO_STATE)
    return found if len(found) <= MOST_LOOKED_UP else []


def find(job: ListComparison, not_gone: Sequence[str], in_no_state: Sequence[str]) -> dict[str, int]:
    """Find all differences, record them, and return the counts for the row of the comparison. ``not_gone``:
    contacts that no page showed, and that are on the list all the same; ``in_no_state``: suppressed contacts that
    are not on the list any more. Call it in the transaction that ends the comparison."""
    ListDrift.objects.filter(comparison=job).delete()
    parameters = _parameters(job)
    gone = f"SELECT email, '' FROM ({_GONE}) gone WHERE email <> ALL (%(not_gone)s::text[])"  # noqa: S608
    with db.without_nested_loops():
        counts = _count(job)
        counts["gone"] = _keep(DriftKind.GONE, gone, parameters | {"not_gone": list(not_gone)})
        counts["not_ours"] = _keep(DriftKind.NOT_OURS, _NOT_OURS, parameters)
        counts["other_data"] = _other_data(job, parameters)
        # The last: looks wait from then on.
        counts["other_state"] = _record_states(job, parameters | {"in_no_state": list(in_no_state)})
    return counts


def let_be_sent_again(job: ListComparison) -> int:
    """Let the next runs send the contacts again that are gone, or whose values were changed on the list. Returns
    how many these are."""
    with database.cursor() as cursor:
        cursor.execute(
            """
            UPDATE exports_syncedcontact contact
               SET data_hash = %(unknown)s,
                   other_hashes = CASE WHEN contact.other_hashes IS NOT NULL
                       THEN array_fill(%(unknown)s::uuid, ARRAY[cardinality(contact.other_hashes)]) END
              FROM exports_listdrift drift
             WHERE drift.comparison_id = %(comparison)s AND drift.kind = ANY (%(kinds)s)
               AND contact.list_state_id = %(list)s AND contact.email = drift.email
            """,
            {
                "unknown": UNKNOWN_DATA,
                "comparison": job.pk,
                "kinds": [DriftKind.GONE.value, DriftKind.DATA.value],
                "list": job.list_state_id,
            },
        )
        return int(cursor.rowcount)


def forget_earlier(job: ListComparison) -> None:
    """Delete what earlier comparisons kept of contacts, and of this one the contacts that no export has sent."""
    earlier = list(job.list_state.comparisons.filter(pk__lt=job.pk).values_list("pk", flat=True))
    with database.cursor() as cursor:
        for table in ("exports_listedcontact", "exports_listdrift"):
            cursor.execute(f"DELETE FROM {table} WHERE comparison_id = ANY (%s)", [earlier])  # noqa: S608
        cursor.execute(
            f"DELETE FROM {_LISTED} AND NOT EXISTS (SELECT FROM exports_syncedcontact contact"  # noqa: S608
            " WHERE contact.list_state_id = %(list)s AND contact.email = listed.email)",
            {"comparison": job.pk, "list": job.list_state_id},
        )
    job.list_state.comparisons.filter(pk__in=earlier[retention.LIST_COMPARISONS.most - 1 :]).delete()


def _some(job: ListComparison, query: str) -> list[str]:
    with transaction.atomic(), db.without_nested_loops(), database.cursor() as cursor:
        limited = f"{query} ORDER BY random() LIMIT %(most)s"
        cursor.execute(limited, {**_parameters(job), "most": MOST_LOOKED_UP + 1})
        return [email for (email,) in cursor.fetchall()]


def _record_states(job: ListComparison, parameters: dict[str, Any]) -> int:
    """Record the states that no look has found, and return how many contacts have them."""
    is_erased = listed_states.erased_condition("listed.email")
    listed_states.lock(job.list_state)
    with database.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS pg_temp.changed_state")
        cursor.execute("CREATE TEMPORARY TABLE changed_state (email text, code text) ON COMMIT DROP")
        for listed in INACTIVE:
            shared = listed_states.parameters_of(job.list_state, listed, StatusSource.COMPARISON)
            cursor.execute(_KEEP_LEFT.format(is_erased=is_erased), parameters | shared)
        cursor.execute(_FORGET_RETURNED, parameters)
    return _keep(DriftKind.STATE, "SELECT email, code FROM changed_state", parameters)


def _other_data(job: ListComparison, parameters: dict[str, Any]) -> int:
    earlier = job.list_state.comparisons.filter(pk__lt=job.pk, status="successful").order_by("-pk").first()
    if earlier is None or earlier.fields != job.fields or not job.fields:
        return 0
    found = {"before": earlier.pk, "before_began": earlier.started_at}
    return _keep(DriftKind.DATA, _OTHER_DATA, parameters | found)


def _keep(kind: DriftKind, found: str, parameters: dict[str, Any]) -> int:
    """Keep the contacts that a query finds, up to the most, and return how many it finds."""
    with database.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM ({found}) found", parameters)  # noqa: S608
        count = int(cursor.fetchone()[0])
        if count:
            statement = _KEEP.format(found=found, is_erased=listed_states.erased_condition("email"))
            cursor.execute(statement, parameters | {"kind": kind.value, "most": MOST_KEPT})
    return count


def _count(job: ListComparison) -> dict[str, int]:
    with database.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*), count(*) FILTER (WHERE listed.state = 'active') FROM {_LISTED}",  # noqa: S608
            {"comparison": job.pk},
        )
        subscribers, active = cursor.fetchone()
    return {"subscribers": subscribers, "active": active, "contacts": job.list_state.contacts.count()}


def _parameters(job: ListComparison) -> dict[str, Any]:
    shared = listed_states.parameters_of(job.list_state, ListedState.ACTIVE, StatusSource.COMPARISON)
    return shared | {"comparison": job.pk, "began": job.started_at, "unknown": UNKNOWN_DATA}
