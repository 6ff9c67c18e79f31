"""``manage.py run_export``: an export now, with an exit code that scripts can rely on."""

import io
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from exports.models import Export, Run
from tests.support import exports
from tests.support.profiles import create_profiles
from tests.support.sandbox import RunningSandbox, sandbox, sandbox_process

__all__ = ["sandbox", "sandbox_process"]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def export(sandbox: RunningSandbox, settings: Settings) -> Export:
    settings.CAMPAIGN_MONITOR_SANDBOX_URL = sandbox.url
    create_profiles([{"email": "ann@example.com", "first_name": "Ann"}, {"email": "bad"}])
    mapping = [{"attribute": "first_name", "field": "name"}]
    return exports.export_to(
        sandbox, exports.sandbox_connection(sandbox), exports.segment_of_everyone(), mapping=mapping
    )


def told(*arguments: str) -> Any:
    out = io.StringIO()
    call_command("run_export", *arguments, "--json", stdout=out)
    return json.loads(out.getvalue())


def test_it_waits_and_tells_the_figures(export: Export, sandbox: RunningSandbox) -> None:
    said = told("newsletter", "--wait")
    assert (said["status"], said["members"], said["invalid"], said["delivered"]) == ("successful", 2, 1, 1)
    assert sandbox.counts()["Active"] == 1


def test_it_queues_and_returns_without_wait(export: Export) -> None:
    assert told("Newsletter") == {"run": 1, "status": "queued"}
    assert Run.objects.get().status == "queued"


def test_it_previews_without_sending(export: Export, sandbox: RunningSandbox) -> None:
    said = told("Newsletter", "--preview")
    assert (said["to_add"], said["invalid"], said["calls"]) == (1, 1, 1)
    assert said["first"][0]["email"] == "ann@example.com"
    assert sandbox.requests()["totals"]["imports"] == 0
    assert not Run.objects.exists()


def test_it_names_the_exports_there_are_when_it_finds_none(export: Export) -> None:
    with pytest.raises(CommandError, match="“Newsletter”"):
        call_command("run_export", "Newsleter")


def test_it_refuses_a_second_run(export: Export) -> None:
    told("Newsletter")
    with pytest.raises(CommandError, match="already in progress"):
        call_command("run_export", "Newsletter")


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        ({"list_id": "f" * 32}, 1),
        ({"segments": None}, 2),
        ({"confirmed": True}, 3),
    ],
)
def test_it_exits_with_what_happened(
    export: Export, sandbox: RunningSandbox, spoil: dict[str, Any], code: int
) -> None:
    if "list_id" in spoil:
        Export.objects.update(list_id=spoil["list_id"])
    if "segments" in spoil:
        export.segments.update(refreshed_at=None)
    if "confirmed" in spoil:
        Export.objects.update(list_id=sandbox.create_list("Confirmed", confirmed=True))
    with pytest.raises(SystemExit) as exited:
        call_command("run_export", "Newsletter", "--wait", stdout=io.StringIO())
    assert exited.value.code == code
