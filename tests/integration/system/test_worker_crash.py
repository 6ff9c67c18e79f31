"""Both workers die in the middle of a system refresh; it goes on, and does nothing twice."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from config.console.models import SystemRefresh
from config.console.system_refresh import actions
from config.platform.accounts.models import User
from config.platform.jobs.models import JobStatus
from exports.models import Trigger
from tests.support import exports, system_refresh
from tests.support.pausing import imports_held_half_way, one_is_held
from tests.support.sandbox import RunningSandbox, running_sandbox
from tests.support.waiting import wait_until
from tests.support.workers import worker_processes

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def own_sandbox(tmp_path: Path, settings: Settings) -> Iterator[RunningSandbox]:
    with running_sandbox(tmp_path / "sandbox") as running:
        settings.CAMPAIGN_MONITOR_SANDBOX_URL = running.url
        yield running


def test_a_system_refresh_outlives_its_workers(own_sandbox: RunningSandbox, tmp_path: Path, alice: User) -> None:
    shop = system_refresh.source_of(tmp_path / "shop.csv", "id,email\n1,ann@example.com\n")
    connection = exports.sandbox_connection(by=alice)
    export = exports.export_to(own_sandbox, connection, system_refresh.segment("Everyone"))
    (tmp_path / "shop.csv").write_text("id,email\n1,ann@example.com\n2,ben@example.com\n", encoding="utf-8")

    with worker_processes(tmp_path / "var", env={"LEASE_SECONDS": "2"}) as workers:
        with imports_held_half_way():
            refresh = actions.refresh_all(by=alice)
            wait_until(one_is_held, tell=lambda: workers.log("control"))
            workers.kill("jobs")
            workers.kill("control")
        workers.restart_killed()
        wait_until(
            lambda: not SystemRefresh.objects.get(pk=refresh.pk).is_open,
            tell=lambda: f"{system_refresh.ends(refresh)}\n{workers.log('control')}{workers.log('jobs')}",
        )

    refresh.refresh_from_db()
    assert refresh.status == JobStatus.SUCCESSFUL
    assert system_refresh.ends(refresh) == dict.fromkeys(["Shop", "Everyone", "Newsletter"], "successful")
    assert shop.imports.count() == 2
    assert shop.imports.latest("pk").attempt > 1
    run = export.runs.get()
    assert (run.trigger, run.delivered) == (Trigger.SYSTEM, 2)
