"""The dry run of `manage.py apply` says what the next runs of exports would do, before and after."""

import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from pytest_django.fixtures import Settings

from config.console.manifest.apply import apply_manifest
from config.console.manifest.current import as_yaml, current_configuration
from connections.models import Connection
from exports.actions import effects
from exports.models import Export, Removal, Run
from exports.preview import dry_run as preview
from segments.models import Segment
from tests.integration.exports.conftest import run_to_its_end
from tests.support import removals
from tests.support.exports import segment_of_everyone
from tests.support.profiles import create_profiles
from tests.support.sandbox import RunningSandbox

pytestmark = pytest.mark.django_db
COUNTRIES = ["Finland"] * 6 + ["Norway"] * 3 + ["Sweden"]
NORWAY = {"join": "and", "rules": [{"attribute": "country", "operator": "is", "value": "Norway"}]}
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


@pytest.mark.parametrize("name", ["İstanbul news", "ΟΔΟΣ"])
def test_names_whose_lower_case_differs_by_library_are_found(export: Export, name: str) -> None:
    Export.objects.update(name=name)
    (effect,) = dry_run("value: Finland", "value: Norway").effects
    assert (effect.export, effect.before is not None, effect.after.to_add) == (name, True, 3)


def test_changes_are_rolled_back_between_plans_that_take_long(
    export: Export, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(2):
        name, list_id = f"Other {number}", export.list_id
        removals.export_of(
            sandbox, Segment.objects.get(), Removal.LEAVE, connection=export.connection, list_id=list_id, name=name
        )
    at_once = dry_run("value: Finland", "value: Norway")
    monkeypatch.setattr(effects, "_HELD_SECONDS", 0.0)
    made, limits = [], []
    plan_for_a_while, estimate = effects._plan_for_a_while, preview.estimate

    def planned(*arguments: Any) -> Any:
        made.append(Segment.objects.get().rules["rules"][0]["value"])
        return plan_for_a_while(*arguments)

    def estimated(*arguments: Any) -> Any:
        with connection.cursor() as cursor:
            cursor.execute("SHOW statement_timeout")
            limits.append(cursor.fetchone()[0])
        return estimate(*arguments)

    monkeypatch.setattr(effects, "_plan_for_a_while", planned)
    monkeypatch.setattr(preview, "estimate", estimated)
    applied = dry_run("value: Finland", "value: Norway")
    assert made == ["Norway"] * 3
    assert limits[:3] == ["15s"] * 3
    assert applied == at_once
    assert [effect.export for effect in applied.effects] == ["Newsletter", "Other 0", "Other 1"]


def test_a_file_from_a_pipe_is_read_once(export: Export, tmp_path: Path) -> None:
    content = as_yaml(current_configuration()).replace("value: Finland", "value: Norway").encode()
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(content,))
    writer.start()
    assert apply_manifest(path, dry_run=True, with_effects=True).effects[0].after.to_add == 3
    writer.join()


def a_second_export(sandbox: RunningSandbox, first: Export) -> Export:
    """Another export to the same list, which wanted customers in Finland too until its segment changed."""
    segment = segment_of_everyone("Nordic", {"join": "or", "rules": [*FINLAND["rules"], *NORWAY["rules"]]})
    other = removals.export_of(
        sandbox, segment, Removal.DELETE, connection=first.connection, list_id=first.list_id, name="Second"
    )
    removals.run(other)
    Segment.objects.filter(pk=segment.pk).update(rules=NORWAY)
    call_command("refresh_segments")
    removals.run(other)
    return other


def leaving(effect: Any) -> tuple[int, int]:
    return tuple(run.to_remove + run.held for run in (effect.before, effect.after))


def test_exports_that_remove_from_the_list_of_a_removed_one_are_affected(
    export: Export, sandbox: RunningSandbox
) -> None:
    a_second_export(sandbox, export)
    document = current_configuration()
    document["exports"] = [entry for entry in document["exports"] if entry["name"] == "Second"]
    applied = apply_manifest(
        Path("-"), content=as_yaml(document).encode(), dry_run=True, prunes=True, with_effects=True
    )
    (effect,) = applied.effects
    assert (effect.export, leaving(effect)) == ("Second", (0, 6))


def test_exports_that_remove_from_the_list_of_a_changed_one_are_affected(
    export: Export, sandbox: RunningSandbox
) -> None:
    a_second_export(sandbox, export)
    document = current_configuration()
    document["exports"][0]["segments"] = ["Nordic"]
    applied = apply_manifest(Path("-"), content=as_yaml(document).encode(), dry_run=True, with_effects=True)
    assert [effect.export for effect in applied.effects] == ["Newsletter", "Second"]
    assert leaving(applied.effects[1]) == (0, 6)


def test_a_static_segment_keeps_its_members_until_it_is_dynamic(export: Export) -> None:
    Segment.objects.update(is_static=True, rules=NORWAY)
    (effect,) = dry_run("static: true", "static: false").effects
    assert (effect.before.to_add, effect.after.to_add) == (0, 3)
    (effect,) = dry_run("active: true", "active: false").effects
    assert not effect.affects_contacts
