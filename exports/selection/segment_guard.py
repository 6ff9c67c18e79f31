"""Whether the segments of an export look as if something went wrong with them: empty, or halved."""

from collections.abc import Sequence

from config.platform.jobs.models import JobStatus
from exports.models import Run, RunKind
from segments import audience

EMPTY = "empty"
HALVED = "halved"


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
    frozen = earlier.order_by("-pk").values_list("frozen", flat=True).first() or {}
    return {segment["id"]: segment.get("members", 0) for segment in frozen.get("segments", ())}
