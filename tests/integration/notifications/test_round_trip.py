"""From an export that fails to a mail in an inbox, through real workers and a real mail server."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_django import Settings

from config.platform.accounts.models import User
from config.platform.accounts.permissions import Role
from config.platform.jobs.models import OPEN
from exports.actions import runs
from exports.models import Export, Run
from tests.support import exports
from tests.support.mail_server import mail_server
from tests.support.profiles import create_profiles
from tests.support.sandbox import RunningSandbox, sandbox, sandbox_process
from tests.support.workers import worker_processes

__all__ = ["sandbox", "sandbox_process"]


@pytest.mark.processes
@pytest.mark.django_db(transaction=True)
def test_workers_tell_once_that_an_export_failed_and_once_that_it_is_well_again(
    tmp_path: Path, sandbox: RunningSandbox, settings: Settings
) -> None:
    settings.CAMPAIGN_MONITOR_SANDBOX_URL = sandbox.url
    ann = User.objects.create_user("ann", "-", role=Role.ADMINISTRATOR, email="ann@example.com")
    create_profiles([{"email": "p@example.com"}])
    everyone = exports.segment_of_everyone()
    export = exports.export_to(sandbox, exports.sandbox_connection(by=ann), everyone)
    with mail_server() as postbox:
        told = {"EMAIL_URL": f"smtp://127.0.0.1:{postbox.port}", "CAMPAIGN_MONITOR_SANDBOX_URL": sandbox.url}
        with worker_processes(tmp_path, env=told):
            export.segments.clear()
            _run(export)
            _run(export)
            export.segments.add(everyone)
            _run(export)
            _wait_for(lambda: len(postbox.mails) >= 2)
    assert postbox.told == [
        ("ann@example.com", "“Newsletter”: Failed (permanent)"),
        ("ann@example.com", "“Newsletter”: resolved"),
    ]


def _run(export: Export) -> None:
    runs.start_run(export, by=None)
    _wait_for(lambda: not Run.objects.filter(status__in=OPEN).exists())


def _wait_for(condition: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)
