"""A hundred thousand people while the token of the connection ends again and again."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from config.accounts.models import User
from connections import actions as connection_actions
from connections import oauth
from connections.destinations.values import Tokens
from connections.models import Connection
from tests import big_export
from tests.processes import worker_processes
from tests.sandbox import RunningSandbox, running_sandbox

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]

# Enough for many calls; the drill takes a hundred thousand.
PEOPLE = [25_000, pytest.param(100_000, marks=pytest.mark.drill)]
# The token ends when so much of the plan is delivered.
ENDS_AT = (0.1, 0.5)


@pytest.fixture
def sandbox(tmp_path: Path, settings: Settings) -> Iterator[RunningSandbox]:
    with running_sandbox(tmp_path / "sandbox", latency_ms=100) as running:
        settings.CAMPAIGN_MONITOR_SANDBOX_URL = running.url
        yield running


def sign_in(sandbox: RunningSandbox, connection: Connection, by: User | None) -> None:
    given = sandbox.door("POST", "oauth/authorize", json={})
    tokens = Tokens(given["access_token"], given["refresh_token"], given["expires_in"])
    connection_actions.set_credentials(
        by=by,
        connection=connection,
        secrets=oauth.as_credentials(tokens),
        options={oauth.SIGNED_IN: oauth.BY_OAUTH},
    )


@pytest.mark.parametrize("people", PEOPLE)
def test_nobody_is_lost_and_nothing_fails(sandbox: RunningSandbox, tmp_path: Path, people: int) -> None:
    sandbox.door("PUT", "oauth", json={"rotates": True})
    big = big_export.make(tmp_path, sandbox, people)
    connection = Connection.objects.get()
    sign_in(sandbox, connection, connection.created_by)
    sandbox.faults({"rules": [big_export.refusing(big)]})
    with worker_processes(tmp_path / "var") as workers:
        run = big_export.start(big)
        for share in ENDS_AT:
            big_export.wait_until(run, lambda it, least=share * people: it.delivered > least)  # type: ignore[misc]
            sandbox.door("POST", "oauth/expire")
        big_export.wait_until(run, big_export.has_ended)
        said = workers.log("work")

    assert run.attempt == 1
    assert sandbox.door("GET", "oauth")["refreshes"] == len(ENDS_AT)
    assert sandbox.door("GET", "oauth")["refusals"] == 0
    big_export.check_that_everyone_is_there_once(big, run, sandbox)
    assert "ERROR" not in said
