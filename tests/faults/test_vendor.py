"""The destination falls silent, stumbles, asks for patience, or takes back what it granted."""

import threading

import pytest

from config.platform.jobs.models import JobStatus
from connections import actions as connection_actions
from connections import credentials
from connections.destinations.values import Tokens
from exports.models import Batch
from exports.state.status import Reason
from tests.faults import ground as grounds
from tests.faults.end_check import check_end, check_it_went_well, check_next_run_heals
from tests.faults.ground import Ground

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]

DOWN_SECONDS = 2.0
IMPORT = {"path": "/import"}


def test_it_is_down_for_a_while(ground: Ground) -> None:
    ground.hold()
    run = ground.start()
    grounds.wait_until_some_are_delivered(run)
    ground.sandbox.kill()
    back = threading.Timer(DOWN_SECONDS, ground.sandbox.start)
    back.start()
    back.join()
    grounds.wait_for_end(run)
    assert _tried_again() >= 1
    check_it_went_well(ground, run)


def test_one_answer_in_twenty_is_an_error(ground: Ground) -> None:
    """And one for certain."""
    errors = IMPORT | {"kind": "error", "status": 500}
    for_certain = errors | {"skip": ground.chance.randrange(5), "times": 1}
    ground.trouble(for_certain, errors | {"probability": 0.05}, seed=ground.chance.randrange(1_000_000))
    run = ground.start()
    grounds.wait_for_end(run)
    assert _tried_again() >= 1
    check_it_went_well(ground, run)


def test_it_asks_for_patience_again_and_again(ground: Ground) -> None:
    storm = IMPORT | {"kind": "throttle", "retry_after": 1, "skip": ground.chance.randrange(3), "times": 3}
    ground.trouble(storm)
    run = ground.start()
    grounds.wait_for_end(run)
    assert _tried_again() >= 1
    check_it_went_well(ground, run)


@pytest.mark.parametrize("kind", ["cut_short", "drop", "hang"])
def test_an_answer_is_lost_after_it_took_effect(ground: Ground, kind: str) -> None:
    """Cut short, or the line breaks, or nothing comes within CAMPAIGN_MONITOR_READ_SECONDS."""
    trouble = IMPORT | {"kind": kind, "skip": ground.chance.randrange(5), "times": 2, "seconds": 4}
    ground.trouble(trouble | ({} if kind == "cut_short" else {"applied": True}))
    run = ground.start()
    grounds.wait_for_end(run)
    assert _tried_again() >= 1
    check_it_went_well(ground, run)
    assert max(ground.sandbox.received().values()) > 1  # it had arrived


def test_an_expired_token_is_renewed_during_a_run(ground: Ground) -> None:
    """Nothing fails: it is renewed, and once only, however many calls are refused at the same time."""
    _sign_in(ground)
    ground.hold()
    run = ground.start()
    grounds.wait_until_some_are_delivered(run)
    ground.sandbox.door("POST", "oauth/expire")
    ground.calm()
    grounds.wait_for_end(run)
    assert ground.sandbox.door("GET", "oauth")["refreshes"] == 1
    assert _tried_again() == 0
    check_it_went_well(ground, run)


def test_its_token_is_revoked(ground: Ground) -> None:
    _sign_in(ground)
    ground.hold()
    run = ground.start()
    grounds.wait_until_some_are_delivered(run)
    ground.sandbox.door("POST", "oauth/revoke")
    grounds.wait_for_end(run)
    sentence = "An administrator has to authenticate with Campaign Monitor again"
    check_end(ground, run, JobStatus.FAILED, Reason.RECONNECT_NEEDED, sentence)
    assert 0 < run.not_sent < run.planned
    _sign_in(ground)
    check_next_run_heals(ground)


def test_its_list_is_deleted(ground: Ground) -> None:
    ground.hold()
    run = ground.start()
    grounds.wait_until_some_are_delivered(run)
    ground.sandbox.api("DELETE", f"/lists/{ground.export.list_id}.json").raise_for_status()
    grounds.wait_for_end(run)
    assert (run.status, run.reason) == (JobStatus.FAILED, Reason.LIST_REFUSED)
    assert "does not have this list" in run.message
    assert 0 < run.not_sent < run.planned
    assert run.delivered + run.left + run.not_sent == run.planned
    ground.moves_to(ground.sandbox.create_list("Second newsletter"))
    check_next_run_heals(ground)


def _tried_again() -> int:
    """How many batches were sent more than once."""
    return Batch.objects.filter(attempt__gt=1).count()


def _sign_in(ground: Ground) -> None:
    given = ground.sandbox.door("POST", "oauth/authorize", json={})
    tokens = Tokens(given["access_token"], given["refresh_token"], given["expires_in"])
    ground.connection.refresh_from_db()
    connection_actions.set_credentials(
        by=ground.connection.created_by,
        connection=ground.connection,
        secrets=credentials.as_credentials(tokens),
        options={credentials.SIGNED_IN: credentials.BY_OAUTH},
    )
