"""Tokens that end: renewed ahead of their end, on refusal once, and by one process however many ask."""

import os
import subprocess
import sys
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from pytest_django import Settings

from config.platform.accounts.models import User
from config.platform.jobs import clock
from connections import actions, credentials, vault
from connections.destinations.errors import NeedsAdministrator
from connections.destinations.values import Tokens
from connections.models import Connection
from connections.policies import ConnectionStatus, status_of
from tests.support.sandbox import RunningSandbox
from tests.support.workers import database_url_of_tests

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _forget() -> None:
    cache.clear()


def signed_in(by: User, sandbox: RunningSandbox, *, seconds: float | None = None) -> Connection:
    """A connection whose owner has granted access."""
    given = sandbox.door("POST", "oauth/authorize", json={})
    connection = actions.create(by=by, destination_key="campaign_monitor", environment="sandbox", name="Signed in")
    tokens = Tokens(given["access_token"], given["refresh_token"], seconds or given["expires_in"])
    actions.set_credentials(
        by=by,
        connection=connection,
        secrets=credentials.as_credentials(tokens),
        options={credentials.SIGNED_IN: credentials.BY_OAUTH},
    )
    return connection


def token_of(connection: Connection) -> str:
    return vault.stored(Connection.objects.get(pk=connection.pk))[credentials.ACCESS]


def lists_of(connection: Connection) -> list[Any]:
    fresh = Connection.objects.get(pk=connection.pk)
    return list(fresh.destination.lists(credentials.access(fresh)))


def test_a_token_that_ended_is_renewed_on_the_way(alice: User, sandbox_offered: RunningSandbox) -> None:
    connection = signed_in(alice, sandbox_offered)
    before = token_of(connection)
    sandbox_offered.door("POST", "oauth/expire")

    assert [found.title for found in lists_of(connection)] == ["Newsletter"]

    assert token_of(connection) != before
    assert sandbox_offered.door("GET", "oauth")["refreshes"] == 1


@pytest.mark.parametrize("rotates", [False, True])
def test_it_keeps_whatever_refresh_token_comes_back(
    alice: User, sandbox_offered: RunningSandbox, rotates: bool
) -> None:
    sandbox_offered.door("PUT", "oauth", json={"rotates": rotates})
    connection = signed_in(alice, sandbox_offered)
    for refreshes in (1, 2):
        sandbox_offered.door("POST", "oauth/expire")
        assert lists_of(connection)
        assert sandbox_offered.door("GET", "oauth")["refreshes"] == refreshes


def test_the_tick_renews_ahead_of_the_end(alice: User, sandbox_offered: RunningSandbox) -> None:
    connection = signed_in(alice, sandbox_offered)
    credentials.renew_due()
    assert sandbox_offered.door("GET", "oauth")["refreshes"] == 0
    clock.run_from(clock.now() + timedelta(days=13, hours=1))
    try:
        credentials.renew_due()
        credentials.renew_due()
        ends = credentials.expires_at(vault.stored(Connection.objects.get(pk=connection.pk)))
        assert ends is not None
        assert ends > clock.now() + timedelta(days=13)
    finally:
        clock.run_as_usual()
    assert sandbox_offered.door("GET", "oauth")["refreshes"] == 1


def test_many_threads_make_one_refresh(alice: User, sandbox_offered: RunningSandbox) -> None:
    connection = signed_in(alice, sandbox_offered)
    refused = token_of(connection)
    sandbox_offered.door("POST", "oauth/expire")
    sandbox_offered.faults({"latency_ms": 200})
    got: list[str] = []
    threads = [
        threading.Thread(target=lambda: got.append(credentials.renew(connection.pk, refused, True)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(got) == {token_of(connection)}
    assert sandbox_offered.door("GET", "oauth")["refreshes"] == 1


_IN_A_PROCESS = """
import sys, django
django.setup()
from connections import credentials
print("ready", flush=True)
sys.stdin.readline()
print(credentials.renew(int(sys.argv[1]), sys.argv[2], True))
"""


def test_two_processes_make_one_refresh(alice: User, sandbox_offered: RunningSandbox) -> None:
    connection = signed_in(alice, sandbox_offered)
    refused = token_of(connection)
    sandbox_offered.door("POST", "oauth/expire")
    sandbox_offered.faults({"latency_ms": 500})
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": database_url_of_tests(),
        "CAMPAIGN_MONITOR_SANDBOX_URL": sandbox_offered.url,
    }
    command = [sys.executable, "-c", _IN_A_PROCESS, str(connection.pk), refused]
    processes = [
        subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    got = [process.communicate(timeout=60)[0].strip() for process in processes]

    assert got == [token_of(connection)] * 2
    assert sandbox_offered.door("GET", "oauth")["refreshes"] == 1


@pytest.mark.parametrize("code", [120, 122])
def test_what_is_taken_back_is_not_refreshed(alice: User, sandbox_offered: RunningSandbox, code: int) -> None:
    connection = signed_in(alice, sandbox_offered)
    sandbox_offered.faults({"rules": [{"kind": "refuse_credential", "code": code}]})

    with pytest.raises(NeedsAdministrator) as refused:
        lists_of(connection)

    assert refused.value.code == str(code)
    assert sandbox_offered.door("GET", "oauth")["refreshes"] == 0


def test_a_refused_renewal_asks_for_an_administrator(alice: User, sandbox_offered: RunningSandbox) -> None:
    connection = signed_in(alice, sandbox_offered, seconds=-1)
    sandbox_offered.door("POST", "oauth/revoke")

    credentials.renew_due()

    connection.refresh_from_db()
    assert status_of(connection) is ConnectionStatus.RECONNECT_NEEDED
    assert "authenticate with Campaign Monitor again" in connection.reconnect_reason


def test_trouble_over_there_is_no_reason_to_reconnect(alice: User, sandbox_offered: RunningSandbox) -> None:
    connection = signed_in(alice, sandbox_offered, seconds=-1)
    sandbox_offered.faults({"rules": [{"kind": "error", "path": "/oauth/token", "status": 503}]})

    credentials.renew_due()

    connection.refresh_from_db()
    assert status_of(connection) is ConnectionStatus.READY


def test_a_refusal_with_another_status_is_the_same(
    alice: User, sandbox_offered: RunningSandbox, settings: Settings
) -> None:
    sandbox_offered.door("PUT", "oauth", json={"error_status": 400})
    test_a_refused_renewal_asks_for_an_administrator(alice, sandbox_offered)
