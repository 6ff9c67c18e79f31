"""What is known of people who had been removed, once they have been sent again."""

from collections.abc import Sequence

from django.db import connection as database

from connections.destinations.values import Deed
from exports.models import Batch, Origin, Removed


def record(batch: Batch, delivered_set_id: int, refused: Sequence[str]) -> None:
    """Whoever is back counts as brought by this export, as before. Whoever could not be brought back is in a state
    that is no longer the export's doing. Call it in the transaction that records the batch."""
    if not Removed.objects.filter(delivered_set_id=delivered_set_id).exists():
        return
    gone = "" if batch.deed == Deed.BRING_BACK else " AND removed.email <> ALL (%(refused)s::text[])"
    with database.cursor() as cursor:
        cursor.execute(
            f"""
            WITH back AS (
                DELETE FROM exports_removed removed USING exports_batch batch
                 WHERE batch.id = %(batch)s AND removed.delivered_set_id = %(set)s
                   AND removed.email = ANY (batch.emails){gone}
                RETURNING removed.email)
            UPDATE exports_delivered delivered SET origin = %(origin)s FROM back
             WHERE delivered.delivered_set_id = %(set)s AND delivered.email = back.email
            """,  # noqa: S608 - only our own fragments are put in
            {"batch": batch.pk, "set": delivered_set_id, "refused": list(refused), "origin": Origin.BROUGHT},
        )
