"""What a run writes over that another export sent to the same list.

A field that both map holds the same value for both as long as the other export would send this profile exactly as
it did. Where it would not, it is not known what the list holds of the other's data: its hash becomes unknown, and
its next plan sends the contact again. Exports that map no field in common leave each other's hashes alone. So two
exports never send each other's contacts in turn without an end, and a change by one is seen by the other.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from django.db import connection as database
from django.db.models import Q

from config.platform import db
from exports.models import DeliveredSet, Run, RunKind
from exports.selection import diff
from exports.state.known_list import KnownList
from exports.state.plan_action import SENT
from exports.state.result_codes import UNKNOWN_DATA

# Those who are sent by the plan, as profiles; the columns that a hash is computed from.
_SENT_ACTIONS = ", ".join(f"'{action}'" for action in SENT)
_SENT = f"""
    SELECT profile.id AS profile_id, profile.updated_at, profile.attributes, profile.emails
      FROM plan JOIN segments_profile profile ON profile.id = plan.profile_id
     WHERE plan.action IN ({_SENT_ACTIONS})
"""  # noqa: S608 - only our own names of actions are put in
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


def record(run: Run, known: KnownList) -> None:
    """Set the hashes of other exports to unknown, for contacts that the temporary table ``plan`` sends and whose
    data it may change. Call it in the transaction of the plan."""
    for export_id, frozen in _others(run, known):
        with database.cursor() as cursor:
            hashed, params = diff.hashes(frozen, _SENT)
            cursor.execute("DROP TABLE IF EXISTS pg_temp.as_other_sends")
            cursor.execute(f"CREATE TEMPORARY TABLE as_other_sends ON COMMIT DROP AS {hashed}", params)
            parameters: dict[str, Any] = {"unknown": UNKNOWN_DATA, "list": known.list_state_id, "other": export_id}
            with db.without_nested_loops():
                cursor.execute(_SENT_LAST, parameters)
                cursor.execute(_SENT_BEFORE, parameters)


def _others(run: Run, known: KnownList) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The other exports that have sent to the list and map a field in common, with the settings of their last
    plan."""
    fields = _fields(run.frozen)
    others = DeliveredSet.objects.filter(list_state=known.list_state_id).exclude(export=known.export_id)
    for export_id in others.order_by("export").values_list("export", flat=True):
        last = Run.objects.filter(
            ~Q(kind=RunKind.LIST_CLEANUP),
            export=export_id,
            account=run.account,
            list_id=run.list_id,
            planned_at__isnull=False,
        )
        frozen = last.order_by("-pk").values_list("frozen", flat=True).first()
        if frozen and fields & _fields(frozen):
            yield export_id, frozen


def _fields(frozen: Mapping[str, Any]) -> set[str]:
    return {pair["field"] for pair in frozen["mapping"]}
