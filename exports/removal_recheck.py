"""Reading once more which contacts are wanted, right before removals are sent: between plan and removal a segment
may have been refreshed, or another export may have been set up. Contacts that are wanted by now leave the batches.
"""

from collections.abc import Iterator

from django.db import connection as database
from django.db import transaction

from config.jobs import planner
from config.jobs.leases import hold_fence
from exports import wants
from exports.models import IS_REMOVAL, BatchStatus, ListState, Run
from exports.rights import forgetting
from exports.wants import Wanted
from segments.models import Segment

# Removals are few in a batch, and reading the wants takes a scan of the members: not for every batch.
SECONDS_BETWEEN = 30.0

_TO_REMOVE = """
    CREATE TEMPORARY TABLE to_remove ON COMMIT DROP AS
    SELECT id AS batch_id, unnest(emails) AS email FROM exports_batch
     WHERE run_id = %s AND status = 'planned' AND deed IN ('mark', 'delete', 'unsubscribe')
"""


def removes(run: Run) -> bool:
    """Whether the run has removals that are not sent yet."""
    return run.batches.filter(IS_REMOVAL, status=BatchStatus.PLANNED).exists()


@transaction.atomic
def keep_wanted(run: Run) -> int:
    """Take the contacts that an export wants now out of the removals that are not sent yet; how many they were.
    Raises LeaseLost."""
    hold_fence(run)
    found: dict[int, set[str]] = {}
    with planner.without_nested_loops(), database.cursor() as cursor:
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
        forgetting.take_out(run, batch_id, sorted(emails))
    return sum(map(len, found.values()))


def _wanted(run: Run) -> Iterator[Wanted]:
    state = ListState.objects.filter(account=run.account, list_id=run.list_id).values_list("pk", flat=True)
    yield from wants.of_others(run.account, run.list_id, state.first() or 0, but=run.export_id)
    segment_ids = [segment["id"] for segment in run.frozen["segments"]]
    refreshed = Segment.objects.filter(pk__in=segment_ids, refreshed_at__gt=run.planned_at)
    if run.clears_id is None and run.planned_at and refreshed.exists():
        yield wants.members(segment_ids, run.frozen["email_attribute"])
