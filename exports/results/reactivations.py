"""What is known of contacts that had been removed, once they have been sent again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection as database

from connections.destinations.values import MARK_CHANGED, BatchOperation, BatchReceipt, ProfileRefusal, RefusalKind
from exports.models import Batch, DeliveredSet, Origin, RemovedContact, SyncedContact
from exports.results.unacknowledged import was_sent_before

# The contacts of a batch that had been removed; whether they are known to be on the list all the same: their
# removal was never answered; and whether an earlier run has added them again since: the removal is remembered
# because a call of it may land late.
_FORGET = """
    DELETE FROM exports_removedcontact removed
     USING exports_deliveredset known,
           (SELECT unnest(emails) AS email FROM exports_batch WHERE id = %(batch)s) person
     WHERE known.id = %(set)s AND removed.list_state_id = known.list_state_id AND removed.email = person.email
       AND removed.email <> ALL (%(stay)s::text[])
       AND NOT (removed.operation = 'mark' AND removed.email = ANY (%(still_marked)s::text[]))
    RETURNING removed.email, EXISTS (SELECT FROM exports_syncedcontact contact
                                      WHERE contact.list_state_id = removed.list_state_id
                                        AND contact.email = removed.email),
              EXISTS (SELECT FROM exports_syncedcontact contact
                       WHERE contact.list_state_id = removed.list_state_id AND contact.email = removed.email
                         AND contact.added_run_id > removed.run_id)
"""


@dataclass(frozen=True)
class Reactivated:
    """What is known of the contacts of a batch that had been removed: the new origin by address, and the contacts
    that an earlier run had added again already, where it can only be assumed."""

    origins: Mapping[str, Origin] = field(default_factory=dict)
    added_earlier: Sequence[str] = ()


def record(
    batch: Batch,
    delivered_set_id: int,
    receipt: BatchReceipt,
    refusals: Sequence[ProfileRefusal],
    *,
    restores: bool = False,
) -> Reactivated:
    """Forget that the contacts of a batch had been removed, apart from those whose refusal leaves them so.

    Call it in the transaction that records the batch, before its contacts are kept. Returns the new origin of
    contacts, by address; others keep the origin that they have. A contact that this batch has made active again
    counts as added by us; one to restore as found there. One that was active already keeps its origin where the
    removal may not have happened, and signed up without us where it did. Where the answer of an earlier call of
    the batch was lost, the run that had added a contact since the removal counts as the one that did."""
    forgotten = _forget(batch, delivered_set_id, refusals)
    if restores:
        list_state_id = DeliveredSet.objects.values_list("list_state", flat=True).get(pk=delivered_set_id)
        contacts = SyncedContact.objects.filter(list_state=list_state_id, email__in=forgotten)
        contacts.update(origin=Origin.PRE_EXISTING)
        return Reactivated(dict.fromkeys(forgotten, Origin.PRE_EXISTING))
    added_again = receipt.added_again or ()
    is_told = receipt.added_again is not None and not was_sent_before(batch)
    found = {
        email: _origin(email in added_again or (False if is_told else None), is_known=is_known)
        for email, (is_known, _was_added) in forgotten.items()
    }
    origins = {email: origin for email, origin in found.items() if origin is not None}
    earlier = [] if is_told else [email for email, (_is_known, was_added) in forgotten.items() if was_added]
    return Reactivated(origins, earlier)


def _forget(
    batch: Batch, delivered_set_id: int, refusals: Sequence[ProfileRefusal]
) -> Mapping[str, tuple[bool, bool]]:
    """Forget the removals. Returns by address whether the list state holds the contact (nothing answered for the
    removal), and whether a run after the removal has added it."""
    parameters: dict[str, Any] = {
        "batch": batch.pk,
        "set": delivered_set_id,
        "stay": [
            refusal.email for refusal in refusals if _stays_removed(BatchOperation(batch.operation), refusal.kind)
        ],
        "still_marked": [each.email for each in refusals if each.code != MARK_CHANGED],
    }
    with database.cursor() as cursor:
        cursor.execute(_FORGET, parameters)
        return {email: (is_known, was_added) for email, is_known, was_added in cursor.fetchall()}


def _origin(was_added: bool | None, *, is_known: bool) -> Origin | None:
    """Tell the new origin of a contact; ``was_added`` is None when no answer tells whether we added it again."""
    if was_added:
        return Origin.ADDED
    if is_known:
        return None
    return Origin.ADDED if was_added is None else Origin.PRE_EXISTING


def record_one(
    list_state_id: int,
    email: str,
    operation: BatchOperation,
    refused: RefusalKind | None,
    *,
    is_known: bool,
    was_added: bool | None,
) -> None:
    """Record the same of one contact that was sent by hand; ``refused`` is None when the contact was taken."""
    if refused and _stays_removed(operation, refused):
        return
    gone, _models = RemovedContact.objects.filter(list_state=list_state_id, email=email).delete()
    origin = _origin(was_added, is_known=is_known) if gone and not refused else None
    if origin is not None:
        SyncedContact.objects.filter(list_state=list_state_id, email=email).update(origin=origin)


def _stays_removed(operation: BatchOperation, refused: RefusalKind) -> bool:
    """Tell whether a contact that was refused is still as the removal has left it."""
    return operation not in (BatchOperation.READD, BatchOperation.RESTORE) or refused != RefusalKind.SUPPRESSED
