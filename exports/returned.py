"""What is known of people who had been removed, once they have been sent again."""

from collections.abc import Sequence

from django.db import connection as database

from connections.destinations.values import Deed, OutcomeKind, ProfileRefusal
from exports.models import Batch, Delivered, Origin, Removed


def record(batch: Batch, delivered_set_id: int, refusals: Sequence[ProfileRefusal]) -> None:
    """Whoever is back counts as brought by this export, as before. Whoever was left as they are instead of being
    brought back is in a state that is no longer the export's doing; who was rejected is as before. Call it in the
    transaction that records the batch."""
    if not Removed.objects.filter(delivered_set_id=delivered_set_id).exists():
        return
    with database.cursor() as cursor:
        cursor.execute(
            """
            WITH back AS (
                DELETE FROM exports_removed removed
                 USING (SELECT unnest(emails) AS email FROM exports_batch WHERE id = %(batch)s) person
                 WHERE removed.delivered_set_id = %(set)s AND removed.email = person.email
                   AND removed.email <> ALL (%(stay)s::text[])
                RETURNING removed.email)
            UPDATE exports_delivered delivered SET origin = %(origin)s FROM back
             WHERE delivered.delivered_set_id = %(set)s AND delivered.email = back.email
            """,
            {
                "batch": batch.pk,
                "set": delivered_set_id,
                "stay": [refusal.email for refusal in refusals if _stays_removed(Deed(batch.deed), refusal.kind)],
                "origin": Origin.BROUGHT,
            },
        )


def record_one(delivered_set_id: int, email: str, deed: Deed, refused: OutcomeKind | None) -> None:
    """The same of one person who was sent by hand; ``refused`` is None when they were taken."""
    if refused and _stays_removed(deed, refused):
        return
    gone, _models = Removed.objects.filter(delivered_set=delivered_set_id, email=email).delete()
    if gone:
        Delivered.objects.filter(delivered_set=delivered_set_id, email=email).update(origin=Origin.BROUGHT)


def _stays_removed(deed: Deed, refused: OutcomeKind) -> bool:
    """Whether somebody who was refused is still as the removal has left them."""
    return deed != Deed.BRING_BACK or refused != OutcomeKind.LEFT
