"""`manage.py apply --prune` removes what the file does not name; the revision of a file is stored and shown."""

from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from config.console.manifest.apply import Applied, apply_manifest
from config.console.manifest.document import FileRefused
from config.console.models import AppliedConfiguration
from config.platform.audit.models import AuditEntry
from connections.models import Connection
from exports.actions import runs
from exports.models import Export, Removal
from segments.models import DataSource, Segment
from tests.support import removals
from tests.support.exports import an_administrator
from tests.support.profiles import create_profiles
from tests.support.sandbox import RunningSandbox

pytestmark = pytest.mark.django_db

FULL = """
connections:
  - {name: Main, destination: campaign_monitor, environment: live}
  - {name: Spare, destination: campaign_monitor, environment: live}
segments:
  - {name: All, rules: {rules: []}}
  - {name: Staff, rules: {rules: [{segment: All, operator: member}]}}
exports:
  - {name: Out, connection: Main, list_id: a1, segments: [All], email: email, answers: {consent_to_track: yes}}
  - {name: Old, connection: Spare, list_id: a2, segments: [Staff], email: email, answers: {consent_to_track: yes}}
"""
LESS = """
connections:
  - {name: Main, destination: campaign_monitor, environment: live}
segments:
  - {name: All, rules: {rules: []}}
exports:
  - {name: Out, connection: Main, list_id: a1, segments: [All], email: email, answers: {consent_to_track: yes}}
"""


@pytest.fixture(autouse=True)
def _profiles(db: None) -> None:
    create_profiles([{"email": "aino@example.com"}])


def put(text: str, *, prunes: bool = False, dry_run: bool = False, revision: str | None = None) -> Applied:
    content = text.encode()
    return apply_manifest(Path("-"), content=content, prunes=prunes, dry_run=dry_run, revision=revision)


def names() -> list[str]:
    return [row.name for model in (Connection, Segment, Export) for row in model.objects.order_by("name")]


def test_it_removes_what_the_file_does_not_name_and_says_so_before() -> None:
    put(FULL)
    before = names()
    removed = ["export “Old”: removed", "segment “Staff”: removed", "connection “Spare”: removed"]

    assert put(LESS).differences == []
    planned = put(LESS, prunes=True, dry_run=True)
    assert planned.report[-3:] == removed
    assert [str(difference) for difference in planned.differences if difference.key == "name"] == [
        "connections “Spare”: name: Spare → none",
        "segments “Staff”: name: Staff → none",
        "exports “Old”: name: Old → none",
    ]
    assert names() == before

    assert put(LESS, prunes=True).report[-3:] == removed
    assert names() == ["Main", "All", "Out"]
    assert DataSource.objects.get().profile_count == 1
    assert {"removed", "connection.removed"} <= set(AuditEntry.objects.values_list("action", flat=True))
    assert put(LESS, prunes=True, dry_run=True).differences == []


def test_sections_that_the_file_does_not_have_stay() -> None:
    put(FULL)
    put("exports: []", prunes=True)
    assert names() == ["Main", "Spare", "All", "Staff"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("connections: []", "-:1: “Main” cannot be removed: Exports use it: Out."),
        ("segments: []", "-:1: “Staff” cannot be removed: The segment is used by: Old."),
        (
            "segments: [{name: Staff, rules: {rules: [{segment: All, operator: member}]}}]",
            "“All” cannot be removed",
        ),
    ],
)
def test_it_refuses_to_remove_what_is_in_use(text: str, reason: str) -> None:
    put(FULL)
    before = names()
    with pytest.raises(FileRefused) as refused:
        put(text, prunes=True)
    assert reason in str(refused.value)
    assert names() == before


def test_it_refuses_to_remove_what_an_export_of_the_file_runs_after() -> None:
    put(FULL)
    after_old = LESS.rstrip().removesuffix("}") + ", after_exports: [old]}\n"
    put(after_old)
    with pytest.raises(FileRefused) as refused:
        put(after_old, prunes=True)
    (problem,) = refused.value.problems
    line = after_old.count("\n")
    assert str(problem) == f"-:{line}: “Out” runs after “Old”, which is not in this file and would be removed."
    assert "Old" in names()


def test_it_says_how_many_contacts_stay_and_refuses_while_a_run_is_in_progress(
    sandbox: RunningSandbox, settings: Settings
) -> None:
    settings.CAMPAIGN_MONITOR_SANDBOX_URL = sandbox.url
    segment = Segment.objects.create(name="All", rules={"join": "and", "rules": []})
    call_command("refresh_segments")
    segment.refresh_from_db()
    export = removals.export_of(sandbox, segment, Removal.LEAVE)
    removals.run(export)

    (line,) = put("exports: []", prunes=True, dry_run=True).report
    assert "1 contact that the export added to “Shop” stays there." in line
    runs.start_run(export, by=an_administrator())
    with pytest.raises(FileRefused, match="is in progress"):
        put("exports: []", prunes=True)


def test_the_revision_of_the_last_file_is_shown(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "production.yaml"
    path.write_text(FULL, encoding="utf-8")
    call_command("apply", str(path), "--revision", "3f2c1d0")
    call_command("apply", str(path), "--revision", "never", "--prune", "--dry-run", "--json")
    noted = AppliedConfiguration.objects.get()
    assert (noted.file_name, noted.revision, noted.changed) == ("production.yaml", "3f2c1d0", 6)
    entry = AuditEntry.objects.get(action="applied")
    assert entry.changes["revision"] == [None, "3f2c1d0"]

    client.force_login(an_administrator())
    page = client.get(reverse("system:about")).content.decode()
    assert "<code>3f2c1d0</code> · production.yaml" in page


def test_a_build_server_names_the_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI_COMMIT_SHA", "abc123")
    path = tmp_path / "file.yaml"
    path.write_text("segments: [{name: All, rules: {rules: []}}]", encoding="utf-8")
    call_command("apply", str(path))
    assert AppliedConfiguration.objects.get().revision == "abc123"
