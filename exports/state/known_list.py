"""Which list an export sends to, as the keys that SQL compares with."""

from dataclasses import dataclass

from exports.models import DeliveredSet, ListState

# Whether an export once wanted a contact (a row “contact” of exports_syncedcontact); twice the export's id.
ONCE_WANTED = "(contact.sent_by = %s OR %s = ANY (contact.other_exports))"
# The same for named parameters.
ONCE_WANTED_BY_EXPORT = "(contact.sent_by = %(export)s OR %(export)s = ANY (contact.other_exports))"

# How an upsert into exports_syncedcontact (as “contact”) makes another export the last sender: the one that sent
# before takes its place among the other exports, with the hash of what it sent.
CHANGE_SENDER = """
    data_hash = excluded.data_hash, last_run_id = excluded.last_run_id, sent_by = excluded.sent_by,
    other_exports = CASE
        WHEN contact.sent_by = excluded.sent_by THEN contact.other_exports
        WHEN excluded.sent_by = ANY (contact.other_exports)
        THEN array_replace(contact.other_exports, excluded.sent_by, contact.sent_by)
        ELSE array_append(contact.other_exports, contact.sent_by) END,
    other_hashes = CASE
        WHEN contact.sent_by = excluded.sent_by THEN contact.other_hashes
        WHEN excluded.sent_by = ANY (contact.other_exports)
        THEN contact.other_hashes[:array_position(contact.other_exports, excluded.sent_by) - 1]
             || contact.data_hash
             || contact.other_hashes[array_position(contact.other_exports, excluded.sent_by) + 1:]
        ELSE array_append(contact.other_hashes, contact.data_hash) END,
    unwanted_by = array_remove(contact.unwanted_by, excluded.sent_by)
"""


@dataclass(frozen=True)
class KnownList:
    """The state of a list, and what one export alone knows of it; ids, 0 for what does not exist yet."""

    list_state_id: int = 0
    delivered_set_id: int = 0
    export_id: int = 0

    @classmethod
    def of(cls, known: DeliveredSet) -> "KnownList":
        """What an export knows that has sent there."""
        return cls(known.list_state_id, known.pk, known.export_id)


def find(export_id: int | None, account: str, list_id: str) -> KnownList:
    """The same of an export that may never have run, or is not saved yet (None)."""
    state = ListState.objects.filter(account=account, list_id=list_id).values_list("pk", flat=True).first()
    known = DeliveredSet.objects.filter(export=export_id, account=account, list_id=list_id)
    return KnownList(state or 0, known.values_list("pk", flat=True).first() or 0, export_id or 0)
