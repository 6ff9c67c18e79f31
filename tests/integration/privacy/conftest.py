"""An export with contacts on a list of a running sandbox, and a person to erase."""

from typing import Any

import pytest
from pytest_django import Settings

from config.platform.accounts.models import User
from connections.models import Connection
from exports.models import Export
from segments.models import Segment
from tests.integration.exports.conftest import run_to_its_end
from tests.support import exports
from tests.support.profiles import Profile, create_profiles, get_profile
from tests.support.sandbox import RunningSandbox, sandbox, sandbox_process

__all__ = ["run_to_its_end", "sandbox", "sandbox_process"]

EMAIL = "zofia.zielinska@example.com"
PEOPLE: list[dict[str, Any]] = [
    {"id": "Z-1", "email": "Zofia.Zielinska@example.com", "first_name": "Zofia", "last_name": "Zielinska"},
    {"id": "A-2", "email": "ann@example.com", "first_name": "Ann", "last_name": "Adler"},
    {"id": "B-3", "email": "ben@example.com", "first_name": "Ben", "last_name": "Bauer"},
]


@pytest.fixture
def account(settings: Settings, sandbox: RunningSandbox) -> RunningSandbox:
    settings.CAMPAIGN_MONITOR_SANDBOX_URL = sandbox.url
    return sandbox


@pytest.fixture
def everyone(db: None) -> Segment:
    create_profiles(PEOPLE)
    create_profiles([{"id": "X-9", "email": f" {EMAIL} ", "first_name": "Z."}], source="Shop")
    return exports.segment_of_everyone()


@pytest.fixture
def zofia(everyone: Segment) -> Profile:
    return get_profile("Z-1")


@pytest.fixture
def connection(account: RunningSandbox, alice: User) -> Connection:
    return exports.sandbox_connection(account, by=alice)


@pytest.fixture
def export(account: RunningSandbox, connection: Connection, everyone: Segment, alice: User) -> Export:
    mapping = [{"attribute": "first_name", "field": "name"}]
    return exports.export_to(account, connection, everyone, mapping=mapping, by=alice)
