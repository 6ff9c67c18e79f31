"""Writing down, and looking up, to which lists people were sent."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection as database

from config.jobs import clock
from exports.models import IS_REMOVAL, BatchStatus, DisclosedList, Disclosure, Export, Run
from segments.rights import hashing
from segments.rights.subjects import Subject

logger = logging.getLogger(__name__)

_KEEP = """
    INSERT INTO exports_disclosure (disclosed_list_id, person, first_at, last_at)
    SELECT %s, person, min(at), max(at) FROM ({}) sent GROUP BY person ORDER BY person
        ON CONFLICT (disclosed_list_id, person) DO UPDATE
       SET first_at = least(exports_disclosure.first_at, excluded.first_at),
           last_at = greatest(exports_disclosure.last_at, excluded.last_at)
"""


_SENT = f"""
    SELECT {hashing.email_sql("person.email")} AS person, batch.sent_at AS at
      FROM exports_batch batch, unnest(batch.emails) AS person (email)
     WHERE batch.sent_at IS NOT NULL AND person.email <> ''
       AND batch.deed NOT IN ('mark', 'delete', 'unsubscribe') AND
"""  # noqa: S608 - only our own fragments are put in


def write_batches(disclosed_list_id: int, batch_ids: Sequence[int]) -> None:
    """Keep to whom these batches were sent: everybody in them, taken or not. Call it in the transaction that
    records their answers."""
    hashing.ready_sql()
    with database.cursor() as cursor:
        cursor.execute(_KEEP.format(f"{_SENT} batch.id = ANY (%s)"), [disclosed_list_id, list(batch_ids)])


def write(run: Run) -> None:
    """Keep to whom this run has sent without hearing of it. Call it in the transaction that ends the run."""
    unheard = run.batches.filter(sent_at__isnull=False).exclude(IS_REMOVAL).exclude(status=BatchStatus.DONE)
    if batch_ids := list(unheard.values_list("pk", flat=True)):
        write_batches(list_of(run.export, run.account, run.list_id, run).pk, batch_ids)


def write_person(subject: Subject) -> None:
    """Keep what is known of one person, before it is forgotten: of runs under way, and of the time before
    disclosures were kept."""
    hashing.ready_sql()
    for export, account, list_id, batch_at, known_at in sent_to(subject):
        disclosed = list_of(export, account, list_id)
        sent = f"""
            SELECT {hashing.email_sql("email")} AS person, %s::timestamptz AS at FROM unnest(%s::text[]) email
        """  # noqa: S608 - only our own fragments are put in
        with database.cursor() as cursor:
            cursor.execute(_KEEP.format(sent), [disclosed.pk, batch_at or known_at, list(subject.emails)])


def write_one(export: Export, account: str, list_id: str, email: str) -> None:
    """Keep that one person is sent to a list now."""
    hashing.ready_sql()
    sent = f"SELECT {hashing.email_sql('%s')} AS person, %s::timestamptz AS at"
    with database.cursor() as cursor:
        cursor.execute(_KEEP.format(sent), [list_of(export, account, list_id).pk, email, clock.now()])


def list_of(export: Export, account: str, list_id: str, run: Run | None = None) -> DisclosedList:
    """The list as it is called now, and the connection that leads there now."""
    title = (
        str(run.frozen.get("list_title", "")) if run else export.list_title if export.list_id == list_id else ""
    )
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
    before = clock.now() - timedelta(days=settings.DISCLOSURE_RETENTION_DAYS)
    with database.cursor() as cursor:
        cursor.execute("DELETE FROM exports_disclosure WHERE last_at < %s", [before])
        pruned = int(cursor.rowcount)
    DisclosedList.objects.filter(people=None).delete()
    if pruned:
        logger.info("%s disclosures were kept to the end of their time and are forgotten", pruned)
    return pruned


def sent_to(subject: Subject) -> list[tuple[Export, str, str, datetime | None, datetime | None]]:
    """The lists that the person is known to have been sent to, from batches and from what lists are known to
    hold."""
    with database.cursor() as cursor:
        cursor.execute(
            """
            SELECT export_id, account, list_id, max(batch_at), max(known_at) FROM (
                SELECT run.export_id, run.account, run.list_id, batch.sent_at AS batch_at, NULL AS known_at
                  FROM exports_batch batch JOIN exports_run run ON run.id = batch.run_id
                 WHERE batch.sent_at IS NOT NULL AND batch.emails && %(emails)s::text[]
                UNION ALL
                SELECT known.export_id, known.account, known.list_id, NULL, %(now)s
                  FROM exports_deliveredset known
                 WHERE EXISTS (SELECT FROM exports_delivered delivered
                                WHERE delivered.delivered_set_id = known.id AND email = ANY (%(emails)s))
                    OR EXISTS (SELECT FROM exports_refused refused
                                WHERE refused.delivered_set_id = known.id AND email = ANY (%(emails)s))) sent
             GROUP BY 1, 2, 3
            """,
            {"emails": list(subject.emails), "now": clock.now()},
        )
        rows = cursor.fetchall()
    exports = Export.objects.select_related("connection").in_bulk([row[0] for row in rows])
    return [(exports[pk], *rest) for pk, *rest in rows]
