"""What is masked for a viewer is masked in what runs, previews and imports leave behind: pages, notifications, log
lines and the output of commands."""

import logging
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client
from pytest_django import Settings

from config.platform.accounts.models import User
from config.platform.accounts.permissions import Role
from config.platform.notifications.models import Condition
from exports.actions import preview as actions_preview
from exports.models import Export, Outcome, Run
from segments.models import ImportJob
from tests.integration.access.test_every_address import ADDRESSES, url_of
from tests.integration.exports.conftest import run_to_its_end
from tests.support import exports
from tests.support.profiles import all_profiles, create_profiles
from tests.support.sandbox import RunningSandbox, sandbox, sandbox_process

__all__ = ["sandbox", "sandbox_process"]

pytestmark = pytest.mark.django_db(transaction=True)

HIDDEN = ("zara", "hidden.example")
RULES = {"join": "and", "rules": [{"attribute": "town", "operator": "is", "value": "zaratown"}]}
MAPPING = [{"attribute": "first_name", "field": "name"}, {"attribute": "taste", "field": "[Taste]"}]
_LEFT_OUT = {"connections:authorized", "account_logout", "accounts:sign_out", "openid_connect_callback"}


@pytest.fixture
def ids(sandbox: RunningSandbox, settings: Settings, alice: User, tmp_path: Path) -> dict[str, int]:
    """A run with rejected contacts and a value that is left out, a preview, and an import with problems."""
    settings.CAMPAIGN_MONITOR_SANDBOX_URL = sandbox.url
    list_id = sandbox.create_list("Shop", fields=[("Taste", "MultiSelectOne", ["Tea"])])
    create_profiles(
        [
            {
                "email": f"zara{place}@hidden.example",
                "first_name": "zara",
                "town": "zaratown",
                "taste": "zarataste",
            }
            for place in range(3)
        ]
    )
    segment = exports.segment_of_everyone(rules=RULES)
    connection = exports.sandbox_connection(sandbox, by=alice)
    export = exports.export_to(sandbox, connection, segment, list_id=list_id, mapping=MAPPING, by=alice)
    Export.objects.update(tell_also=["also@example.com"])
    refused = {"kind": "refuse_emails", "emails": ["zara0@hidden.example", "zara1@hidden.example"], "code": 1}
    sandbox.faults({"rules": [refused]})
    run = run_to_its_end(export, by=alice)
    preview = actions_preview.request(export, by=alice)
    actions_preview.work_out(preview.pk)
    file = tmp_path / "people.csv"
    file.write_text(
        "id,email\nzara-key\tx,zara@hidden.example\nzara8,zara8@hidden.example,zara\n"
        + "".join(f"{key},z{key}@example.com\n" for key in range(8))
    )
    call_command("import_profiles", str(file), "--key", "id", "--source", "Shop")
    job = ImportJob.objects.latest("pk")
    return {
        "connection": connection.pk,
        "source": job.source_id,
        "segment": segment.pk,
        "export": export.pk,
        "job": job.pk,
        "profile": all_profiles()[0].id,
        "run": run.pk,
    }


def test_runs_previews_and_imports_leave_nothing_masked_in_the_clear(
    ids: dict[str, int],
    charlie_client: Client,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert Outcome.objects.filter(run_id=ids["run"], kind="rejected").count() == 2
    assert Run.objects.get(pk=ids["run"]).incomplete == 1
    assert ImportJob.objects.get(pk=ids["job"]).problems.count() == 2
    call_command("run_export", "Newsletter", "--wait", "--json")
    printed = capsys.readouterr()
    found = [line for line in (printed.out, printed.err) if any(word in line for word in HIDDEN)]
    told = [condition.sentence for condition in Condition.objects.all()]
    assert told, "that contacts were rejected is told"
    found += [sentence for sentence in told if any(word in sentence for word in HIDDEN)]
    records = [logging.Formatter().format(record) for record in caplog.records]
    found += [line for line in records if any(word in line for word in HIDDEN)]
    for name, address in ADDRESSES.items():
        if name in _LEFT_OUT or Role.VIEWER not in address.look or address.of == "user":
            continue
        url = url_of(name, ids)
        text = charlie_client.get(url).getvalue().decode(errors="replace")
        found += [f"{url} shows {word}" for word in HIDDEN if word in text]
    assert found == []
