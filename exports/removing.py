"""Whom a run removes: people whom this export itself brought to the list and no longer sends, unless another
export to the same list does. Guards hold removals that look like a mistake until a person confirms them.

Works beside the temporary table ``plan`` (planning.py), in the same transaction.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from django.db import connection as database
from django.db import models
from django.utils.translation import gettext_lazy as _

from config.jobs import planner
from config.jobs.models import JobStatus
from connections.destinations import registry
from connections.destinations.base import Destination
from connections.destinations.values import Deed, Sending, UnsubscribeScope
from exports.batch_writing import BatchWriter, Person
from exports.models import DeliveredSet, Export, Origin, Removal, Run
from exports.options import RunOptions
from exports.recording_unanswered import UNKNOWN_DATA
from segments import audience

# A guard holds removals of more than this share of the people on the list, and of more than so many.
_LARGE_SHARE = 0.2
_LARGE_NUMBER = 10
# Who stays on the list because the plan has them.
_PEOPLE = ["add", "update", "unchanged", "still_refused", "unmark", "bring_back", "resubscribe"]
_IS_PLANNED = "EXISTS (SELECT FROM plan WHERE plan.email = {table}.email AND plan.action = ANY (%s))"
# When the first run that sent somebody had ended, by the account's clock: it did not bring who joined later, and
# a list in another time zone than that clock shows so. Where people are asked to confirm, they join when they do.
_SENT_UNTIL = r"""
    CASE WHEN run.frozen ->> 'clock_there' ~ '^\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?$'
              AND run.frozen ->> 'confirmed_opt_in' = 'false'
         THEN coalesce(to_char((run.frozen ->> 'clock_there')::timestamp + (run.finished_at - run.checked_at),
                      'YYYY-MM-DD HH24:MI:SS'), '') ELSE '' END"""
_FETCH = 2000


class HeldBecause(models.TextChoices):
    """Which guard holds the removals."""

    MANY = "many", _("They are more than a fifth of the people whom the export has brought.")
    EMPTY = "empty", _("A segment is empty.")
    HALVED = "halved", _("A segment has lost half of its members or more.")
    REACH = "reach", _("Unsubscribing reaches all lists of the client, which nobody has agreed to.")
    GROWN = "grown", _("They have become more than were confirmed.")


@dataclass(frozen=True)
class Removals:
    """How many are removed, or held and why."""

    to_remove: int = 0
    held: int = 0
    held_because: str = ""


def plan(run: Run, delivered_set: DeliveredSet, writer: BatchWriter) -> Removals:
    """Write the batches of the run's removals, after those of its people; or say what holds them."""
    removals = judge(run, delivered_set)
    if removals.to_remove:
        _know_again_who_was_marked(run, delivered_set)
        destination = registry.get(run.account.partition(":")[0])
        for person in _leaving(destination, Deed(run.frozen["removal"]["how"])):
            writer.add(person)
        writer.flush()
    return removals


def judge(run: Run, delivered_set: DeliveredSet) -> Removals:
    """How many would be removed, and whether a guard holds them. Leaves the temporary table ``leaving``."""
    how = run.frozen.get("removal", {}).get("how", Removal.LEAVE)
    if how == Removal.LEAVE:
        return Removals()
    _draw(delivered_set, everybody=bool(run.clears_id))
    if how != Removal.MARK:
        _add_who_was_marked(delivered_set, everybody=bool(run.clears_id))
    _spare_whom_others_send(run.export, delivered_set)
    count = _count()
    because = _why_held(run, delivered_set, count) if count else ""
    return Removals(held=count, held_because=because) if because else Removals(to_remove=count)


def count_all(delivered_set: DeliveredSet) -> int:
    """How many would be taken off if the list was cleared, at most: who is marked already is not marked again.
    Leaves the temporary table ``leaving``."""
    _draw(delivered_set, everybody=True)
    _add_who_was_marked(delivered_set, everybody=True)
    _spare_whom_others_send(delivered_set.export, delivered_set)
    return _count()


def _draw(delivered_set: DeliveredSet, *, everybody: bool) -> None:
    """Who was brought and, unless ``everybody`` leaves, is not in the plan. Where it is not known who brought
    them, the list's date of joining is compared with its time when they were first sent; without that they count
    as found there."""
    with planner.without_nested_loops(), database.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS pg_temp.leaving")
        stays = "false" if everybody else _IS_PLANNED.format(table="delivered")
        cursor.execute(
            f"""
            CREATE TEMPORARY TABLE leaving ON COMMIT DROP AS
            SELECT delivered.email, delivered.data_hash,
                   coalesce(run.frozen ->> 'clock_there', '') AS sent_since, {_SENT_UNTIL} AS sent_until,
                   delivered.origin = %s AS has_brought
              FROM exports_delivered delivered LEFT JOIN exports_run run ON run.id = delivered.first_run_id
             WHERE delivered.delivered_set_id = %s
               AND (delivered.origin = %s OR delivered.origin = %s AND run.frozen ->> 'clock_there' <> '')
               AND NOT {stays}
            """,  # noqa: S608 - only our own fragments are put in
            [Origin.BROUGHT, delivered_set.pk, Origin.BROUGHT, Origin.UNKNOWN, *([] if everybody else [_PEOPLE])],
        )


def _add_who_was_marked(delivered_set: DeliveredSet, *, everybody: bool) -> None:
    """People whom the export has marked when they left are still on the list because of it: now that those who
    leave are taken off, they are too."""
    with planner.without_nested_loops(), database.cursor() as cursor:
        stays = "false" if everybody else _IS_PLANNED.format(table="removed")
        cursor.execute(
            f"""
            INSERT INTO leaving
            SELECT removed.email, %s, '', '', true FROM exports_removed removed
             WHERE removed.delivered_set_id = %s AND removed.deed = %s AND NOT {stays}
               AND NOT EXISTS (SELECT FROM leaving WHERE leaving.email = removed.email)
            """,  # noqa: S608 - only our own fragments are put in
            [UNKNOWN_DATA, delivered_set.pk, Deed.MARK, *([] if everybody else [_PEOPLE])],
        )


def _know_again_who_was_marked(run: Run, delivered_set: DeliveredSet) -> None:
    """Write that the list holds them, so that whatever becomes of their removal is kept as everybody's is."""
    with database.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO exports_delivered (delivered_set_id, email, data_hash, last_run_id, first_run_id, origin)
            SELECT %(set)s, email, %(unknown)s, %(run)s, %(run)s, %(brought)s FROM leaving
             WHERE data_hash = %(unknown)s ON CONFLICT DO NOTHING
            """,
            {"set": delivered_set.pk, "unknown": UNKNOWN_DATA, "run": run.pk, "brought": Origin.BROUGHT},
        )


def _spare_whom_others_send(export: Export, delivered_set: DeliveredSet) -> None:
    """Whoever another export has brought to the same list, or would send there, stays."""
    for other in exports_to(delivered_set.account, delivered_set.list_id, but=export.pk):
        members, members_params = audience.members_sql(list(other.segments.values_list("pk", flat=True)))
        email, email_params = audience.email_sql(other.email_attribute)
        would_send = f"SELECT {email} FROM ({members}) member"  # noqa: S608 - every value is a parameter
        has_brought = """
            SELECT delivered.email FROM exports_delivered delivered
              JOIN exports_deliveredset known ON known.id = delivered.delivered_set_id
             WHERE known.export_id = %s AND known.account = %s AND known.list_id = %s
        """
        _spare(would_send, [*email_params, *members_params])
        _spare(has_brought, [other.pk, delivered_set.account, delivered_set.list_id])


def _spare(emails: str, parameters: Sequence[Any]) -> None:
    """Those addresses stay. (One statement for each reason: joined by OR they would be looked through anew for
    everybody who leaves.)"""
    with planner.without_nested_loops(), database.cursor() as cursor:
        cursor.execute(f"DELETE FROM leaving WHERE email IN ({emails})", parameters)  # noqa: S608 - see the caller


def exports_to(account: str, list_id: str, *, but: int | None) -> Sequence[Export]:
    """The other exports to a list. Who is detached still has people there."""
    others = Export.objects.filter(list_id__iexact=list_id).select_related("connection").order_by("name")
    return [
        other
        for other in others
        if other.pk != but and (other.connection is None or other.connection.account == account)
    ]


def _why_held(run: Run, delivered_set: DeliveredSet, count: int) -> str:
    options = RunOptions.kept(run.frozen.get("options", {}))
    agreed = options.removal or {}
    if _reaches_further_than_agreed(run, agreed):
        return HeldBecause.REACH
    if run.clears_id:
        return _why_clearing_is_held(count, options.confirmed_removals or 0)
    if options.confirmed_removals is not None and agreed.get("how") == run.frozen["removal"]["how"]:
        return "" if count <= options.confirmed_removals else HeldBecause.GROWN
    if because := _suspicious_segment(run):
        return because
    known = delivered_set.people.count()
    return HeldBecause.MANY if count > _LARGE_NUMBER and count > known * _LARGE_SHARE else ""


def _why_clearing_is_held(count: int, confirmed: int) -> str:
    """A run that was still under way may have brought some more; that is no other question than the one which was
    answered."""
    more = count - confirmed
    return HeldBecause.GROWN if more > _LARGE_NUMBER and more > confirmed * _LARGE_SHARE else ""


def _reaches_further_than_agreed(run: Run, agreed: Mapping[str, Any]) -> bool:
    """Whether people would be taken off lists that neither the settings nor whoever confirmed it spoke of."""
    removal = run.frozen["removal"]
    everywhere = removal["unsubscribe_scope"] != UnsubscribeScope.THIS_LIST
    is_agreed = removal["unsubscribes_everywhere"] or agreed.get("unsubscribes_everywhere")
    return removal["how"] == Removal.UNSUBSCRIBE and everywhere and not is_agreed


def _suspicious_segment(run: Run) -> str:
    """Segments are compared with how they were when removals were last left to themselves, so that a segment that
    stays halved stays suspicious. They may have been refreshed since the run was checked: the plan's own moment
    counts."""
    before = _members_before(run)
    members = audience.member_counts([segment["id"] for segment in run.frozen["segments"]])
    if not any(members.values()) or any(before.get(pk) and not now for pk, now in members.items()):
        return HeldBecause.EMPTY
    return HeldBecause.HALVED if any(now * 2 <= before.get(pk, 0) for pk, now in members.items()) else ""


def _members_before(run: Run) -> dict[int, int]:
    earlier = Run.objects.filter(
        export=run.export_id,
        account=run.account,
        list_id=run.list_id,
        clears=None,
        removals_held=0,
        status__in=(JobStatus.SUCCESSFUL, JobStatus.WARNINGS),
    )
    frozen = earlier.order_by("-pk").values_list("frozen", flat=True).first() or {}
    return {segment["id"]: segment.get("members", 0) for segment in frozen.get("segments", ())}


def _count() -> int:
    with database.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM leaving")
        return int(cursor.fetchone()[0])


def _leaving(destination: Destination, deed: Deed) -> Iterator[Person]:
    """Those of whom nothing has to be asked first, then the others: marking takes the first by the thousand."""
    with closing(database.chunked_cursor()) as cursor:
        cursor.execute(
            """
            SELECT email, data_hash::text, sent_since, sent_until, has_brought FROM leaving
             ORDER BY has_brought DESC, email
            """
        )
        while rows := cursor.fetchmany(_FETCH):
            for email, data_hash, since, until, has_brought in rows:
                payload = destination.removal_payload(email, Sending(since, until, has_brought))
                single = deed != Deed.MARK or not has_brought
                yield Person(0, email, payload, data_hash, is_new=False, deed=deed, single=single)
