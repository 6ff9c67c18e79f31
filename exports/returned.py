"""What is known of people who had been removed, once they have been sent again."""

from collections.abc import Sequence

from django.db import connection as database

from connections.destinations.values import MARK_CHANGED, Deed, OutcomeKind, ProfileRefusal
from exports.models import Batch, DeliveredSet, Origin, RemovedContact, SyncedContact


def record(
    batch: Batch, delivered_set_id: int, refusals: Sequence[ProfileRefusal], *, restores: bool = False
) -> None:
    """Contacts that are back count as added by us, as before; restored ones count as found there. Who was left as
    they are instead of being added again is in a state that is no longer our doing; who was rejected is as before.
    Call it in the transaction that records the batch."""
    list_state_id = DeliveredSet.objects.values_list("list_state", flat=True).get(pk=delivered_set_id)
    if not RemovedContact.objects.filter(list_state=list_state_id).exists():
        return
    with database.cursor() as cursor:
        cursor.execute(
            """
            WITH back AS (
                DELETE FROM exports_removedcontact removed
                 USING (SELECT unnest(emails) AS email FROM exports_batch WHERE id = %(batch)s) person
                 WHERE removed.list_state_id = %(list)s AND removed.email = person.email
                   AND removed.email <> ALL (%(stay)s::text[])
                   AND NOT (removed.deed = 'mark' AND removed.email = ANY (%(still_marked)s::text[]))
                RETURNING removed.email)
            UPDATE exports_syncedcontact contact SET origin = %(origin)s FROM back
             WHERE contact.list_state_id = %(list)s AND contact.email = back.email
            """,
            {
                "batch": batch.pk,
                "list": list_state_id,
                "stay": [refusal.email for refusal in refusals if _stays_removed(Deed(batch.deed), refusal.kind)],
                "still_marked": [each.email for each in refusals if each.code != MARK_CHANGED],
                "origin": Origin.FOUND_THERE if restores else Origin.BROUGHT,
            },
        )


def record_one(list_state_id: int, email: str, deed: Deed, refused: OutcomeKind | None) -> None:
    """The same of one person who was sent by hand; ``refused`` is None when they were taken."""
    if refused and _stays_removed(deed, refused):
        return
    gone, _models = RemovedContact.objects.filter(list_state=list_state_id, email=email).delete()
    if gone:
        SyncedContact.objects.filter(list_state=list_state_id, email=email).update(origin=Origin.BROUGHT)


def _stays_removed(deed: Deed, refused: OutcomeKind) -> bool:
    """Whether somebody who was refused is still as the removal has left them."""
    return deed not in (Deed.BRING_BACK, Deed.RESTORE) or refused != OutcomeKind.LEFT
