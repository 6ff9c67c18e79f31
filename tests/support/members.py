"""Add and remove members of a segment, and read the states of a list."""

from collections.abc import Sequence

from django.db.models import Q

from exports.models import Run
from segments.models import Segment
from tests.support import exports, profiles
from tests.support.sandbox import RunningSandbox

CROWD = [f"p{n:02}@example.com" for n in range(20)]


def crowd_of(emails: Sequence[str]) -> Segment:
    """Return a segment of profiles with these addresses and a first name each."""
    profiles.create_profiles([{"email": email, "first_name": f"Name {email[:3]}"} for email in emails])
    return exports.segment_of_everyone("Crowd")


def leave(segment: Segment, *emails: str) -> None:
    """Remove the profiles with these addresses from the segment."""
    profiles.remove_members(segment, *emails)


def join(segment: Segment, *emails: str) -> None:
    """Add the profiles with these addresses to the segment."""
    profiles.add_members(segment, *emails)


def states(sandbox: RunningSandbox, list_id: str | None = None) -> dict[str, str]:
    """Map each address that was ever on the list to its subscriber state."""
    return {
        person["EmailAddress"].lower(): state
        for state in ("Active", "Unconfirmed", "Unsubscribed", "Bounced", "Deleted")
        for person in sandbox.people(list_id, state)
    }


def adds_up(run: Run) -> bool:
    """Say whether the counts of a run equal the sums of their parts."""
    planned = run.delivered + run.left + run.rejected + run.unknown + run.not_sent
    excluded = run.invalid + run.duplicates + run.excluded_by_segment + run.without_consent + run.held_out
    aside = excluded + run.unchanged + run.still_refused
    outcomes = run.outcomes.filter(Q(kind="removed") | Q(kind="kept")).count()
    return (
        run.planned == planned
        and run.members == aside + run.planned
        and run.to_remove == run.removed + run.kept + run.not_removed
        and run.removed + run.kept <= outcomes <= run.to_remove
    )
