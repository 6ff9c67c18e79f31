"""`manage.py apply`: configuration as a file."""

from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from django.core.management import call_command
from pytest_django.fixtures import Settings

from config.audit.models import AuditEntry
from config.system import applying
from config.system.applying.applying import apply
from config.system.applying.problems import FileRefused
from connections import actions as connection_actions
from connections import credentials
from connections.models import Connection, Consent
from connections.policies import ConnectionStatus, status_of
from exports.models import Export
from segments.models import Segment
from tests import exporting

pytestmark = pytest.mark.django_db

SECRET = "s3cret-0f-the-account"
GOOD = """
connections:
  - name: Main account
    destination: campaign_monitor
    environment: live
    shared_with: [contributor]
    credentials:
      api_key: env:MAIN_KEY

segments:
  - name: Finns
    description: People in Finland
    rules:
      join: and
      rules:
        - {attribute: country, operator: any_of, value: [Finland, NO], ignore_case: yes}
        - {attribute: newsletter, operator: is_yes}

exports:
  - name: Finns to Newsletter
    connection: main ACCOUNT
    list_id: a1150000000000000000000000000001
    segments: [finns]
    email: email
    fields:
      name: first_name
      "[City]": city
    answers: {consent_to_track: yes}
"""


@pytest.fixture(autouse=True)
def _profiles(db: None) -> None:
    aino = {"email": "aino@example.com", "first_name": "Aino", "city": "Turku", "country": "Finland"}
    exporting.profiles([aino | {"newsletter": True}])


class File:
    """A file to apply, with its own environment."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.environ: dict[str, str] | None = {"MAIN_KEY": SECRET}

    def apply(self, text: str = GOOD, **options: Any) -> list[str]:
        self.path.write_text(dedent(text), encoding="utf-8")
        return list(apply(self.path, environ=self.environ, **options).lines())

    def refusals(self, text: str) -> list[str]:
        """Problems as “line: reason”."""
        with pytest.raises(FileRefused) as refused:
            self.apply(text)
        return [str(problem).removeprefix(f"{self.path}:") for problem in refused.value.problems]


@pytest.fixture
def file(tmp_path: Path) -> File:
    return File(tmp_path / "configuration.yaml")


def everything() -> tuple[object, ...]:
    """All that a file could have changed."""
    sealed = [connection.credentials.stored for connection in Connection.objects.order_by("pk")]
    rows = [list(model.objects.order_by("pk").values()) for model in (Segment, Export, AuditEntry)]
    return sealed, list(Connection.objects.order_by("pk").values("pk", "version", "name")), *rows


def test_it_creates_what_the_file_says(file: File) -> None:
    lines = file.apply()

    assert [line.partition(" – ")[0] for line in lines] == [
        "connection “Main account”: created",
        "segment “Finns”: created",
        "export “Finns to Newsletter”: created",
    ]
    connection, segment, export = Connection.objects.get(), Segment.objects.get(), Export.objects.get()
    assert connection.allowed_roles == ["administrator", "contributor"]
    assert credentials.access(connection).credentials == {"api_key": SECRET}
    assert segment.rules["rules"][0]["value"] == ["Finland", "NO"]
    assert (export.connection, list(export.segments.all())) == (connection, [segment])
    assert export.mapping == [
        {"attribute": "first_name", "field": "name"},
        {"attribute": "city", "field": "[City]"},
    ]
    assert export.answers == {"consent_to_track": "yes"}


def test_a_second_time_it_writes_nothing(file: File) -> None:
    file.apply()
    before = everything()

    lines = file.apply()

    assert [line.partition(" – ")[0].rpartition(": ")[2] for line in lines] == ["unchanged"] * 3
    assert everything() == before


def test_it_never_consents_and_never_makes_an_export_user(file: File) -> None:
    lines = file.apply()

    connection = Connection.objects.get()
    assert status_of(connection) == ConnectionStatus.CONSENT_NEEDED
    assert "Consent needed" in lines[0]
    assert not Consent.objects.exists()
    assert connection.export_user is None


def test_the_record_says_that_the_system_did_it_and_holds_no_secret(file: File) -> None:
    file.apply()

    entries = AuditEntry.objects.all()
    assert {entry.actor_name for entry in entries} == {"system"}
    assert {entry.target_kind for entry in entries} == {"connection", "segment", "export"}
    assert SECRET not in str(list(entries.values()))


def test_it_updates_by_name_whatever_its_case_and_says_which_fields(file: File) -> None:
    file.apply()
    changed = (
        GOOD.replace("name: Finns\n", "name: FINNS\n")
        .replace("[contributor]", "[]")
        .replace("is_yes", "is_no")
        .replace("consent_to_track: yes", "consent_to_track: unchanged")
    )

    lines = file.apply(changed)

    assert [line.partition(" – ")[0] for line in lines] == [
        "connection “Main account”: updated (shared_with)",
        "segment “FINNS”: updated (name, rules)",
        "export “Finns to Newsletter”: updated (answers)",
    ]
    assert (Connection.objects.count(), Segment.objects.count(), Export.objects.count()) == (1, 1, 1)
    assert (Connection.objects.get().version, Segment.objects.get().version, Export.objects.get().version) == (
        2,
        2,
        2,
    )


def test_a_changed_secret_is_noticed_and_not_told(file: File) -> None:
    file.apply()
    file.environ = {"MAIN_KEY": "another-one"}

    lines = file.apply()

    assert lines[0].startswith("connection “Main account”: updated (credentials)")
    assert credentials.access(Connection.objects.get()).credentials == {"api_key": "another-one"}
    assert "another-one" not in " ".join(lines)


def test_what_the_file_does_not_say_stays_as_it_is(file: File) -> None:
    file.apply()
    without = GOOD.replace("    shared_with: [contributor]\n", "").replace(
        "    description: People in Finland\n", ""
    )
    start, end = without.index("    credentials:"), without.index("segments:")

    lines = file.apply(without[:start] + without[end:])

    assert [line.partition(" – ")[0].rpartition(": ")[2] for line in lines] == ["unchanged"] * 3


def test_a_secret_may_come_from_a_file(file: File, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{SECRET}\n", encoding="utf-8")

    file.apply(GOOD.replace("env:MAIN_KEY", f"file:{tmp_path}/key"))

    assert credentials.access(Connection.objects.get()).credentials == {"api_key": SECRET}


def test_the_environment_is_referred_to_rather_than_copied(file: File, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAIN_KEY", SECRET)
    file.environ = None

    file.apply()
    again = file.apply()

    assert credentials.stored(Connection.objects.get()) == {"api_key": "env:MAIN_KEY"}
    assert again[0].startswith("connection “Main account”: unchanged")


def test_a_dry_run_says_the_same_and_changes_nothing(file: File) -> None:
    before = everything()

    dry = file.apply(dry_run=True)

    assert everything() == before
    assert dry == file.apply()


def test_it_refuses_a_literal_secret_and_says_what_to_write(file: File) -> None:
    refusals = file.refusals(GOOD.replace("env:MAIN_KEY", "0123456789abcdef"))

    assert refusals == [
        "8: “api_key”: A secret does not belong in a file. Put it in a variable of the environment and write "
        "env:CAMPAIGN_MONITOR_API_KEY here."
    ]


def test_it_refuses_a_reference_that_leads_nowhere(file: File) -> None:
    file.environ = {}

    assert file.refusals(GOOD) == [
        "8: “api_key”: The environment has no variable MAIN_KEY. Set it, then apply again."
    ]


def test_it_tells_all_problems_at_once_with_their_lines(file: File) -> None:
    bad = """
    connections:
      - name: Main account
        destination: pigeon_post
        environment: production
        shared_with: [everyone]
      - name: MAIN account
        destination: campaign_monitor
        enviroment: live
    segments:
      - name: Finns
        rules:
          rules:
            - {attribute: contry, operator: is, value: Finland}
            - attribute: country
              operator: resembles
      - rules: {rules: []}
    exports:
      - name: Out
        connection: Mian account
        list_id: [1]
        segments: [Fins]
        email: mail
        answers: {consent_to_track: maybe}
    """

    refusals = file.refusals(bad)

    assert [int(refusal.partition(":")[0]) for refusal in refusals] == [4, 5, 6, 7, 7, 9, 14, 15, 17, 21]
    text = "\n".join(refusals)
    for expected in (
        "There is no destination “pigeon_post”",
        "“environment” is live or sandbox",
        "There is no role “everyone”",
        "“MAIN account” is already on line 3",
        "Did you mean “environment”?",
        "There is no attribute “contry”",
        "Choose how to compare “country”",
        "“name” is missing",
        "“list_id” is a text; found a list",
    ):
        assert expected in text


def test_it_refuses_references_that_nobody_answers_to(file: File) -> None:
    bad = (
        GOOD.replace("connection: main ACCOUNT", "connection: Mian account")
        .replace("[finns]", "[Fins, Fins]")
        .replace("email: email", "email: emial")
        .replace("consent_to_track: yes", "consent: yes")
    )

    refusals = "\n".join(file.refusals(bad))

    assert (
        "There is no connection “Mian account”, neither in this file nor here. Did you mean “Main account”"
        in refusals
    )
    assert "There is no segment “Fins”, neither in this file nor here. Did you mean “Finns”?" in refusals
    assert "“Fins” stands here twice" in refusals
    assert "No profile has an attribute “emial”. Did you mean “email”?" in refusals
    assert not Connection.objects.exists()


def test_it_refuses_an_answer_that_is_no_choice_or_is_missing(file: File) -> None:
    assert file.refusals(GOOD.replace("consent_to_track: yes", "consent_to_track: maybe")) == [
        "28: “consent_to_track” is one of: yes, no, unchanged, attribute:NAME."
    ]
    assert "“answers: {consent_to_track: …}” is missing" in "\n".join(
        file.refusals(GOOD.replace("    answers: {consent_to_track: yes}\n", ""))
    )


def test_an_attribute_may_answer_for_each_person(file: File) -> None:
    answered = GOOD.replace("consent_to_track: yes", "consent_to_track: attribute:country")
    file.apply(answered)
    assert Export.objects.get().answers == {"consent_to_track": "attribute:country"}
    assert file.refusals(GOOD.replace("consent_to_track: yes", "consent_to_track: attribute:contry")) == [
        "28: No profile has an attribute “contry”. Did you mean “country”?"
    ]


def test_answers_that_a_file_does_not_give_stay(file: File) -> None:
    file.apply(GOOD.replace("{consent_to_track: yes}", "{consent_to_track: yes, blanks: clear}"))
    file.apply(GOOD)
    assert Export.objects.get().answers == {"consent_to_track": "yes", "blanks": "clear"}


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("", "1: The file is empty."),
        ("- a\n- b\n", "1: Expected a mapping (key: value), found a list."),
        ("connections: [\n", "2: This is not YAML: while parsing a flow node, "),
        ("exports:\n  name: x\n", "2: “exports” is a list; found a mapping."),
        ("exports: []\nexports: []\n", "2: “exports” stands here twice."),
        ("conections: []\n", "1: “conections” is not known here. Did you mean “connections”?"),
        ("a: &x 1\nexports: [*x]\n", "2: Aliases (*name) are not used here: write it out."),
        ("exports: []\n---\nsegments: []\n", "2: This is not YAML: expected a single document"),
    ],
)
def test_it_refuses_what_is_no_configuration(file: File, text: str, refusal: str) -> None:
    assert file.refusals(text)[0].startswith(refusal)


def test_it_refuses_bytes_that_are_no_text(file: File) -> None:
    file.path.write_bytes(b"exports: []\n# \xff\n")

    with pytest.raises(FileRefused, match=":2: This is not UTF-8"):
        apply(file.path)


def test_it_keeps_type_and_environment_of_a_connection(file: File, settings: Settings) -> None:
    file.apply()
    settings.CAMPAIGN_MONITOR_SANDBOX_URL = "http://127.0.0.1:9"

    assert file.refusals(GOOD.replace("environment: live", "environment: sandbox")) == [
        "5: “Main account” was made for live and keeps that. Give the connection another name."
    ]


def test_it_refuses_a_sandbox_where_there_is_none(file: File) -> None:
    assert file.refusals(GOOD.replace("environment: live", "environment: sandbox")) == [
        "5: There is no sandbox here: set CAMPAIGN_MONITOR_SANDBOX_URL to its address."
    ]


def test_a_sandbox_that_does_not_answer_is_told_and_stops_nothing(file: File, settings: Settings) -> None:
    settings.CAMPAIGN_MONITOR_SANDBOX_URL = "http://127.0.0.1:9"

    lines = file.apply(GOOD.replace("environment: live", "environment: sandbox"))

    assert lines[0].startswith(
        "connection “Main account” [sandbox]: created – The credentials could not be checked"
    )
    assert lines[2].startswith("export “Finns to Newsletter” [sandbox]: created – The list could not be looked up")
    assert status_of(Connection.objects.get()) == ConnectionStatus.READY


def test_all_or_nothing(file: File, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection can be made, and then somebody else has its name in this very moment."""

    def taken(**_: object) -> None:
        raise connection_actions.NameTaken

    monkeypatch.setattr("segments.actions.create_segment", taken)
    before = everything()

    assert file.refusals(GOOD) == [
        "1: Somebody changed the same things in this very moment. Apply the file again."
    ]
    assert everything() == before


def test_the_example_in_the_manual_can_be_applied(file: File) -> None:
    manual = (Path(applying.__file__).parent / "README.md").read_text(encoding="utf-8")
    exporting.profiles([{"points": 100}])

    assert len(file.apply(manual.partition("```yaml\n")[2].partition("```")[0])) == 4
    assert Connection.objects.get().options == {"client_id": "0123456789abcdef0123456789abcdef"}


def test_the_command_prints_a_line_per_thing_and_ends_with_0(
    file: File, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAIN_KEY", SECRET)
    file.path.write_text(GOOD, encoding="utf-8")

    call_command("apply", str(file.path), "--dry-run")

    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 4
    assert printed[-1] == "Nothing was changed: this was a dry run."


def test_the_command_ends_with_1_and_prints_file_line_and_reason(
    file: File, capsys: pytest.CaptureFixture[str]
) -> None:
    file.path.write_text("exports: 1\n", encoding="utf-8")

    with pytest.raises(SystemExit) as ended:
        call_command("apply", str(file.path))

    assert ended.value.code == 1
    assert capsys.readouterr().err.splitlines() == [
        f"{file.path}:1: “exports” is a list; found a single value.",
        "Nothing was changed.",
    ]
