"""Note that exports are to run because a data source was imported or another export succeeded.

It is noted in the transaction that ends the import or the run, so that it is neither lost nor doubled by a killed
worker. ``exports/actions/run_after.py`` starts what is noted.
"""

from datetime import timedelta

from django.db import connection as database

from config.platform.jobs import clock
from config.platform.jobs.models import ENDED_WELL
from exports.models import Run, RunKind

# A run begins when so long nothing more has succeeded, so that several successes together start one run …
QUIET = timedelta(seconds=20)
# … but no later than this after the first: programs may push profiles all day.
LONGEST_WAIT = timedelta(minutes=10)


def note_source(source_id: int, name: str) -> None:
    """Note the exports that run after this data source. Within the transaction that ends its import."""
    _note("source_id", source_id, name, refreshes=True)


def note_run(run: Run) -> None:
    """Note the exports that run after this one, if it has succeeded. Within the transaction that ends the run."""
    if run.kind == RunKind.EXPORT and run.status in ENDED_WELL:
        _note("predecessor_id", run.export_id, run.export.name, refreshes=False)


def _note(column: str, pk: int, cause: str, *, refreshes: bool) -> None:
    now = clock.now()
    with database.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO exports_triggeredstart AS noted (export_id, first_at, due_at, refreshes, causes)
            SELECT after.export_id, %(now)s, %(due)s, %(refreshes)s, ARRAY[%(cause)s]::varchar[]
              FROM exports_runafter after JOIN exports_export export ON export.id = after.export_id
             WHERE after.{column} = %(pk)s
               AND export.removal_asked_at IS NULL AND export.connection_id IS NOT NULL
             ORDER BY after.export_id
            ON CONFLICT (export_id) DO UPDATE
               SET due_at = least(noted.first_at + %(longest)s::interval, excluded.due_at),
                   refreshes = noted.refreshes OR excluded.refreshes,
                   causes = CASE WHEN noted.causes @> excluded.causes THEN noted.causes
                                 ELSE noted.causes || excluded.causes END
            """,  # noqa: S608 - a column of ours
            {
                "pk": pk,
                "now": now,
                "due": now + QUIET,
                "longest": f"{LONGEST_WAIT.total_seconds()} seconds",
                "refreshes": refreshes,
                "cause": cause,
            },
        )
