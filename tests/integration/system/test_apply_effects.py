"""The dry run of `manage.py apply` says what the next runs of exports would do, before and after."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from pytest_django.fixtures import Settings

from config.console.manifest.apply import apply_manifest
from config.console.manifest.current import as_yaml, current_configuration
from connections.models import Connection
from exports.models import Export, Removal, Run
from segments.models import Segment
from tests.integration.exports.conftest import run_to_its_end
from tests.support import removals
from tests.support.exports import segment_of_everyone
from tests.support.profiles import create_profiles
from tests.support.sandbox import RunningSandbox

pytestmark = pytest.mark.django_db
COUNTRIES = ["Finland"] * 6 + ["Norway"] * 3 + ["Sweden"]
FINLAND = {"join": "and", "rules": [{"attribute": "country", "operator": "is", "value": "Finland"}]}


@pytest.fixture
def export(sandbox: RunningSandbox, settings: Settings) -> Export:
    """An export of all customers in Finland that has run."""
    settings.CAMPAIGN_MONITOR_SANDBOX_URL = sandbox.url
    create_profiles(
        {"email": f"p{number}@example.com", "first_name": f"P{number}", "country": country}
        for number, country in enumerate(COUNTRIES)
    )
    found = removals.export_of(sandbox, segment_of_everyone("Readers", FINLAND), Removal.DELETE)
    removals.run(found)
    return found


def dry_run(old: str, new: str) -> Any:
    text = as_yaml(current_configuration())
    assert old in text
    content = text.replace(old, new).encode()
    return apply_manifest(Path("-"), content=content, dry_run=True, with_effects=True)


def test_other_rules_add_and_remove_contacts_as_the_run_then_does(export: Export) -> None:
    (effect,) = dry_run("value: Finland", "value: Norway").effects

    assert effect.export == "Newsletter"
    assert effect.before is not None
    assert (effect.before.to_add, effect.before.unchanged, effect.before.to_remove) == (0, 6, 0)
    assert (effect.after.to_add, effect.after.unchanged) == (3, 0)
    assert (effect.after.to_remove, effect.after.held, effect.after.requests) == (
        0,
        6,
        1,
    )  # all: a guard holds them
    assert effect.affects_contacts
    assert Segment.objects.get().member_count == 6

    norway = {"join": "and", "rules": [{"attribute": "country", "operator": "is", "value": "Norway"}]}
    Segment.objects.update(rules=norway)
    call_command("refresh_segments")
    run = run_to_its_end(export)
    assert (run.to_add, run.removals_held) == (effect.after.to_add, effect.after.held)


def test_segments_that_refer_to_a_changed_one_count_too(export: Export) -> None:
    nordic = {"join": "and", "rules": [{"segment": Segment.objects.get().pk, "operator": "member"}]}
    export.segments.set([segment_of_everyone("Nordic", nordic)])

    (effect,) = dry_run("value: Finland", "value: Sweden").effects
    assert (effect.after.to_add, effect.after.to_remove + effect.after.held) == (1, 6)


def test_a_changed_field_updates_and_a_new_tag_has_no_effect(export: Export) -> None:
    (effect,) = dry_run("name: first_name", "name: country").effects
    assert (effect.before.to_update, effect.after.to_update, effect.after.to_add) == (0, 6, 0)
    assert dry_run("tags: []", "tags: [morning]").effects == []
    assert Run.objects.count() == 1


def test_the_command_prints_the_effects(
    export: Export, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "new.yaml"
    path.write_text(as_yaml(current_configuration()).replace("value: Finland", "value: Norway"), encoding="utf-8")
    with pytest.raises(SystemExit):
        call_command("apply", str(path), "--dry-run")
    printed = capsys.readouterr().out
    assert "  Next run of “Newsletter”: Contacts to add: 0 → 3; Unchanged contacts: 6 → 0" in printed
    assert "Removals awaiting confirmation: 0 → 6; Requests: 0 → 1" in printed
    with pytest.raises(SystemExit):
        call_command("apply", str(path), "--dry-run", "--json")
    (effect,) = json.loads(capsys.readouterr().out)["effects"]
    assert (effect["before"]["to_add"], effect["after"]["to_add"]) == (0, 3)


def test_an_export_without_connection_says_why_nothing_is_counted(export: Export) -> None:
    (effect,) = dry_run("connection: Sandbox", "connection: null").effects
    assert effect.after.problem == "This export has no connection. Choose one first."
    assert effect.affects_contacts


def test_a_paused_connection_stops_no_file(export: Export) -> None:
    Connection.objects.update(paused_at=export.created_at)
    applied = dry_run("value: Finland", "value: Norway")
    assert "was paused by an administrator" in applied.report[-2]
    assert "was paused by an administrator" in applied.effects[0].after.problem
