"""Summarize what a run would do: the counts of its plan, what they come from, and its first contacts.

All of it is computed in one transaction that is rolled back, in a number of queries that does not depend on the
number of segments.
"""

from dataclasses import asdict, dataclass
from typing import Any

from django.db.models import Aggregate, Count, Q, Sum

from connections.models import Connection
from exports.models import IS_REMOVAL, BatchStatus, ExportPreview, Run
from exports.preview import dry_run
from exports.preview.dry_run import Preview
from exports.results.summary import Phase, ResultSummary
from segments import audience

FIRST = 20
# Calls in flight that a run may count on when the connection has others to serve too.
_USUAL_AT_ONCE = 4
_LONGEST_SECONDS = 600


@dataclass(frozen=True)
class PreviewSummary:
    """All that the page of a preview shows, as plain values. ``seconds`` is None while it is unknown how long a
    call takes."""

    list_title: str
    active_people: int | None
    results: dict[str, int]  # a ResultSummary
    removal_guard: str  # a removing.RemovalGuard
    over_connection: int | None  # people of all exports, where the contract of the connection counts them
    calls: int
    seconds: float | None
    at_once: int
    segments: list[dict[str, Any]]
    overlaps: list[list[int]]  # segment, segment, people in both
    violations: list[str]  # among the first people, by sentence
    left_out: list[str]  # values that the list cannot hold, the same


def outline(job: ExportPreview) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The outline and the first contacts: those to send with their payload, then those to remove, whose
    ``is_removal`` is true. Raises DestinationError, NotConnected, PersonErased, LeaseLost, and OperationalError
    when it takes too long."""
    export = job.export
    seen = dry_run.preview(export, first=FIRST, patience_seconds=_LONGEST_SECONDS, job=job)
    segments = audience.segment_summaries(list(export.segments.values_list("pk", flat=True)))
    at_once = _calls_at_once(export.connection)
    outlined = PreviewSummary(
        list_title=seen.list_details.title,
        active_people=seen.list_details.active_people,
        results=results_of(seen).as_numbers(),
        removal_guard=str(seen.removals.removal_guard),
        over_connection=seen.over_connection,
        calls=seen.calls + seen.calls_to_remove,
        seconds=run_seconds(
            export.connection,
            calls=seen.calls,
            calls_to_remove=seen.calls_to_remove,
            to_remove=seen.removals.to_remove,
        ),
        at_once=at_once,
        segments=[
            {
                "id": segment.id,
                "name": segment.name,
                "members": segment.member_count,
                "refreshed_at": segment.refreshed_at.isoformat() if segment.refreshed_at else None,
            }
            for segment in segments
        ],
        overlaps=[
            [one, other, people]
            for (one, other), people in audience.overlaps([segment.id for segment in segments]).items()
        ],
        violations=[sentence for _email, sentence in seen.violations],
        left_out=sorted(set(seen.left_out)),
    )
    to_send = [asdict(contact) for contact in seen.contacts]
    to_remove = [{"email": email, "payload": "", "is_removal": True} for email in seen.leaving]
    return asdict(outlined), [*to_send, *to_remove]


def results_of(seen: Preview) -> ResultSummary:
    """Summarize the results that a run would have before it sends. Contacts that the list kept out when last asked
    are suppressed still."""
    counts, removals = seen.plan_counts, seen.removals
    return ResultSummary(
        phase=Phase.PREVIEW,
        unchanged=counts.unchanged,
        invalid=counts.invalid,
        duplicate=counts.duplicate,
        exclusion=counts.exclusion,
        no_consent=counts.no_consent,
        control=counts.control,
        suppressed=seen.left_before,
        previously_rejected=counts.kept_out - seen.left_before,
        not_attempted=counts.to_send,
        planned=counts.to_send,
        to_add=counts.to_add,
        to_update=counts.to_update,
        not_removed=removals.to_remove,
        awaiting_confirmation=removals.held,
    )


def run_seconds(
    connection: Connection | None, *, calls: int, calls_to_remove: int, to_remove: int
) -> float | None:
    """How long it would take, by the latest runs over the connection; None where they do not tell."""
    at_once = _calls_at_once(connection)
    runs = Run.objects.filter(export__connection=connection).order_by("-pk")
    per_call = _mean(runs.filter(delivered__gt=0).first(), ~IS_REMOVAL, calls=Count("pk"))
    sending = _spread(calls, per_call, at_once)
    if not calls_to_remove:
        return sending
    per_person = _mean(runs.filter(removed__gt=0).first(), IS_REMOVAL, calls=Sum("size"))
    removing = _spread(to_remove, per_person, at_once)
    return sending + removing if sending is not None and removing is not None else None


def _spread(calls: int, seconds_each: float | None, at_once: int) -> float | None:
    return calls * seconds_each / min(at_once, max(1, calls)) if seconds_each is not None else None


def _mean(run: Run | None, batches: Q, *, calls: Aggregate) -> float | None:
    """How long each took on average in that run."""
    if run is None:
        return None
    done = run.batches.filter(batches, status=BatchStatus.DONE, seconds__isnull=False)
    found = done.aggregate(seconds=Sum("seconds"), calls=calls)
    return float(found["seconds"]) / found["calls"] if found["calls"] else None


def _calls_at_once(connection: Connection | None) -> int:
    """What the connection has learned, else what a run begins with."""
    if connection is None:
        return 1
    return min(connection.learned_in_flight or _USUAL_AT_ONCE, connection.max_in_flight)
