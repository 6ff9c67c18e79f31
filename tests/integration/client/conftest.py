"""The client beside a server with exports to the sandbox. ``bob`` is a contributor, whose token it has."""

from pathlib import Path

import pytest
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from config.platform.accounts.models import User
from connections.models import Connection
from exports.models import Export
from segments.models import Segment
from tests.support import exports
from tests.support.api import token_of
from tests.support.client_program import ClientProgram
from tests.support.profiles import create_profiles
from tests.support.sandbox import RunningSandbox, sandbox, sandbox_process

__all__ = ["sandbox", "sandbox_process"]

TAGS = ["morning", "nightly", "dbt"]  # those of the examples


@pytest.fixture
def account(settings: Settings, sandbox: RunningSandbox) -> RunningSandbox:
    settings.CAMPAIGN_MONITOR_SANDBOX_URL = sandbox.url
    return sandbox


@pytest.fixture
def everyone(transactional_db: None) -> Segment:
    create_profiles({"email": f"person.{number}@example.com"} for number in range(20))
    return exports.segment_of_everyone()


@pytest.fixture
def shared(transactional_db: None, alice: User) -> Connection:
    return exports.sandbox_connection(by=alice)


@pytest.fixture
def newsletter(account: RunningSandbox, shared: Connection, everyone: Segment, bob: User) -> Export:
    """Bob’s export with the tags of the examples."""
    export = exports.export_to(account, shared, everyone, by=bob, name="Newsletter readers")
    Export.objects.filter(pk=export.pk).update(tags=TAGS)
    return Export.objects.get(pk=export.pk)


@pytest.fixture
def client_program(live_server: LiveServer, bob: User, tmp_path: Path) -> ClientProgram:
    """The client with the address of the server and a token of Bob’s."""
    return ClientProgram(tmp_path / "client", url=live_server.url, token=token_of(bob))
