"""What must hold after every fault, whatever it was: the one check of all these tests."""

from collections.abc import Collection
from dataclasses import dataclass

from django.db import connection as database

from config.platform.jobs.models import JobStatus
from exports.models import Batch, Export, Outcome, Run, SyncedContact
from exports.state.plan_action import UNKNOWN_DATA
from exports.state.status import Reason
from exports.views.runs import ShownRun
from tests.faults import ground
from tests.faults.frozen_workers import wait_for_late_calls
from tests.faults.ground import Ground
from tests.support.members import adds_up


@dataclass(frozen=True)
class Sent:
    """How often a contact was sent by all runs so far, and how often the result is known."""

    times: int
    known: int


def check_end(
    ground: Ground, run: Run, status: JobStatus, reason: Reason = Reason.NONE, sentence: str = ""
) -> None:
    """Check that the run has ended with this status, reason and ``sentence``; that its counts add up; that the
    list holds exactly what the run says; and that no contact was received more often than there was a reason
    for."""
    ground.calm()
    ground.wait_until_it_is_quiet()
    run.refresh_from_db()
    told = ShownRun(run).tooltip
    assert (run.status, run.reason) == (status, reason), told
    assert sentence in told
    assert run.finished_at is not None
    _check_figures(run)
    _check_that_nobody_is_in_two_batches(run)
    sent = _sent(ground.export)
    _check_arrivals(ground, sent)
    uncertain = {email for email, it in sent.items() if it.times and not it.known}
    _check_list(ground, uncertain | _in_late_calls(ground.export))


def check_it_went_well(ground: Ground, run: Run) -> None:
    """Check that the fault left no trace: the run is successful, all contacts are there, and the next run sends
    nothing."""
    check_end(ground, run, JobStatus.SUCCESSFUL)
    check_everyone_is_there(ground, run)
    check_next_run_heals(ground)


def check_everyone_is_there(ground: Ground, run: Run, rejected: Collection[str] = ()) -> None:
    """Check that no contact is missing but those."""
    assert run.not_sent == 0
    assert run.delivered + run.unchanged == len(ground.people) - len(rejected)
    people = ground.people - set(rejected)
    assert _delivered(ground.export) | (_in_late_calls(ground.export) & people) == people


def check_next_run_heals(world: Ground, rejected: Collection[str] = ()) -> None:
    """Let one more contact join, and check that the next run sends exactly the contacts that the list lacks:
    then all are there as they are in the segment, but those that were ``rejected``, and are not sent again."""
    world.calm()
    wait_for_late_calls()
    world.add_person()
    missing = world.people - set(rejected) - _delivered(world.export)
    run = world.start()
    ground.wait_for_end(run)
    check_end(world, run, JobStatus.SUCCESSFUL)
    assert run.planned <= len(missing | world.left)
    check_everyone_is_there(world, run, rejected)
    assert _on_list(world) == {email: world.names[email] for email in world.people - set(rejected)}


def _check_figures(run: Run) -> None:
    assert adds_up(run), vars(run)
    people = Outcome.objects.filter(run=run)
    for kind in ("left", "rejected", "invalid", "duplicate"):
        figure = {"duplicate": "duplicates"}.get(kind, kind)
        assert people.filter(kind=kind).count() == getattr(run, figure), kind
    with database.cursor() as cursor:
        cursor.execute(
            """
            SELECT coalesce(sum(size), 0), coalesce(sum(delivered), 0), coalesce(sum("left"), 0),
                   coalesce(sum(size) FILTER (WHERE status = 'not_sent'), 0)
              FROM exports_batch WHERE run_id = %s AND status IN ('done', 'not_sent')
            """,
            [run.pk],
        )
        assert cursor.fetchone() == (run.planned, run.delivered, run.left, run.not_sent)


def _check_that_nobody_is_in_two_batches(run: Run) -> None:
    with database.cursor() as cursor:
        cursor.execute(
            """
            SELECT count(*), count(DISTINCT email) FROM exports_batch batch, unnest(batch.emails) AS email
             WHERE run_id = %s AND status <> 'split'
            """,
            [run.pk],
        )
        assert cursor.fetchone() == (run.planned, run.planned)


def _sent(export: Export) -> dict[str, Sent]:
    with database.cursor() as cursor:
        cursor.execute(
            """
            SELECT email, sum(batch.attempt), count(*) FILTER (WHERE batch.status = 'done')
              FROM exports_batch batch JOIN exports_run run ON run.id = batch.run_id,
                   unnest(batch.emails) AS email
             WHERE run.export_id = %s AND run.list_id = %s GROUP BY email
            """,
            [export.pk, export.list_id],
        )
        return {email: Sent(int(times), known) for email, times, known in cursor.fetchall()}


def _check_arrivals(ground: Ground, sent: dict[str, Sent]) -> None:
    """As often as sent, at most; and as often as that is known, at least. Who is rejected does not arrive."""
    arrived = ground.sandbox.received(ground.export.list_id)
    assert {email for email, times in arrived.items() if times} <= sent.keys()
    rejected = set(Outcome.objects.filter(kind="rejected").values_list("email", flat=True))
    for email in sent.keys() - rejected:
        it, times = sent[email], arrived.get(email, 0)
        assert it.known <= times <= it.times, f"{email} arrived {times} times: {it}"


def _check_list(ground: Ground, uncertain: set[str]) -> None:
    """Check that the list holds the known contacts, and at most those beside them whose result is unknown."""
    there, known = _on_list(ground).keys(), _delivered(ground.export)
    assert known <= there
    assert there - known <= uncertain
    counts = ground.sandbox.counts(ground.export.list_id)
    assert (counts["Active"], counts["Unsubscribed"]) == (len(there), len(ground.left))
    assert sum(counts.values()) == len(there) + len(ground.left)


def _on_list(ground: Ground) -> dict[str, str]:
    return {person["EmailAddress"]: person["Name"] for person in ground.sandbox.people(ground.export.list_id)}


def _delivered(export: Export) -> set[str]:
    """Find the contacts that the export knows on the list as they are."""
    known = SyncedContact.objects.filter(sent_by=export.pk, list_state__list_id=export.list_id)
    return set(known.exclude(data_hash=UNKNOWN_DATA).values_list("email", flat=True))


def _in_late_calls(export: Export) -> set[str]:
    """The contacts in calls of workers that lost their lease: the next run sends them again."""
    late = Batch.objects.filter(run__export=export, run__list_id=export.list_id, late_until__isnull=False)
    return {email for emails in late.values_list("emails", flat=True) for email in emails}
