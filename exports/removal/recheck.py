"""Reading once more which contacts are wanted, right before removals are sent: between plan and removal a segment
may have been refreshed, or another export may have been set up. Contacts that are wanted by now leave the batches.
"""

from collections.abc import Iterator

from django.db import connection as database
from django.db import transaction

from config.platform import db
from config.platform.jobs.leases import lock_attempt
from exports.models import Export, ListState, OutcomeKind, Run
from exports.privacy import erasure
from exports.selection import wants
from exports.selection.wants import Wanted
from segments.models import DataSource, Segment

# What the wants of other exports follow from. They can only differ when this does.
WantsVersion = frozenset[tuple[object, ...]]

_TO_REMOVE = """
    CREATE TEMPORARY TABLE to_remove ON COMMIT DROP AS
    SELECT id AS batch_id, unnest(emails) AS email FROM exports_batch
     WHERE run_id = %s AND status = 'planned' AND operation IN ('mark', 'delete', 'unsubscribe')
"""


def version(run: Run) -> WantsVersion:
    """Read what tells whether an export may want other contacts on the list than before: the exports to the list,
    with their settings, and the last refreshes of their segments and of the data sources. Reading the wants
    themselves takes a scan of all members, which is too much for every batch."""
    exports = [export.pk for export in wants.exports_to(run.account, run.list_id, but=None)]
    rows = Export.objects.filter(pk__in=[*exports, run.export_id]).values_list(
        "pk", "version", "segments", "segments__refreshed_at"
    )
    sources = DataSource.objects.values_list("pk", "refreshed_at")
    return frozenset([*rows, *sources])


@transaction.atomic
def keep_wanted(run: Run) -> int:
    """Take the contacts that an export wants now out of the removals that are not sent yet; how many they were.
    Raises LeaseLost."""
    lock_attempt(run)
    found: dict[int, set[str]] = {}
    with db.without_nested_loops(), database.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS pg_temp.to_remove")
        cursor.execute(_TO_REMOVE, [run.pk])
        for wanted in _wanted(run):
            cursor.execute(
                f"SELECT batch_id, email FROM to_remove WHERE email IN ({wanted.sql})",  # noqa: S608 - fragments
                wanted.params,
            )
            for batch_id, email in cursor.fetchall():
                found.setdefault(batch_id, set()).add(email)
    for batch_id, emails in sorted(found.items()):
        erasure.take_out(run, batch_id, sorted(emails))
    return sum(map(len, found.values()))


def _wanted(run: Run) -> Iterator[Wanted]:
    state = ListState.objects.filter(account=run.account, list_id=run.list_id).values_list("pk", flat=True)
    yield from wants.of_others(run.account, run.list_id, state.first() or 0, but=run.export_id)
    if not run.is_cleanup:
        yield from _members(run)


def _members(run: Run) -> Iterator[Wanted]:
    """The members of the run's own segments: all of them where a segment was refreshed after the plan, else
    without those that the plan left out for want of consent. They are read in either case: a refresh that ended
    while the plan was being written is older than the plan, and not in it."""
    segment_ids = [segment["id"] for segment in run.frozen["segments"]]
    members = wants.members(segment_ids, run.frozen["email_attribute"])
    if run.planned_at and Segment.objects.filter(pk__in=segment_ids, refreshed_at__gt=run.planned_at).exists():
        yield members
    else:
        left_out = "SELECT email FROM exports_outcome WHERE run_id = %s AND kind = %s"
        yield Wanted(f"{members.sql} EXCEPT {left_out}", [*members.params, run.pk, OutcomeKind.NO_CONSENT])
