"""schemathesis calls every operation with odd input, with a token of each role, and finds nothing.

`make test` tries a few examples of each operation; `make drill` more, and sequences of operations:
``EXAMPLES=200 .venv/bin/python -m pytest -m drill tests/integration/api``.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from config.platform.accounts.models import User
from config.platform.accounts.permissions import Role
from config.platform.events import webhooks
from config.platform.jobs import clock
from config.platform.jobs.models import JobStatus
from exports.actions import runs
from exports.models import DeliveredSet, Run
from segments.models import ImportJob
from segments.sources.column_plan import ColumnType
from segments.sources.push import actions as push
from tests.support import exports
from tests.support.api import token_of
from tests.support.profiles import create_profiles

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]

ROLES = {Role.VIEWER: "charlie", Role.CONTRIBUTOR: "bob", Role.ADMINISTRATOR: "alice"}


@pytest.fixture
def ground(alice: User, enqueued: list[object], settings: Settings) -> None:
    """Create one of each kind of thing that operations are about; the run has settled, so that none is waited
    for."""
    source = create_profiles([{"email": "ann@example.com", "city": "Oslo"}])
    export = exports.export_to(
        None, exports.sandbox_connection(by=alice), exports.segment_of_everyone(), list_id="a" * 32, by=alice
    )
    run = runs.start_run(export, by=alice)
    Run.objects.filter(pk=run.pk).update(status=JobStatus.CANCELED, finished_at=clock.now())
    DeliveredSet.objects.create(export=export, account="campaign_monitor:sandbox", list_id="a" * 32)
    ImportJob.objects.create(
        source=source, file_name="x.csv", path="/x.csv", status=JobStatus.SUCCESSFUL, finished_at=clock.now()
    )
    pushed = push.create_source(
        name="Shop", key_columns=["id"], columns={"id": ColumnType.TEXT, "vip": ColumnType.BOOLEAN}, by=alice
    )
    push.start_snapshot(pushed, by=alice)
    settings.EVENT_WEBHOOK_HOSTS = ["127.0.0.1"]
    webhook, _secret = webhooks.create_webhook(
        address="http://127.0.0.1/events", event_types=["run.completed"], by=alice
    )
    webhooks.create_test(webhook, by=alice)


def schemathesis(
    url: str, token: str, folder: Path, *, examples: int, phases: str
) -> subprocess.CompletedProcess[str]:
    """Run schemathesis with all of its checks."""
    command = [str(Path(sys.executable).with_name("st")), "run", f"{url}/api/v1/openapi.json"]
    command += ["-H", f"Authorization: Bearer {token}", "--phases", phases, "--max-examples", str(examples)]
    command += ["--checks", "all", "--continue-on-failure", "--no-color", "--seed", os.environ.get("SEED", "1")]
    command += ["--suppress-health-check", "all"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=3000, check=False)


@pytest.fixture(params=list(ROLES))
def token(request: pytest.FixtureRequest, ground: None, settings: Settings) -> str:
    """Create a token of a user of each role."""
    settings.API_REQUESTS_PER_MINUTE = 10**6
    user: User = request.getfixturevalue(ROLES[Role(request.param)])
    return token_of(user)


def test_it_finds_nothing(token: str, live_server: LiveServer, tmp_path: Path) -> None:
    found = schemathesis(live_server.url, token, tmp_path, examples=3, phases="examples,fuzzing")
    assert found.returncode == 0, found.stdout[-20_000:]


@pytest.mark.drill
def test_it_finds_nothing_in_many_examples_and_sequences(
    token: str, live_server: LiveServer, tmp_path: Path
) -> None:
    examples = int(os.environ.get("EXAMPLES", "100"))
    phases = "examples,coverage,fuzzing,stateful"
    found = schemathesis(live_server.url, token, tmp_path, examples=examples, phases=phases)
    assert found.returncode == 0, found.stdout[-40_000:]
