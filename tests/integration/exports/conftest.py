"""Make what the screens of exports need: a sandbox account, a few profiles, and an export by Bob."""

import time
from typing import Any

import pytest
from pytest_django import Settings

from config.platform.accounts.models import User
from connections.models import Connection
from exports.actions import runs
from exports.models import Export, Run
from exports.run import pipeline
from segments.models import Segment
from tests.support import exports
from tests.support.members import CROWD, crowd_of
from tests.support.profiles import create_profiles
from tests.support.retries import shorten_waits
from tests.support.sandbox import RunningSandbox, sandbox, sandbox_process

__all__ = ["sandbox", "sandbox_process"]

PEOPLE: list[dict[str, Any]] = [
    {"email": "ann@example.com", "first_name": "Ann", "city": "Helsinki"},
    {"email": "ben@example.com", "first_name": "Ben", "city": "Łódź"},
    {"email": "cid@example.com", "first_name": "Cid", "city": "Jakarta"},
    {"email": "ANN@example.com", "first_name": "Anna", "city": "Helsinki"},
    {"email": "no-at-sign", "first_name": "Dee", "city": "Iași"},
    {"email": None, "first_name": "Eve", "city": "成都"},
]


@pytest.fixture
def account(settings: Settings, sandbox: RunningSandbox) -> RunningSandbox:
    """The sandbox, and settings that say where it is."""
    settings.CAMPAIGN_MONITOR_SANDBOX_URL = sandbox.url
    return sandbox


@pytest.fixture
def everyone(db: None) -> Segment:
    """Make a refreshed segment of all PEOPLE."""
    create_profiles(PEOPLE)
    return exports.segment_of_everyone()


@pytest.fixture
def crowd(account: RunningSandbox, db: None) -> Segment:
    """Make a refreshed segment of twenty profiles."""
    return crowd_of(CROWD)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is tried again is tried again at once."""
    shorten_waits(monkeypatch, 0.02)


@pytest.fixture
def shared(db: None, alice: User) -> Connection:
    """A connection that contributors may use."""
    return exports.sandbox_connection(by=alice, name="Shared sandbox")


@pytest.fixture
def private(db: None, alice: User) -> Connection:
    """A connection that is for administrators."""
    return exports.sandbox_connection(by=alice, name="Board only", shared=False)


@pytest.fixture
def newsletter(account: RunningSandbox, shared: Connection, everyone: Segment, bob: User) -> Export:
    """Bob’s export of everyone to the sandbox’s list, over the shared connection."""
    mapping = [{"attribute": "first_name", "field": "name"}]
    return exports.export_to(account, shared, everyone, mapping=mapping, by=bob)


@pytest.fixture
def board(private: Connection, everyone: Segment, alice: User) -> Export:
    """Alice’s export over the connection that is not shared. Nothing is asked of the sandbox for it."""
    return exports.export_to(None, private, everyone, list_id="b" * 32, name="Board", by=alice)


def run_to_its_end(export: Export, by: User | None = None, seconds: float = 30) -> Run:
    """As the workers do it."""
    run = runs.start_run(export, by=by)
    deadline = time.monotonic() + seconds
    while run.is_open:
        assert time.monotonic() < deadline, f"still {run.status} ({run.reason} {run.message})"
        pipeline.run_slice(run.pk)
        run.refresh_from_db()
    return run
