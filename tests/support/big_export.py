"""A big export for tests of crashes: from a CSV file to the sandbox, with all that must hold at its end."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from django.core.management import call_command
from django.db import connection as database

from config.platform.jobs import clock
from config.platform.jobs.models import JobStatus
from config.platform.text.addresses import VALID_EMAIL
from exports.actions import runs
from exports.feedback import watches
from exports.models import Export, ListWatch, Outcome, Run, SyncedContact
from segments.actions import create_segment
from segments.models import Segment
from segments.rules.tree import EVERYONE
from tests.support import exports, waiting
from tests.support.people_csv import PlanCounts, write_people_csv
from tests.support.profiles import profile_count
from tests.support.sandbox import RunningSandbox

MAPPING = [
    {"attribute": "first_name", "field": "name"},
    {"attribute": "city", "field": "[City]"},
    {"attribute": "birth_date", "field": "[BirthDate]"},
]
# Some that the sandbox does not take: refused for their own data, or suppressed since they have unsubscribed.
REFUSED, UNSUBSCRIBED = 5, 7


@dataclass(frozen=True)
class BigExport:
    """An export of everyone in a file; ``expected`` holds every valid address of it once."""

    export: Export
    figures: PlanCounts
    expected: frozenset[str]
    refused: frozenset[str]
    unsubscribed: frozenset[str]


def make(folder: Path, sandbox: RunningSandbox, rows: int) -> BigExport:
    """Import ``rows`` profiles from a CSV file and set up their export; nothing is run yet. The sandbox will
    refuse some of them. settings.CAMPAIGN_MONITOR_SANDBOX_URL has to be the sandbox's address."""
    path = folder / "people.csv"
    figures = write_people_csv(path, rows)
    call_command("import_profiles", str(path), "--key", "id", "--source", "People", verbosity=0)
    assert profile_count() == rows
    create_segment(name="Everyone", rules_tree=EVERYONE, by=None, wake_worker=False)
    call_command("refresh_segments", verbosity=0)
    expected = _addresses(path)
    assert len(expected) == figures.unique
    some = sorted(expected)[:: max(1, len(expected) // (REFUSED + UNSUBSCRIBED))]
    refused, unsubscribed = some[:REFUSED], some[REFUSED : REFUSED + UNSUBSCRIBED]
    sandbox.set_state(unsubscribed, "Unsubscribed")
    connection = exports.sandbox_connection(sandbox)
    export = exports.export_to(sandbox, connection, Segment.objects.get(), mapping=MAPPING)
    # The run meets those who unsubscribed, not a look at the list before it.
    watches.make_missing()
    ListWatch.objects.update(due_at=clock.now() + timedelta(days=1))
    return BigExport(export, figures, expected, frozenset(refused), frozenset(unsubscribed))


def refusing(big: BigExport) -> dict[str, object]:
    """Make the fault that lets the sandbox refuse a few contacts for their own data."""
    return {"kind": "refuse_emails", "emails": sorted(big.refused), "code": 1}


def start(big: BigExport) -> Run:
    return runs.start_run(big.export, by=None)


def wait_until(run: Run, reached: Callable[[Run], bool]) -> None:
    """Wait until the run has come that far; an AssertionError tells where it stands when it never does."""

    def it_has() -> bool:
        run.refresh_from_db()
        there = reached(run)
        assert there or run.is_open, where()
        return there

    def where() -> str:
        progress = f"{run.progress_done} of {run.progress_total}, attempt {run.attempt}"
        return f"{run.status}, {run.stage}, {progress}: {run.reason} {run.message}"

    waiting.wait_until(it_has, tell=where)


def has_ended(run: Run) -> bool:
    return not run.is_open


def check_that_everyone_is_there_once(big: BigExport, run: Run, sandbox: RunningSandbox) -> None:
    """Every valid address is on the list exactly once, and every profile is accounted for exactly once."""
    sandbox.faults({"latency_ms": 0})  # what follows reads every page of the list
    figures, taken = big.figures, big.expected - big.refused - big.unsubscribed
    assert run.status == JobStatus.WARNINGS, (run.status, run.reason, run.message)
    assert (run.members, run.planned) == (figures.rows, figures.unique)
    assert (run.invalid, run.duplicates) == (figures.without_email + figures.invalid, figures.duplicates)
    assert (run.delivered, run.left, run.rejected, run.not_sent) == (len(taken), UNSUBSCRIBED, REFUSED, 0)
    assert sandbox.counts()["Active"] == run.delivered
    assert {person["EmailAddress"] for person in sandbox.people()} == taken
    assert set(SyncedContact.objects.values_list("email", flat=True)) == taken
    assert _each_in_one_batch(run) == figures.unique
    _check_refusals(big, run)


def _check_refusals(big: BigExport, run: Run) -> None:
    exceptional = Outcome.objects.filter(run=run)
    assert exceptional.count() == run.invalid + run.duplicates + UNSUBSCRIBED + REFUSED
    for kind, code, emails in (("left", "206", big.unsubscribed), ("rejected", "1", big.refused)):
        rows = exceptional.filter(kind=kind)
        assert {row.email for row in rows} == emails
        assert {row.code for row in rows} == {code}
        assert all(row.message for row in rows)


def _each_in_one_batch(run: Run) -> int:
    """Count the contacts of the batches that were sent last; none is in two."""
    with database.cursor() as cursor:
        cursor.execute(
            """
            SELECT count(*), count(DISTINCT email)
              FROM exports_batch batch, unnest(batch.emails) AS email
             WHERE run_id = %s AND status = 'done'
            """,
            [run.pk],
        )
        people, different = cursor.fetchone()
    assert people == different
    return int(people)


def _addresses(path: Path) -> frozenset[str]:
    """Every valid address of the file, by other means than the product's SQL."""
    valid = re.compile(VALID_EMAIL)
    with path.open(encoding="utf-8") as file:
        next(file)
        addresses = {line.split(",", 2)[1].strip().lower() for line in file}
    return frozenset(address for address in addresses if valid.match(address))
