"""Exactly one worker works on a job, and one that wakes too late changes nothing."""

import time

import pytest
from django.db import connection, transaction
from pytest_django import Settings

from config.platform.jobs import clock, leases
from exports.models import Export, Run, Trigger


@pytest.fixture
def run() -> Run:
    export = Export.objects.create(name="Newsletter", list_id="a" * 32, email_attribute="email")
    return Run.objects.create(export=export, number=1, trigger=Trigger.MANUAL)


@pytest.mark.django_db
def test_it_is_claimed_by_the_first_alone(run: Run) -> None:
    first = leases.claim(run)
    assert first is not None
    assert first.attempt == 1
    assert leases.claim(run) is None


@pytest.mark.django_db
def test_it_is_free_again_when_released(run: Run) -> None:
    first = leases.claim(run)
    assert first is not None
    leases.release(first)
    second = leases.claim(run)
    assert second is not None
    assert second.attempt == 2


@pytest.mark.django_db
def test_it_is_free_again_when_its_lease_runs_out(run: Run, settings: Settings) -> None:
    settings.LEASE_SECONDS = 0
    assert leases.claim(run)
    with connection.cursor() as cursor:  # the same transaction has one now(): look at the real clock
        cursor.execute("SELECT lease_until <= clock_timestamp() FROM exports_run WHERE id = %s", [run.pk])
        assert cursor.fetchone() == (True,)


@pytest.mark.django_db
def test_it_refuses_a_late_write(run: Run) -> None:
    late = leases.claim(run)
    assert late is not None
    Run.objects.filter(pk=run.pk).update(attempt=late.attempt + 1)
    with pytest.raises(leases.LeaseLost):
        leases.update_if_owner(late, progress_done=5)
    run.refresh_from_db()
    assert run.progress_done == 0


@pytest.mark.django_db
def test_a_worker_of_an_earlier_attempt_does_not_hold_the_fence(run: Run) -> None:
    earlier = leases.claim(run)
    assert earlier is not None
    with transaction.atomic():
        leases.lock_attempt(earlier)
    leases.release(earlier)
    later = leases.claim(run)
    assert later is not None
    with transaction.atomic():
        leases.lock_attempt(later)
    with pytest.raises(leases.LeaseLost), transaction.atomic():
        leases.lock_attempt(earlier)


@pytest.mark.django_db(transaction=True)
def test_it_stays_ours_while_it_is_kept(run: Run, settings: Settings) -> None:
    settings.LEASE_SECONDS = 1
    ours = leases.claim(run)
    assert ours is not None
    with leases.hold(ours) as lease:
        lease.report(progress_done=7)
        time.sleep(1.6)
        assert leases.claim(run) is None
    run.refresh_from_db()
    assert run.progress_done == 7


@pytest.mark.django_db(transaction=True)
def test_the_lease_notices_that_another_worker_has_it(run: Run, settings: Settings) -> None:
    settings.LEASE_SECONDS = 1
    ours = leases.claim(run)
    assert ours is not None
    with leases.hold(ours) as lease:
        Run.objects.filter(pk=run.pk).update(attempt=99)
        assert lease.lost.wait(timeout=3)
        with pytest.raises(leases.LeaseLost):
            lease.check()


@pytest.mark.django_db(transaction=True)
def test_the_lease_notices_a_cancellation(run: Run, settings: Settings) -> None:
    settings.LEASE_SECONDS = 1
    ours = leases.claim(run)
    assert ours is not None
    with leases.hold(ours) as lease:
        Run.objects.filter(pk=run.pk).update(cancel_requested_at=clock.now())
        assert lease.cancel_requested.wait(timeout=3)
