"""Previews and logs of runs over the API: counts and reasons, no contacts."""

from typing import Any

import pytest
from pytest_django import Settings

from config.platform.accounts.models import User
from config.platform.accounts.scopes import Scope
from config.platform.jobs.models import JobStatus
from connections.models import Connection
from exports.actions import preview, runs
from exports.models import Export, ExportPreview
from exports.run.final_status import exit_code
from exports.state.status import Reason, change_status
from segments.models import Segment
from tests.integration.exports.conftest import run_to_its_end
from tests.support import exports
from tests.support.api import client_of
from tests.support.profiles import create_profiles
from tests.support.sandbox import RunningSandbox, sandbox, sandbox_process

__all__ = ["sandbox", "sandbox_process"]

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(settings: Settings, sandbox: RunningSandbox) -> RunningSandbox:
    settings.CAMPAIGN_MONITOR_SANDBOX_URL = sandbox.url
    return sandbox


@pytest.fixture
def segment(db: None) -> Segment:
    create_profiles([{"email": "ann@example.com"}, {"email": "ben@example.com"}, {"email": "no-at-sign"}])
    return exports.segment_of_everyone()


@pytest.fixture
def shared(alice: User) -> Connection:
    return exports.sandbox_connection(by=alice)


@pytest.fixture
def export(account: RunningSandbox, shared: Connection, segment: Segment, bob: User) -> Export:
    return exports.export_to(account, shared, segment, by=bob)


def previews(export: Export) -> str:
    return f"exports/{export.pk}/preview"


def test_a_preview_is_requested_and_followed_until_it_has_its_counts(bob: User, export: Export) -> None:
    client = client_of(bob)
    assert client.get(previews(export)).status_code == 404
    asked = client.post(previews(export))
    assert (asked.status_code, asked.json()["is_settled"], asked.json()["counts"]) == (202, False, None)
    assert client.post(previews(export)).json()["created_at"] == asked.json()["created_at"]
    preview.work_out(ExportPreview.objects.get().pk)
    shown = client.get(previews(export), {"wait": 8}).json()
    assert (shown["status"], shown["is_settled"], shown["is_current"]) == ("successful", True, True)
    counts = {name: shown["counts"][name] for name in ("members", "excluded", "to_add")}
    assert counts == {"members": 3, "excluded": 1, "to_add": 2}
    assert (shown["list_title"], shown["calls"], shown["message"]) == ("Newsletter", 1, "")
    assert "ann@example.com" not in client.get(previews(export)).content.decode()
    Export.objects.update(version=export.version + 1)
    assert client.get(previews(export)).json()["is_current"] is False


def test_a_preview_that_failed_says_why(bob: User, export: Export, account: RunningSandbox) -> None:
    client = client_of(bob)
    client.post(previews(export))
    Export.objects.update(list_id="f" * 32)
    preview.work_out(ExportPreview.objects.get().pk)
    shown = client.get(previews(export)).json()
    assert (shown["status"], shown["counts"], shown["calls"]) == ("failed", None, None)
    assert shown["message"]


def test_only_those_who_may_run_an_export_request_a_preview(
    bob: User, charlie: User, export: Export, shared: Connection
) -> None:
    assert client_of(charlie).post(previews(export)).status_code == 403
    assert client_of(bob, scopes=[Scope.READ]).post(previews(export)).status_code == 403
    Connection.objects.update(allowed_roles=[])
    assert client_of(bob).post(previews(export)).status_code == 403
    assert client_of(charlie).get(previews(export)).status_code == 404
    assert not ExportPreview.objects.exists()


def test_a_preview_that_is_not_possible_is_a_conflict(bob: User, export: Export) -> None:
    Export.objects.update(connection=None)
    answer = client_of(bob).post(previews(export))
    assert answer.status_code == 409
    assert "connection" in answer.json()["detail"]


def test_the_log_of_a_run_has_its_statuses_and_results_by_reason(bob: User, charlie: User, export: Export) -> None:
    run = run_to_its_end(export)
    shown = client_of(charlie).get(f"runs/{run.pk}/log").json()
    assert (shown["export"], shown["number"], shown["status"]) == ("Newsletter", 1, "successful")
    assert [each["status"] for each in shown["changes"]] == ["queued", "processing", "successful"]
    (reason,) = shown["reasons"]
    assert (reason["result"], reason["code"], reason["contacts"]) == ("invalid", "bad_email", 1)
    assert reason["reason"]
    assert client_of(charlie).get("runs/999/log").status_code == 404


def test_the_log_says_what_to_do(bob: User, export: Export) -> None:
    run = runs.start_run(export, by=bob)
    change_status(run, JobStatus.SKIPPED, Reason.SEGMENTS_NOT_REFRESHED)
    shown = client_of(bob).get(f"runs/{run.pk}/log").json()
    assert shown["changes"][-1] | {"at": ""} == {
        "at": "",
        "status": "skipped",
        "reason": "segments_not_refreshed",
        "reason_text": "Segments not refreshed yet",
        "by": "",
    }
    assert shown["url"].endswith(f"/data/runs/{run.pk}/")
    assert shown["changes"][0]["reason_text"] == shown["started_after"] == ""
    assert shown["changes"][0]["by"] == str(bob)
    assert "Refresh the segment" in shown["next_step"]


def test_a_run_has_an_exit_code_once_it_has_ended(bob: User, export: Export) -> None:
    client, run = client_of(bob), runs.start_run(export, by=bob)
    assert client.get(f"runs/{run.pk}").json()["exit_code"] is None
    ended: Any = JobStatus.SKIPPED
    change_status(run, ended, Reason.SEGMENTS_NOT_REFRESHED)
    assert client.get(f"runs/{run.pk}").json()["exit_code"] == exit_code(ended, 0) == 2
