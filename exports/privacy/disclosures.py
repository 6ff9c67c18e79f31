"""Keep and look up to which lists people were sent.

The batches of a run hold what it sent; it is kept for good soon after the run has ended: during the run that
would take more time than all other writes.
"""

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection as database
from django.db import transaction

from config.platform import retention
from config.platform.jobs import clock
from config.platform.jobs.models import OPEN
from exports.models import IS_REMOVAL, DisclosedList, Disclosure, Export, Run
from segments.privacy import subjects
from segments.privacy.subjects import Subject

logger = logging.getLogger(__name__)

_BATCHES_A_STEP = 100
_KEEP = """
    INSERT INTO exports_disclosure (disclosed_list_id, person, first_at, last_at)
    SELECT %s, person, min(at), max(at) FROM ({}) sent GROUP BY person ORDER BY person
        ON CONFLICT (disclosed_list_id, person) DO
"""
_MOVE_TIMES = """
    UPDATE SET first_at = least(exports_disclosure.first_at, excluded.first_at),
               last_at = greatest(exports_disclosure.last_at, excluded.last_at)
"""
_SENT = f"""
    SELECT {subjects.email_hash_sql("person.email")} AS person, batch.sent_at AS at
      FROM exports_batch batch, unnest(batch.emails) AS person (email)
     WHERE batch.id = ANY (%s) AND person.email <> ''
"""  # noqa: S608 - only our own fragments are put in
_ONE_PERSON = f"""
    SELECT {subjects.email_hash_sql("email")} AS person, %s::timestamptz AS at FROM unnest(%s::text[]) email
"""  # noqa: S608 - only our own fragments are put in


def unsettled() -> list[int]:
    """Return the ids of some runs that have ended and whose disclosures are not kept yet."""
    ended = Run.objects.filter(disclosed_at=None).exclude(status__in=OPEN)
    return list(ended.order_by("pk").values_list("pk", flat=True)[:10])


def settle(run_id: int, *, wait: bool = False) -> None:
    """Keep the disclosures of a run that has ended: all contacts of batches that were sent, taken or not. A run
    that another worker is settling is skipped, or waited for."""
    while _settle_some(run_id, wait=wait):
        pass


@transaction.atomic
def _settle_some(run_id: int, *, wait: bool) -> bool:
    """Settle the next batches; False when there is nothing more to do here."""
    runs = Run.objects.select_for_update(of=("self",), no_key=True, skip_locked=not wait)
    ended = runs.filter(pk=run_id, disclosed_at=None).exclude(status__in=OPEN)
    run = ended.select_related("export__connection").first()
    if run is None:
        return False
    sent = run.batches.filter(sent_at__isnull=False, number__gt=run.disclosed_batch).exclude(IS_REMOVAL)
    batches = list(sent.order_by("number").values_list("pk", "number")[:_BATCHES_A_STEP])
    if not batches:
        Run.objects.filter(pk=run_id).update(disclosed_at=clock.now())
        return False
    disclosed = list_of(run.export, run.account, run.list_id, run)
    _keep(_SENT, disclosed.pk, [[batch_id for batch_id, _number in batches]])
    Run.objects.filter(pk=run_id).update(disclosed_batch=batches[-1][1])
    return True


def write_person(subject: Subject) -> None:
    """Keep what is known of one person, before it is forgotten."""
    for export, account, list_id, batch_at, known_at in sent_to(subject):
        disclosed = list_of(export, account, list_id)
        at: list[Any] = [batch_at or known_at, list(subject.emails)]
        _keep(_ONE_PERSON, disclosed.pk, at, if_known=_MOVE_TIMES if batch_at else "NOTHING")


def _keep(sent: str, disclosed_list_id: int, parameters: Sequence[Any], *, if_known: str = _MOVE_TIMES) -> None:
    """Write disclosures within a transaction; ``sent`` is a query of people and when they were sent."""
    subjects.pass_hash_key_to_sql()
    with database.cursor() as cursor:
        cursor.execute(_KEEP.format(sent) + if_known, [disclosed_list_id, *parameters])


def write_one(export: Export, account: str, list_id: str, email: str) -> None:
    """Keep that one person is sent to a list now."""
    _keep(_ONE_PERSON, list_of(export, account, list_id).pk, [clock.now(), [email]])


def list_of(export: Export, account: str, list_id: str, run: Run | None = None) -> DisclosedList:
    """The list as it is called now, and the connection that leads there now."""
    title = str(run.snapshot.list_title) if run else export.list_title if export.list_id == list_id else ""
    values: dict[str, object] = {"list_title": title} if title else {}
    connection = export.connection
    if connection is not None and connection.account == account:
        values |= {"connection_id": connection.pk, "connection_name": connection.name}
    found, _created = DisclosedList.objects.update_or_create(account=account, list_id=list_id, defaults=values)
    return found


def of_people(people: Sequence[UUID]) -> list[Disclosure]:
    """Every list that one of these was sent to; the latest first."""
    found = Disclosure.objects.filter(person__in=people).select_related("disclosed_list")
    return list(found.order_by("-last_at", "disclosed_list_id"))


def prune() -> int:
    """Forget what is older than the retention; how many that were."""
    with database.cursor() as cursor:
        cursor.execute("DELETE FROM exports_disclosure WHERE last_at < %s", [retention.DISCLOSURES.cutoff()])
        pruned = int(cursor.rowcount)
    DisclosedList.objects.filter(people=None).delete()
    if pruned:
        logger.info("%s disclosures were kept to the end of their time and are forgotten", pruned)
    return pruned


def sent_to(subject: Subject) -> list[tuple[Export, str, str, datetime | None, datetime | None]]:
    """The lists that the person is known to have been sent to: from the batches of runs that are not settled yet,
    and from what lists are known to hold."""
    with database.cursor() as cursor:
        cursor.execute(
            """
            SELECT export_id, account, list_id, max(batch_at), max(known_at) FROM (
                SELECT run.export_id, run.account, run.list_id, batch.sent_at AS batch_at, NULL AS known_at
                  FROM exports_batch batch JOIN exports_run run ON run.id = batch.run_id
                 WHERE run.disclosed_at IS NULL AND batch.sent_at IS NOT NULL
                   AND batch.emails && %(emails)s::text[]
                UNION ALL
                SELECT known.export_id, known.account, known.list_id, NULL, %(now)s
                  FROM exports_deliveredset known
                 WHERE EXISTS (SELECT FROM exports_syncedcontact contact
                                WHERE contact.list_state_id = known.list_state_id AND email = ANY (%(emails)s)
                                  AND (contact.sent_by = known.export_id
                                       OR known.export_id = ANY (contact.other_exports)))
                    OR EXISTS (SELECT FROM exports_refused refused
                                WHERE refused.delivered_set_id = known.id AND email = ANY (%(emails)s))) sent
             GROUP BY 1, 2, 3
            """,
            {"emails": list(subject.emails), "now": clock.now()},
        )
        rows = cursor.fetchall()
    exports = Export.objects.select_related("connection").in_bulk([row[0] for row in rows])
    return [(exports[pk], *rest) for pk, *rest in rows]
