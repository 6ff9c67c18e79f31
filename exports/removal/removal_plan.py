"""The contacts that a run removes: those that our exports added to the list, that this export once wanted, and
that no export to the list wants now. Guards hold removals that look like a mistake until a person confirms them.

Works beside the temporary tables ``plan`` and ``unplanned`` (selection/diff.py), in the same transaction.
"""

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from django.db import connection as database
from django.db import models, transaction
from django.utils.translation import gettext_lazy as _

from config.platform import db
from config.platform.jobs.leases import lock_attempt
from config.platform.removal_limits import is_large
from connections.destinations.base import Destination
from connections.destinations.values import BatchOperation, Sending, UnsubscribeScope
from exports.batches.writer import BatchContact, BatchWriter
from exports.models import DeliveredSet, Export, ListState, Origin, OutcomeKind, Removal, Run, SyncedContact
from exports.privacy import erasure
from exports.removal import removal_reasons
from exports.selection import wants
from exports.selection.wants import Wanted
from exports.state.known_list import ONCE_WANTED, KnownList
from exports.state.plan_action import NOT_IN_ANY_SEGMENT, UNKNOWN_DATA
from segments.models import DataSource, Segment

_IS_UNPLANNED = "EXISTS (SELECT FROM unplanned WHERE unplanned.email = {table}.email)"
# When the first run that sent a contact had ended, by the clock of the list's dates: it did not add who joined
# later. Where people are asked to confirm, they join when they do.
_SENT_UNTIL = r"""
    CASE WHEN run.snapshot ->> 'clock_there' ~ '^\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?$'
              AND run.snapshot ->> 'confirmed_opt_in' = 'false'
         THEN coalesce(to_char((run.snapshot ->> 'clock_there')::timestamp + (run.finished_at - run.checked_at),
                      'YYYY-MM-DD HH24:MI:SS'), '') ELSE '' END"""
_FETCH = 2000


class RemovalGuard(models.TextChoices):
    """Which guard holds the removals."""

    MANY = "many", _("More than a fifth of the contacts that the export added would be removed.")
    EMPTY = wants.EMPTY, _("A segment is empty.")
    HALVED = wants.HALVED, _("A segment has lost at least half of its members.")
    REACH = "reach", _("Unsubscribing applies to all lists of the client, which has not been accepted.")
    GROWN = "grown", _("There are more contacts to remove than were confirmed.")


@dataclass(frozen=True)
class Removals:
    """How many are removed, or held and why."""

    to_remove: int = 0
    held: int = 0
    removal_guard: str = ""


# What the wants of other exports follow from. They can only differ when this does.
WantsVersion = frozenset[tuple[object, ...]]
_TO_REMOVE = """
    SELECT id, unnest(emails) FROM exports_batch
     WHERE run_id = %s AND status = 'planned' AND operation IN ('mark', 'delete', 'unsubscribe')
"""


def plan(run: Run, delivered_set: DeliveredSet, writer: BatchWriter) -> Removals:
    """Write the batches of the run's removals, after those of its contacts; or say which guard holds them."""
    known = KnownList.of(delivered_set)
    removals = count_removals(run, delivered_set)
    if removals.to_remove:
        _restore_marked_contacts(run, known)
        destination = run.destination
        for person in _leaving(destination, BatchOperation(run.snapshot.removal.how)):
            writer.add(person)
        writer.flush()
    if removals.held:
        _list_held(run)
    return removals


def _list_held(run: Run) -> None:
    """List the contacts who await confirmation as results of the run, so that a person sees them before."""
    if run.is_cleanup:  # it has no plan of members
        contacts, code = "SELECT email, %s AS code, '' AS segment FROM leaving", [NOT_IN_ANY_SEGMENT]
    else:
        removal_reasons.explain(run.snapshot, removal_reasons.last_segments(run.export_id, before=run.pk))
        contacts, code = "SELECT email, code, segment FROM leaving", []
    with database.cursor() as cursor:
        cursor.execute(
            "INSERT INTO exports_outcome (run_id, kind, email, code, segment, message)"  # noqa: S608
            f" SELECT %s, %s, email, code, segment, '' FROM ({contacts}) contact ORDER BY email",
            [run.pk, OutcomeKind.TO_REMOVE, *code],
        )


def count_removals(run: Run, delivered_set: DeliveredSet) -> Removals:
    """Count the contacts to remove, and find the guard that holds their removal. Leaves the temporary table
    ``leaving``."""
    how = run.snapshot.removal.how
    if how == Removal.LEAVE:
        return Removals()
    known = KnownList.of(delivered_set)
    _select_leaving(known, all_contacts=run.is_cleanup)
    if how != Removal.MARK:
        _add_marked_contacts(known, all_contacts=run.is_cleanup)
    _retain_wanted_by_others(delivered_set)
    count = _count()
    guard = _find_guard(run, known, count) if count else ""
    return Removals(held=count, removal_guard=guard) if guard else Removals(to_remove=count)


def count_all_removals(delivered_set: DeliveredSet) -> int:
    """Count the contacts that a cleanup of the list would remove, at most: contacts that are marked already are
    not marked again. Leaves the temporary table ``leaving``."""
    known = KnownList.of(delivered_set)
    _select_leaving(known, all_contacts=True)
    _add_marked_contacts(known, all_contacts=True)
    _retain_wanted_by_others(delivered_set)
    return _count()


def _select_leaving(known: KnownList, *, all_contacts: bool) -> None:
    """Select contacts that the export once wanted, that were added by us and, unless ``all_contacts`` leave, are
    not in the plan. Where it is not known who added them, the list's date of joining is compared with its
    time when they were first sent; without that they count as pre-existing."""
    with db.without_nested_loops(), database.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS pg_temp.leaving")
        leaves = "true" if all_contacts else _IS_UNPLANNED.format(table="contact")
        cursor.execute(
            f"""
            CREATE TEMPORARY TABLE leaving ON COMMIT DROP AS
            SELECT contact.email, contact.data_hash,
                   coalesce(run.snapshot ->> 'clock_there', '') AS sent_since, {_SENT_UNTIL} AS sent_until,
                   contact.origin = %s AS added_by_us,
                   coalesce(run.snapshot ->> 'clock_zone_known', 'true') = 'true' AS zone_known
              FROM (SELECT email, data_hash, origin, added_run_id FROM exports_syncedcontact contact
                     WHERE contact.list_state_id = %s AND {ONCE_WANTED} AND contact.origin = ANY (%s)
                       AND {leaves}
                    OFFSET 0) contact  -- the few that leave are found before their runs are
              LEFT JOIN exports_run run ON run.id = contact.added_run_id
             WHERE contact.origin = %s OR run.snapshot ->> 'clock_there' <> ''
            """,  # noqa: S608 - only our own fragments are put in
            [
                *(Origin.ADDED, known.list_state_id, known.export_id, known.export_id),
                [Origin.ADDED, Origin.UNKNOWN],
                Origin.ADDED,
            ],
        )


def _add_marked_contacts(known: KnownList, *, all_contacts: bool) -> None:
    """Add contacts that this export once wanted and that were marked when they left: they are still on the list
    because of us. A mark may also be remembered because a late call may have set it, of a contact that the list
    state holds: such a contact leaves here only when we added it."""
    with db.without_nested_loops(), database.cursor() as cursor:
        leaves = "true" if all_contacts else _IS_UNPLANNED.format(table="removed")
        cursor.execute(
            f"""
            INSERT INTO leaving
            SELECT removed.email, %s, '', '', true, true FROM exports_removedcontact removed
             WHERE removed.list_state_id = %s AND removed.operation = %s AND %s = ANY (removed.exports)
               AND {leaves}
               AND NOT EXISTS (SELECT FROM leaving WHERE leaving.email = removed.email)
               AND NOT EXISTS (SELECT FROM exports_syncedcontact contact
                                WHERE contact.list_state_id = removed.list_state_id
                                  AND contact.email = removed.email AND contact.origin <> %s)
            """,  # noqa: S608 - only our own fragments are put in
            [
                *(UNKNOWN_DATA, known.list_state_id, BatchOperation.MARK, known.export_id),
                Origin.ADDED,
            ],
        )


def _restore_marked_contacts(run: Run, known: KnownList) -> None:
    """Write that the list holds contacts that were marked, so that the result of their removal is kept as that
    of others."""
    with database.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO exports_syncedcontact
                   (list_state_id, email, data_hash, sent_by, last_run_id, added_run_id, origin)
            SELECT %(list)s, email, %(unknown)s, %(export)s, %(run)s, %(run)s, %(added)s FROM leaving
             WHERE data_hash = %(unknown)s ON CONFLICT DO NOTHING
            """,
            {
                "list": known.list_state_id,
                "export": known.export_id,
                "unknown": UNKNOWN_DATA,
                "run": run.pk,
                "added": Origin.ADDED,
            },
        )


def _retain_wanted_by_others(delivered_set: DeliveredSet) -> None:
    """Contacts that another export to the same list wants now stay."""
    account, list_id, state = delivered_set.account, delivered_set.list_id, delivered_set.list_state_id
    wanted = list(wants.wanted_by_others(account, list_id, state, but=delivered_set.export_id))
    for block in db.read_in_blocks("SELECT email FROM leaving", rows=wants.BLOCK) if wanted else ():
        stay = wants.wanted_among([email for (email,) in block], wanted)
        with db.without_nested_loops(), database.cursor() as cursor:
            cursor.execute(
                "DELETE FROM leaving WHERE email IN (SELECT jsonb_array_elements_text(%s))", [db.as_json(stay)]
            )


def _find_guard(run: Run, known: KnownList, count: int) -> str:
    options = run.snapshot.options
    agreed = options.removal or {}
    if _reaches_further_than_agreed(run, agreed):
        return RemovalGuard.REACH
    if run.is_cleanup:
        return _find_cleanup_guard(count, options.confirmed_removals or 0)
    if options.confirmed_removals is not None and agreed.get("how") == run.snapshot.removal.how:
        return "" if count <= options.confirmed_removals else RemovalGuard.GROWN
    segment_ids = run.snapshot.segment_ids
    if because := wants.find_guard(run.export_id, run.account, run.list_id, segment_ids):
        return because
    people = contacts_of(known).count()
    return RemovalGuard.MANY if is_large(count, people) else ""


def _find_cleanup_guard(count: int, confirmed: int) -> str:
    """A run that was still under way may have added some more; that is no other question than the one which was
    answered."""
    return RemovalGuard.GROWN if is_large(count - confirmed, confirmed) else ""


def _reaches_further_than_agreed(run: Run, agreed: Mapping[str, Any]) -> bool:
    """Tell whether contacts would be removed from lists that neither the settings nor the confirmation named."""
    removal = run.snapshot.removal
    everywhere = removal.unsubscribe_scope != UnsubscribeScope.THIS_LIST
    is_agreed = removal.unsubscribes_everywhere or agreed.get("unsubscribes_everywhere")
    return removal.how == Removal.UNSUBSCRIBE and everywhere and not is_agreed


def contacts_of(known: KnownList) -> models.QuerySet[SyncedContact]:
    """The known contacts of a list that an export once wanted."""
    once_wanted = models.Q(sent_by=known.export_id) | models.Q(other_exports__contains=[known.export_id])
    return SyncedContact.objects.filter(once_wanted, list_state=known.list_state_id)


def first_to_remove(limit: int) -> list[str]:
    """Read the first addresses of the contacts to remove, from the temporary table ``leaving`` of
    ``count_removals``."""
    with database.cursor() as cursor:
        cursor.execute("SELECT email FROM leaving ORDER BY email LIMIT %s", [limit])
        return [email for (email,) in cursor.fetchall()]


def _count() -> int:
    with database.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM leaving")
        return int(cursor.fetchone()[0])


def _leaving(destination: Destination, operation: BatchOperation) -> Iterator[BatchContact]:
    """Read the contacts to remove, those who take requests of their own last: marking takes the others by the
    thousand."""
    with closing(database.chunked_cursor()) as cursor:
        cursor.execute(
            """
            SELECT email, data_hash::text, sent_since, sent_until, added_by_us, zone_known FROM leaving
             ORDER BY added_by_us DESC, email
            """
        )
        while rows := cursor.fetchmany(_FETCH):
            for email, data_hash, since, until, added_by_us, zone_known in rows:
                payload = destination.removal_payload(email, Sending(since, until, added_by_us, zone_known))
                single = operation != BatchOperation.MARK or not added_by_us
                yield BatchContact(0, email, payload, data_hash, is_new=False, operation=operation, single=single)


def wants_version(run: Run) -> WantsVersion:
    """Read what tells whether an export may want other contacts on the list than before: the exports to the list,
    with their settings, and the last refreshes of their segments and of the data sources. Reading the wants
    themselves takes a scan of all members, which is too much for every batch."""
    exports = [export.pk for export in wants.exports_to(run.account, run.list_id, but=None)]
    rows = Export.objects.filter(pk__in=[*exports, run.export_id]).values_list(
        "pk", "version", "segments", "segments__refreshed_at"
    )
    sources = DataSource.objects.values_list("pk", "refreshed_at")
    exclusion = Segment.objects.filter(is_exclusion=True).values_list("pk", "refreshed_at")
    return frozenset([*rows, *sources, *(("exclusion", *row) for row in exclusion)])


@transaction.atomic
def keep_wanted_contacts(run: Run) -> int:
    """Take the contacts that an export wants now out of the removals that are not sent yet; how many they were.
    Raises LeaseLost."""
    lock_attempt(run)
    found: dict[int, set[str]] = {}
    wanted = list(_wanted(run))
    for block in db.read_in_blocks(_TO_REMOVE, [run.pk], rows=wants.BLOCK):
        stay = wants.wanted_among([email for _batch_id, email in block], wanted)
        for batch_id, email in block:
            if email in stay:
                found.setdefault(batch_id, set()).add(email)
    for batch_id, emails in sorted(found.items()):
        erasure.take_out(run, batch_id, sorted(emails))
    return sum(map(len, found.values()))


def _wanted(run: Run) -> Iterator[Wanted]:
    state = ListState.objects.filter(account=run.account, list_id=run.list_id).values_list("pk", flat=True)
    yield from wants.wanted_by_others(run.account, run.list_id, state.first() or 0, but=run.export_id)
    if not run.is_cleanup:
        yield _members(run)


def _members(run: Run) -> Wanted:
    """The members of the run's own segments: all of them where a segment was refreshed after the plan, else
    without those that the plan left out for want of consent. They are read in either case: a refresh that ended
    while the plan was being written is older than the plan, and not in it."""
    segment_ids = run.snapshot.segment_ids
    refreshed = Segment.objects.filter(pk__in=segment_ids, refreshed_at__gt=run.planned_at)
    is_newer = bool(run.planned_at) and refreshed.exists()
    return Wanted(
        segment_ids,
        run.snapshot.email_attribute,
        excluded_in=None if is_newer else run.pk,
        held_out=run.snapshot.control.held_out,
    )
