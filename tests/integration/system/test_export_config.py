"""`manage.py export_config`: the configuration as a file, which `apply` takes back."""

import io
import json
import random
import stat
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import call_command
from pytest_django.fixtures import Settings

from config.console.demo.seeding import FILE as DEMO
from config.console.manifest.apply import apply_manifest
from config.console.manifest.current import as_yaml, current_configuration
from config.console.manifest.document import FileRefused
from config.platform.encryption.fields import Sealed
from connections.models import Connection, Limits
from exports.models import Export
from segments.models import AttributeType, Segment
from tests.support import random_rules
from tests.support.profiles import create_attributes, create_profiles
from tests.support.sandbox import RunningSandbox

pytestmark = pytest.mark.django_db

STDIN = Path("-")
WORDS = [
    "Łódź",
    "NO",
    "yes",
    "null",
    "0123",
    "1e3",
    "2020-01-01",
    "a: b",
    "# no",
    "- x",
    "“quoted”",
    "it's",
    "李",
    "@",
]


def exported() -> str:
    return as_yaml(current_configuration())


def put(text: str, **options: Any) -> list[str]:
    """Apply a text, and return what it changed."""
    applied = apply_manifest(STDIN, content=text.encode(), **options)
    return [str(difference) for difference in applied.differences]


def empty_the_system() -> None:
    for model in (Export, Segment, Connection):
        model.objects.all().delete()


def test_the_demo_comes_back_as_it_is(sandbox: RunningSandbox, settings: Settings, monkeypatch: Any) -> None:
    settings.CAMPAIGN_MONITOR_SANDBOX_URL = sandbox.url
    monkeypatch.setenv("CREDENTIAL_SANDBOX", "sandbox-api-key")
    texts = ("email", "full_name", "city", "country", "language")
    create_profiles([dict.fromkeys(texts, "x") | {"newsletter": True, "points": 1.5, "email": "a@example.com"}])
    create_attributes({"birth_date": AttributeType.DATE, "customer_since": AttributeType.DATE})
    put(DEMO.read_text(encoding="utf-8").replace("env:SANDBOX_API_KEY", "env:CREDENTIAL_SANDBOX"))
    first = exported()

    assert put(first, dry_run=True) == []
    empty_the_system()
    assert put(first)
    assert exported() == first


def test_an_older_file_takes_back_answers_that_were_chosen_since(
    sandbox: RunningSandbox, settings: Settings, monkeypatch: Any
) -> None:
    settings.CAMPAIGN_MONITOR_SANDBOX_URL = sandbox.url
    monkeypatch.setenv("CREDENTIAL_SANDBOX", "sandbox-api-key")
    texts = ("email", "full_name", "city", "country", "language")
    create_profiles([dict.fromkeys(texts, "x") | {"newsletter": True, "points": 1.5, "email": "a@example.com"}])
    create_attributes({"birth_date": AttributeType.DATE, "customer_since": AttributeType.DATE})
    put(DEMO.read_text(encoding="utf-8").replace("env:SANDBOX_API_KEY", "env:CREDENTIAL_SANDBOX"))
    older = exported()
    export = Export.objects.order_by("pk")[0]
    before = dict(export.answers)
    Export.objects.filter(pk=export.pk).update(answers={**before, "automations": "new", "blanks": "clear"})
    assert put(older, dry_run=True)
    put(older)
    export.refresh_from_db()
    assert exported() == older
    assert export.answers["automations"] != "new"


def a_schedule(chance: random.Random) -> Any:
    times, zone = ["02:00", "14:30"], "Europe/Warsaw"
    rule: dict[str, Any] = chance.choice(
        [
            {"recurrence": "daily"},
            {"recurrence": "weekly", "weekdays": ["monday", "sunday"]},
            {"recurrence": "monthly", "month_days": [1, 15, "last"]},
            {"recurrence": "hours", "hours": 6, "starts_on": "2026-11-25", "times": ["01:00"]},
            {"recurrence": "cron", "cron": "0 6 * * mon-fri", "times": []},
        ]
    )
    rule = {"times": times, "zone": zone} | rule
    return chance.choice(["system", "off", rule, rule | {"on": "no"}])


def a_configuration(chance: random.Random) -> dict[str, Any]:
    """Make up a configuration in the form of a manifest."""

    def word() -> str:
        return chance.choice(WORDS)

    connections = [a_random_connection(chance, f"{word()} {number}") for number in range(2)]
    segments: list[dict[str, Any]] = []
    for number in range(4):
        rules = random_rules.Example(chance).tree()
        segments.append(
            {
                "name": f"{word()} {number}",
                "description": f"{word()}\n{word()}" if chance.random() < 0.5 else word(),
                "rules": named(rules, segments),
                "tags": sorted({word().replace(",", "") for _each in range(chance.randint(0, 3))}),
                "active": chance.random() < 0.8,
                "static": chance.random() < 0.2,
                "schedule": a_schedule(chance),
            }
        )
    exports = [an_export(chance, number, connections, segments) for number in range(3)]
    exports[1] |= {"after_exports": [exports[2]["name"]], "after_sources": ["Customers"]}
    return {
        "connections": connections,
        "segments": segments,
        "exports": exports,
        "system_refresh": {
            "schedule": {"recurrence": "daily", "times": ["02:00"], "zone": "UTC", "on": chance.random() < 0.5}
        },
    }


def a_random_connection(chance: random.Random, name: str) -> dict[str, Any]:
    return {
        "name": name,
        "destination": "campaign_monitor",
        "environment": "live",
        "shared_with": chance.sample(["contributor", "viewer"], chance.randint(0, 2)),
        "credentials": {"api_key": "env:CREDENTIAL_KEY", "client_id": "0" * 32},
        "limits": chance.choice(
            [
                {},
                {"blocked_attributes": ["city"], "contact_limit": 5000, "may_resubscribe": True},
                {"allowed_attributes": ["email", "town"], "consent_attribute": "newsletter"},
            ]
        ),
        "parallel_requests": chance.randint(1, 16),
    }


def an_export(chance: random.Random, number: int, connections: Any, segments: Any) -> dict[str, Any]:
    free = [each for each in connections if not each["limits"]]
    entry: dict[str, Any] = {
        "name": f"{chance.choice(WORDS)} {number}",
        "connection": chance.choice([each["name"] for each in free] + [None]),
        "list_id": f"{number:032x}",
        "segments": [each["name"] for each in chance.sample(segments, chance.randint(1, 3))],
        "email": "email",
        "fields": chance.choice(
            [
                {},
                {
                    "name": "town",
                    "[City]": {"attribute": "city", "join": "town", "separator": ", ", "case": "upper"},
                },
                {"[Born]": {"attribute": "born", "date_format": "DD.MM.YYYY"}, "[C]": {"constant": "NO"}},
            ]
        ),
        "answers": {"consent_to_track": chance.choice(["yes", "no", "unchanged", "attribute:newsletter"])},
        "tags": chance.sample(WORDS, chance.randint(0, 2)),
        "tell_also": chance.choice([[], ["marketing@example.com"]]),
        "schedule": a_schedule(chance),
    }
    entry |= chance.choice(
        [{}, {"removal": "mark", "mark_field": "[Left]", "mark_value": "yes"}, {"removal": "delete"}]
    )
    return entry | chance.choice([{}, {"control_group": "hold_out", "control_percentage": 10}])


def named(rules: Any, segments: Any) -> Any:
    """Let rules refer to earlier segments by name, or not at all."""
    if "rules" in rules:
        return rules | {"rules": [kept for rule in rules["rules"] if (kept := named(rule, segments)) is not None]}
    if "segment" in rules:
        return rules | {"segment": segments[rules["segment"] % len(segments)]["name"]} if segments else None
    return rules


@pytest.mark.parametrize("seed", range(15))
def test_a_configuration_comes_back_as_it_is(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDENTIAL_KEY", "a-key")
    create_profiles([{"email": "aino@example.com"}])
    create_attributes(random_rules.TYPES)
    text = json.dumps(a_configuration(random.Random(seed)))
    put(text)
    first = exported()

    assert put(text, dry_run=True) == []
    assert put(first, dry_run=True) == []
    empty_the_system()
    put(first)
    assert exported() == first


def a_connection(credentials: dict[str, str], limits: Limits | None = None) -> Connection:
    connection = Connection(name="Main", destination_key="campaign_monitor", limits=(limits or Limits()).keep())
    connection.credentials = Sealed.of(credentials)
    connection.save()
    return connection


@pytest.mark.parametrize(
    "secrets", [{"api_key": "s3cret-key"}, {"access_token": "s3cret-key", "refresh_token": "s3"}]
)
def test_a_stored_secret_is_kept_and_never_written(secrets: dict[str, str]) -> None:
    connection = a_connection(secrets)
    text = exported()

    assert "s3cret" not in text
    assert "kept" in text
    assert put(text, dry_run=True) == []
    put(text)
    connection.refresh_from_db()
    assert connection.credentials is not None
    assert connection.credentials.open() == secrets


def test_a_kept_secret_that_is_not_here_is_named() -> None:
    a_connection({"api_key": "s3cret-key"})
    text = exported()
    empty_the_system()
    applied = apply_manifest(STDIN, content=text.encode())

    assert "The credentials are not in the file. Enter them on the page of the connection." in applied.report[0]
    assert Connection.objects.get().credentials is None


def test_limits_that_the_file_does_not_name_are_lifted() -> None:
    connection = a_connection({"api_key": "env:CREDENTIAL_KEY"}, Limits(most_people=10))
    entry = (
        "connections: [{name: Main, destination: campaign_monitor, environment: live, limits: {may_remove: no}}]"
    )

    assert put(entry) == ['connections “Main”: limits: {"contact_limit":10} → {"may_remove":false}']
    connection.refresh_from_db()
    assert connection.limited == Limits(may_remove=False)


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ("{blocked_attributes: [nickname]}", "Profiles have no attribute “nickname”."),
        ("{contact_limit: few}", "“contact_limit” must be a whole number from 1 to 1000000000."),
        ("{allowed_attributes: []}", "Allow at least the attribute that contains the email."),
        ("{may_remove: perhaps}", "“may_remove” must be yes or no."),
    ],
)
def test_it_refuses_limits_that_are_none(limits: str, reason: str) -> None:
    text = f"connections:\n- {{name: A, destination: campaign_monitor, environment: live, limits: {limits}}}"
    with pytest.raises(FileRefused) as refused:
        put(text)
    assert str(refused.value) == f"-:2: {reason}"


def test_a_segment_excludes_after_its_first_refresh() -> None:
    create_profiles([{"email": "aino@example.com"}])
    text = "segments: [{name: Staff, rules: {rules: []}, exclusion: yes}]"
    applied = apply_manifest(STDIN, content=text.encode())
    assert "It is not the exclusion segment yet." in applied.report[0]

    assert put(text, dry_run=True) == ["segments “Staff”: exclusion: false → true"]
    call_command("refresh_segments")
    assert put(text) == ["segments “Staff”: exclusion: false → true"]
    assert put(text, dry_run=True) == []


def test_two_segments_cannot_both_exclude() -> None:
    both = (
        "segments: [{name: A, rules: {rules: []}, exclusion: yes}, {name: B, rules: {rules: []}, exclusion: yes}]"
    )
    with pytest.raises(FileRefused, match="“A” is the exclusion segment already"):
        put(both)


def test_rules_of_a_static_segment_change_once_it_is_dynamic() -> None:
    create_profiles([{"email": "aino@example.com"}])
    put("segments: [{name: S, rules: {rules: []}, static: yes}]")
    call_command("refresh_segments")
    changed = "segments: [{name: S, rules: {rules: [{attribute: email, operator: has_value}]}, static: %s}]"
    with pytest.raises(FileRefused, match="keep their members"):
        put(changed % "yes")
    assert len(put(changed % "no")) == 2


def run(command: str, *arguments: str, stdin: str = "") -> int:
    """Run a command with text on stdin, and return its exit code."""
    given = SimpleNamespace(buffer=io.BytesIO(stdin.encode()))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdin", given)
        try:
            call_command(command, *arguments)
        except SystemExit as ended:
            return int(ended.code or 0)
    return 0


def test_the_commands_pipe_and_end_with_2_on_a_difference(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    create_profiles([{"email": "aino@example.com"}])
    put("segments: [{name: All, rules: {rules: []}}]")
    assert run("export_config") == 0
    text = capsys.readouterr().out
    assert run("export_config", "--output", str(tmp_path / "all.yaml")) == 0
    assert (tmp_path / "all.yaml").read_text(encoding="utf-8") == text
    assert run("apply", "-", "--dry-run", stdin=text) == 0

    edited = text.replace("description: ''", "description: All customers")
    capsys.readouterr()
    assert run("apply", "-", "--dry-run", stdin=edited) == 2
    assert "  segments “All”: description:  → All customers" in capsys.readouterr().out
    assert run("apply", "-", "--dry-run", "--json", stdin=edited) == 2
    (difference,) = json.loads(capsys.readouterr().out)["differences"]
    assert difference == {
        "section": "segments",
        "name": "All",
        "key": "description",
        "before": "",
        "after": "All customers",
    }
    assert run("apply", "-", stdin=edited) == 0
    assert run("apply", "-", "--dry-run", stdin=edited) == 0


def test_a_new_file_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "all.yaml"
    assert run("export_config", "--output", str(path)) == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600

    path.chmod(0o640)
    path.write_text("x" * 100_000, encoding="utf-8")
    assert run("export_config", "--output", str(path)) == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert path.read_text(encoding="utf-8") == exported()


def test_stdin_is_read_up_to_the_size_of_the_largest_file(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("config.console.manifest.document.MOST_BYTES", 10)
    given = io.BytesIO(b"#" * 50)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=given))
    with pytest.raises(SystemExit):
        call_command("apply", "-")
    assert "-:1: The file is larger than 10 MB." in capsys.readouterr().err
    assert given.tell() == 11
