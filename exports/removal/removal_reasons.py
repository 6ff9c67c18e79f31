"""Say of the contacts to remove why they leave, and which segment they have left, as far as that is known: before
a user confirms their removal, and in a preview."""

from collections.abc import Collection

from django.db import connection as database

from config.platform import db
from exports.models import Run, RunKind
from exports.models.snapshot import NO_SNAPSHOT, RunSnapshot
from exports.state.plan_action import EXCLUDED_CODE, NO_PROFILE, NOT_IN_ANY_SEGMENT, NOT_USED_SEGMENT
from segments import audience

# Members who are excluded leave like contacts who are no members.
_OF_MEMBERS = f"""
    UPDATE leaving SET code = {EXCLUDED_CODE}
      FROM plan WHERE plan.email = leaving.email AND plan.action IN ('exclusion', 'no_consent', 'control')
"""  # noqa: S608 - only our own fragments are put in
_LEFT = """
    UPDATE leaving SET segment = coalesce(left_segment.segment, ''),
                       code = CASE WHEN NOT left_segment.has_profile THEN %s WHEN is_member THEN %s ELSE code END
      FROM left_segment WHERE left_segment.email = leaving.email AND leaving.code = %s
"""


def explain(snapshot: RunSnapshot, former_segments: Collection[int] = ()) -> None:
    """Add ``code`` and ``segment`` to the temporary table ``leaving``, by the plan of this transaction.
    ``former_segments`` are those of the last run: the export may no longer use some of them."""
    with db.without_nested_loops(), database.cursor() as cursor:
        cursor.execute("ALTER TABLE leaving ADD COLUMN code text NOT NULL DEFAULT ''")
        cursor.execute("ALTER TABLE leaving ADD COLUMN segment text NOT NULL DEFAULT ''")
        cursor.execute("UPDATE leaving SET code = %s", [NOT_IN_ANY_SEGMENT])
        cursor.execute(_OF_MEMBERS)
        removed = sorted(set(former_segments) - set(snapshot.segment_ids))
        audience.write_left_segments(
            "left_segment",
            "SELECT email FROM leaving",
            attribute=snapshot.email_attribute,
            segment_ids=snapshot.segment_ids,
            former_ids=removed,
        )
        cursor.execute(_LEFT, [NO_PROFILE, NOT_USED_SEGMENT, NOT_IN_ANY_SEGMENT])


def last_segments(export_id: int, *, before: int | None = None) -> list[int]:
    """Return the segments of the last run of an export that was planned, or of the last one ``before`` another."""
    runs = Run.objects.filter(export=export_id, planned_at__isnull=False).exclude(kind=RunKind.LIST_CLEANUP)
    runs = runs.filter(pk__lt=before) if before else runs
    last = runs.order_by("-pk").first()
    return last.snapshot.segment_ids if last and last.snapshot != NO_SNAPSHOT else []
