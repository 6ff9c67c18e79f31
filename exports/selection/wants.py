"""Which exports want a contact on a list: those whose segments hold it now.

An export that cannot be evaluated, or of which a segment is empty or halved, wants the contacts that it wanted in
its last plan; so each plan records what it wants, as soon as several exports send to the list.

A plan also records which data of other exports it overwrites on the list. A field that both map holds the same
value for both as long as the other export would send this profile exactly as it did. Where it would not, the hash
of the other export becomes unknown, and its next plan sends the contact again. Exports that map no field in common
leave each other's hashes alone.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection as database
from django.db.models import Q

from config.platform import db
from config.platform.jobs.models import JobStatus
from config.platform.text.address_share import AddressShare
from exports.models import DeliveredSet, Export, Outcome, OutcomeKind, Run, RunKind
from exports.models.snapshot import NO_SNAPSHOT, RunSnapshot
from exports.selection import diff
from exports.state import run_settings
from exports.state.known_list import ONCE_WANTED, ONCE_WANTED_BY_EXPORT, KnownList
from exports.state.plan_action import SENT, UNKNOWN_DATA, WANTED
from segments import audience
from segments.models import Segment

_NEWLY_WANTED = f"""
    UPDATE exports_syncedcontact contact
       SET other_exports = array_append(contact.other_exports, %(export)s::bigint),
           other_hashes = array_append(contact.other_hashes, CASE WHEN plan.action = 'unchanged'
                                                                  THEN contact.data_hash ELSE %(unknown)s END)
      FROM plan
     WHERE contact.list_state_id = %(list)s AND contact.email = plan.email AND plan.action = ANY (%(wanted)s)
       AND {ONCE_WANTED_BY_EXPORT} IS NOT TRUE
"""  # noqa: S608 - only our own fragments are put in
# The list holds what the export would send, since another export has sent the same.
_HELD_AS_SENT = """
    UPDATE exports_syncedcontact contact
       SET other_hashes[array_position(contact.other_exports, %(export)s::bigint)] = contact.data_hash
      FROM plan
     WHERE contact.list_state_id = %(list)s AND contact.email = plan.email AND plan.action = 'unchanged'
       AND contact.data_hash = plan.data_hash AND %(export)s = ANY (contact.other_exports)
       AND contact.other_hashes[array_position(contact.other_exports, %(export)s::bigint)] <> plan.data_hash
"""
_WANTED_AGAIN = """
    UPDATE exports_syncedcontact contact SET unwanted_by = array_remove(contact.unwanted_by, %(export)s::bigint)
      FROM plan
     WHERE contact.list_state_id = %(list)s AND contact.email = plan.email AND plan.action = ANY (%(wanted)s)
       AND %(export)s = ANY (contact.unwanted_by)
"""
_NO_LONGER_WANTED = f"""
    UPDATE exports_syncedcontact contact SET unwanted_by = array_append(contact.unwanted_by, %(export)s::bigint)
     WHERE contact.list_state_id = %(list)s AND {ONCE_WANTED_BY_EXPORT}
       AND (%(export)s = ANY (contact.unwanted_by)) IS NOT TRUE
       AND NOT EXISTS (SELECT FROM plan WHERE plan.email = contact.email AND plan.action = ANY (%(wanted)s))
"""  # noqa: S608 - only our own fragments are put in


# How many contacts are compared with the members of segments at once, so that memory stays flat.
BLOCK = 50_000


@dataclass(frozen=True)
class Wanted:
    """The contacts that an export wants on a list: the present members of its segments, except those that the run
    ``excluded_in`` excluded for want of consent, and the control group that is ``held_out``; and with ``last``
    those that it wanted there in its last plan."""

    segment_ids: Sequence[int]
    email_attribute: str
    excluded_in: int | None = None
    held_out: AddressShare | None = None
    last: KnownList | None = None

    def among(self, emails: Collection[str]) -> set[str]:
        """Select the contacts that the export wants among these addresses."""
        found = audience.members_with_email(self.segment_ids, self.email_attribute, emails)
        if self.excluded_in is not None:
            found -= _without_consent(self.excluded_in, found)
        if self.held_out is not None:
            found = {email for email in found if not self.held_out.contains(email)}
        return found | _wanted_last(self.last, emails) if self.last else found


EMPTY = "empty"
HALVED = "halved"
_SENT_LAST = """
    UPDATE exports_syncedcontact contact SET data_hash = %(unknown)s
      FROM plan JOIN as_other_sends other ON other.profile_id = plan.profile_id
     WHERE contact.list_state_id = %(list)s AND contact.email = plan.email AND contact.sent_by = %(other)s
       AND contact.data_hash <> other.data_hash
"""
_SENT_BEFORE = """
    UPDATE exports_syncedcontact contact
       SET other_hashes[array_position(contact.other_exports, %(other)s::bigint)] = %(unknown)s
      FROM plan JOIN as_other_sends other ON other.profile_id = plan.profile_id
     WHERE contact.list_state_id = %(list)s AND contact.email = plan.email
       AND %(other)s = ANY (contact.other_exports)
       AND contact.other_hashes[array_position(contact.other_exports, %(other)s::bigint)] <> other.data_hash
"""


def record_wants(run: Run, known: KnownList) -> None:
    """Record which known contacts of the list the export wants by the temporary table ``plan``, and which it does
    not any more. Call it in the transaction of the plan, which has all members; while the export is the only one
    to the list it is not needed."""
    segment_ids = run.snapshot.segment_ids
    guard = find_guard(run.export_id, run.account, run.list_id, segment_ids)
    parameters: dict[str, Any] = {
        "export": known.export_id,
        "list": known.list_state_id,
        "wanted": list(WANTED),
        "unknown": UNKNOWN_DATA,
    }
    statements = [_HELD_AS_SENT, _NEWLY_WANTED, _WANTED_AGAIN, *([] if guard else [_NO_LONGER_WANTED])]
    with db.without_nested_loops(), database.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement, parameters)


def is_shared(run: Run, known: KnownList) -> bool:
    """Say whether other exports send, or have sent, to the list."""
    others = DeliveredSet.objects.filter(list_state=known.list_state_id).exclude(export=known.export_id)
    return others.exists() or bool(exports_to(run.account, run.list_id, but=known.export_id))


def wanted_by_others(account: str, list_id: str, list_state_id: int, *, but: int | None) -> Iterator[Wanted]:
    """What the other exports to a list want there, whatever their status."""
    for export in exports_to(account, list_id, but=but):
        segment_ids = list(export.segments.values_list("pk", flat=True))
        uncertain = not _can_be_evaluated(segment_ids) or find_guard(export.pk, account, list_id, segment_ids)
        last = KnownList(list_state_id, export_id=export.pk) if uncertain else None
        held_out = run_settings.control_of(export).held_out
        yield Wanted(segment_ids, export.email_attribute, held_out=held_out, last=last)


def wanted_among(emails: Collection[str], wanted: Iterable[Wanted]) -> set[str]:
    """Select the contacts that any of these exports wants among these addresses, at most BLOCK of them. Within a
    transaction."""
    found: set[str] = set()
    for each in wanted:
        found |= each.among(set(emails) - found)
    return found


def _without_consent(run_id: int, emails: Collection[str]) -> set[str]:
    excluded = Outcome.objects.filter(run=run_id, kind=OutcomeKind.NO_CONSENT, email__in=emails)
    return set(excluded.values_list("email", flat=True))


def _wanted_last(known: KnownList, emails: Collection[str]) -> set[str]:
    with db.without_nested_loops(), database.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT contact.email FROM exports_syncedcontact contact
             WHERE contact.list_state_id = %s AND {ONCE_WANTED}
               AND contact.email IN (SELECT jsonb_array_elements_text(%s))
               AND (%s = ANY (contact.unwanted_by)) IS NOT TRUE
            """,  # noqa: S608 - only our own fragments are put in
            [known.list_state_id, known.export_id, known.export_id, db.as_json(emails), known.export_id],
        )
        return {email for (email,) in cursor.fetchall()}


def _can_be_evaluated(segment_ids: Sequence[int]) -> bool:
    segments = Segment.objects.filter(pk__in=segment_ids)
    return bool(segment_ids) and not segments.filter(refreshed_at=None).exists()


def exports_to(account: str, list_id: str, *, but: int | None) -> Sequence[Export]:
    """The other exports to a list, with those that have no connection now."""
    others = Export.objects.filter(list_id__iexact=list_id).select_related("connection").order_by("name")
    return [
        other
        for other in others
        if other.pk != but and (other.connection is None or other.connection.account == account)
    ]


def find_guard(export_id: int, account: str, list_id: str, segment_ids: Sequence[int]) -> str:
    """EMPTY, HALVED, or an empty text. Segments are compared with how they were when removals were last left to
    themselves, so that a segment that stays halved stays suspicious; and as they are now, since they may have been
    refreshed since the run was checked."""
    before = _members_before(export_id, account, list_id)
    members = audience.member_counts(segment_ids)
    if not any(members.values()) or any(before.get(pk) and not now for pk, now in members.items()):
        return EMPTY
    return HALVED if any(now * 2 <= before.get(pk, 0) for pk, now in members.items()) else ""


def _members_before(export_id: int, account: str, list_id: str) -> dict[int, int]:
    earlier = Run.objects.filter(
        export=export_id,
        account=account,
        list_id=list_id,
        kind=RunKind.EXPORT,  # others say nothing of the segments
        removals_held=0,
        status__in=(JobStatus.SUCCESSFUL, JobStatus.WARNINGS),
    )
    snapshot = earlier.order_by("-pk").values_list("snapshot", flat=True).first() or NO_SNAPSHOT
    return {segment.id: segment.members for segment in snapshot.segments}


def record_overwritten(run: Run, known: KnownList) -> None:
    """Set the hashes of other exports to unknown, for contacts that the temporary table ``plan`` sends and whose
    data it may change. Call it in the transaction of the plan."""
    for export_id, snapshot in _other_exports(run, known):
        blocks = db.read_in_blocks("SELECT profile_id FROM plan WHERE action = ANY (%s)", [list(SENT)], rows=BLOCK)
        sent = ([profile_id for (profile_id,) in block] for block in blocks)
        diff.write_hashes(snapshot, sent, table="as_other_sends")
        with database.cursor() as cursor:
            parameters: dict[str, Any] = {"unknown": UNKNOWN_DATA, "list": known.list_state_id, "other": export_id}
            with db.without_nested_loops():
                cursor.execute(_SENT_LAST, parameters)
                cursor.execute(_SENT_BEFORE, parameters)


def _other_exports(run: Run, known: KnownList) -> Iterator[tuple[int, RunSnapshot]]:
    """The other exports that have sent to the list and map a field in common, with the settings of their last
    plan."""
    fields = set(run.snapshot.mapped_fields)
    others = DeliveredSet.objects.filter(list_state=known.list_state_id).exclude(export=known.export_id)
    for export_id in others.order_by("export").values_list("export", flat=True):
        last = Run.objects.filter(
            ~Q(kind=RunKind.LIST_CLEANUP),
            export=export_id,
            account=run.account,
            list_id=run.list_id,
            planned_at__isnull=False,
        )
        snapshot = last.order_by("-pk").values_list("snapshot", flat=True).first()
        if snapshot and fields.intersection(snapshot.mapped_fields):
            yield export_id, snapshot
