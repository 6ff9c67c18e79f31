"""Workers that stand still for longer than their lease, or lose the database: nothing leaves after the lease."""

import time

import pytest

from exports.models import Export, Removal, Run
from tests.faults import ground as grounds
from tests.faults.conftest import LEASE_SECONDS
from tests.faults.frozen_workers import end_here, freeze_at_rest, has_noticed, log_position, wait_for_late_calls
from tests.faults.ground import Ground
from tests.support.database_proxy import database_proxy
from tests.support.members import join, leave
from tests.support.profiles import change_profiles
from tests.support.waiting import wait_until
from tests.support.workers import Workers

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]

LEAVERS = 30  # in two batches
SLOW_REMOVAL = {"kind": "slow", "path": "/subscribers/", "seconds": 0.15}


def test_a_worker_frozen_while_it_sends_overwrites_nothing_when_it_wakes(ground: Ground, workers: Workers) -> None:
    ground.hold()
    run = ground.start()
    grounds.wait_until_some_are_delivered(run)
    freeze_at_rest(workers)
    ground.calm()
    end_here(run)
    _rename_everyone(ground)
    end_here(ground.start())
    _wake(ground, workers)
    _check_list_equals_the_model_after_the_next_run(ground)


def test_a_worker_frozen_while_it_removes_leaves_contacts_who_are_back(ground: Ground, workers: Workers) -> None:
    leavers = _start_removing(ground)
    run = Run.objects.latest("pk")
    wait_until(lambda: _deleted(ground) > 1)
    freeze_at_rest(workers)
    ground.calm()
    end_here(run)
    assert run.removed == LEAVERS
    _return(ground, leavers)
    end_here(ground.start())
    _wake(ground, workers)
    _check_list_equals_the_model_after_the_next_run(ground)


def test_a_worker_without_the_database_sends_nothing_after_its_lease(ground: Ground, workers: Workers) -> None:
    """The destination still answers it; this process takes over meanwhile."""
    with database_proxy() as proxy:
        workers.kill("jobs")
        workers.start("jobs", DATABASE_URL=proxy.url)
        try:
            leavers = _start_removing(ground)
            run = Run.objects.latest("pk")
            wait_until(lambda: _deleted(ground) > 1)
            position = log_position(workers)
            proxy.cut_off()
            time.sleep(LEASE_SECONDS)
            ground.wait_until_it_is_quiet()
            removed = _deleted(ground)
            assert removed < LEAVERS
            time.sleep(LEASE_SECONDS)
            assert _deleted(ground) == removed
            ground.calm()
            end_here(run)
            assert run.removed == LEAVERS
            _return(ground, leavers)
            end_here(ground.start())
            proxy.restore()
            wait_until(lambda: has_noticed(workers, position), tell=lambda: workers.log("jobs"))
            _check_list_equals_the_model_after_the_next_run(ground)
        finally:
            workers.kill("jobs")
            workers.start("jobs")


def _start_removing(ground: Ground) -> dict[str, str]:
    """Send everyone, then start a run that removes some, slowly; gives those, with their names."""
    first = ground.start()
    grounds.wait_for_end(first)
    Export.objects.filter(pk=ground.export.pk).update(removal=Removal.DELETE)
    leavers = {email: ground.names.pop(email) for email in ground.chance.sample(sorted(ground.people), LEAVERS)}
    leave(ground.segment, *leavers)
    ground.trouble(SLOW_REMOVAL)
    ground.start()
    return leavers


def _return(ground: Ground, leavers: dict[str, str]) -> None:
    join(ground.segment, *leavers)
    ground.names.update(leavers)


def _rename_everyone(ground: Ground) -> None:
    ground.names.update({email: f"New {email}" for email in ground.names})
    change_profiles({email: {"first_name": name} for email, name in ground.names.items()})


def _wake(ground: Ground, workers: Workers) -> None:
    """Let the worker go on until it has noticed that its lease is lost: no request of it changes the list."""
    before = _active(ground)
    assert before == _model(ground)
    position = log_position(workers)
    workers.thaw("jobs")
    wait_until(lambda: has_noticed(workers, position), tell=lambda: workers.log("jobs"))
    ground.wait_until_it_is_quiet()
    assert _active(ground) == before


def _check_list_equals_the_model_after_the_next_run(ground: Ground) -> None:
    wait_for_late_calls()
    ground.add_person()
    run = ground.start()
    grounds.wait_for_end(run)
    assert _active(ground) == _model(ground)
    ground.add_person()
    last = ground.start()
    grounds.wait_for_end(last)
    assert last.planned <= 1 + len(ground.left)
    assert _active(ground) == _model(ground)


def _active(ground: Ground) -> dict[str, str]:
    return {person["EmailAddress"]: person["Name"] for person in ground.sandbox.people(ground.export.list_id)}


def _model(ground: Ground) -> dict[str, str]:
    return {email: ground.names[email] for email in ground.people}


def _deleted(ground: Ground) -> int:
    return ground.sandbox.counts(ground.export.list_id)["Deleted"]
