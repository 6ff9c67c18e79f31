"""`manage.py apply`: configuration as a file."""

from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from django.core.management import call_command

from config.console import manifest
from config.console.manifest.apply import apply
from config.console.manifest.document import FileRefused
from config.platform.audit.models import AuditEntry
from connections import actions as connection_actions
from connections import credentials, vault
from connections.models import Connection, Consent
from connections.policies import ConnectionStatus, status_of
from exports.models import Export
from segments.models import AttributeType, Segment
from tests.support.profiles import create_attributes, create_profiles

pytestmark = pytest.mark.django_db

SECRET = "s3cret-0f-the-account"
GOOD = """
connections:
  - name: Main account
    destination: campaign_monitor
    environment: live
    shared_with: [contributor]
    credentials:
      api_key: env:CREDENTIAL_MAIN_KEY

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
    create_profiles([aino | {"newsletter": True}])


class File:
    """A file to apply, with its own environment."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.environ: dict[str, str] | None = {"CREDENTIAL_MAIN_KEY": SECRET}

    def apply(self, text: str = GOOD, **options: Any) -> list[str]:
        self.path.write_text(dedent(text), encoding="utf-8")
        return apply(self.path, environ=self.environ, **options)

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


def test_it_maps_fields_in_formats_and_constants(file: File) -> None:
    formats = """\
      name: {attribute: first_name, join: city, separator: ", ", case: title, default: friend}
      "[City]": {constant: Turku}
"""
    file.apply(GOOD.replace('      name: first_name\n      "[City]": city\n', formats))
    joined = {"join": "city", "separator": ", ", "case": "title", "default": "friend"}
    assert Export.objects.get().mapping == [
        {"attribute": "first_name", "field": "name", **joined},
        {"attribute": "", "field": "[City]", "default": "Turku"},
    ]


WRONG_FIELDS = {
    "{attribute: first_name, case: big}": "“case” must be one of: upper, lower, title.",
    "{attribute: first_name, date_format: DD}": (
        "“date_format” must be one of: YYYY-MM-DD, DD.MM.YYYY, DD/MM/YYYY, MM/DD/YYYY, YYYY, MM-DD."
    ),
    "{attribute: first_name, join: nickname}": "Profiles have no attribute “nickname”.",
    "{constant: Spring, join: city}": "“join” does not go together with “constant”.",
    "{join: city}": "“attribute” is missing.",
    '{constant: ""}': "“constant” is empty.",
}


@pytest.mark.parametrize("written", WRONG_FIELDS)
def test_it_refuses_a_field_that_cannot_be_written(file: File, written: str) -> None:
    (problem,) = file.refusals(GOOD.replace("name: first_name", f"name: {written}"))
    assert WRONG_FIELDS[written] in problem


def test_rules_may_have_periods_other_attributes_and_sets(file: File) -> None:
    create_attributes({"ordered": AttributeType.DATE, "born": AttributeType.DATE})
    file.apply(
        """
        segments:
          - name: Recent
            rules:
              join: except
              rules:
                - {attribute: ordered, operator: in_last, value: [3, weeks]}
                - {attribute: country, operator: is, other_attribute: city, ignore_case: yes}
                - {attribute: born, operator: day_of, value: 12-24}
        """
    )
    assert Segment.objects.get().rules == {
        "join": "except",
        "rules": [
            {"attribute": "ordered", "operator": "in_last", "value": ["3", "weeks"]},
            {"attribute": "country", "operator": "is", "other_attribute": "city", "ignore_case": True},
            {"attribute": "born", "operator": "day_of", "value": "12-24"},
        ],
    }
    wrong = "segments: [{name: X, rules: {rules: [{attribute: country, operator: is, other_attribute: shoe}]}}]"
    assert file.refusals(wrong) == ["1: There is no attribute “shoe”."]


def test_rules_refer_to_segments_by_name_in_any_order(file: File) -> None:
    text = """
        segments:
          - name: Readers but no staff
            rules: {rules: [{segment: readers, operator: member}, {segment: Staff, operator: not_member}]}
          - name: Readers
            rules: {rules: [{attribute: newsletter, operator: is_yes}]}
        """
    staff = Segment.objects.create(name="STAFF", rules={"join": "and", "rules": []})
    file.apply(text)
    readers = Segment.objects.get(name="Readers")
    assert Segment.objects.get(name="Readers but no staff").rules["rules"] == [
        {"segment": readers.pk, "operator": "member"},
        {"segment": staff.pk, "operator": "not_member"},
    ]
    before = everything()
    file.apply(text)
    assert everything() == before


def test_rules_that_refer_to_no_segment_or_to_themselves_are_refused(file: File) -> None:
    rules = "segments: [{name: A, rules: {rules: [{segment: %s}]}}, {name: B, rules: {rules: []}}]"
    assert file.refusals(rules % "Sailors, operator: member") == ["1: There is no segment “Sailors”."]
    assert file.refusals(rules % "B, operator: is") == ["1: Choose “member” or “not member”."]
    circle = """
        segments:
          - {name: A, rules: {rules: [{segment: B, operator: member}]}}
          - {name: B, rules: {rules: [{segment: A, operator: not_member}]}}
        """
    assert "A segment cannot depend on its own members: " in file.refusals(circle)[0]


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
    file.environ = {"CREDENTIAL_MAIN_KEY": "another-one"}

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

    file.apply(GOOD.replace("env:CREDENTIAL_MAIN_KEY", f"file:{tmp_path}/key"))

    assert credentials.access(Connection.objects.get()).credentials == {"api_key": SECRET}


def test_the_environment_is_referred_to_rather_than_copied(file: File, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDENTIAL_MAIN_KEY", SECRET)
    file.environ = None

    file.apply()
    again = file.apply()

    assert vault.stored(Connection.objects.get()) == {"api_key": "env:CREDENTIAL_MAIN_KEY"}
    assert again[0].startswith("connection “Main account”: unchanged")


def test_a_dry_run_says_the_same_and_changes_nothing(file: File) -> None:
    before = everything()

    dry = file.apply(dry_run=True)

    assert everything() == before
    assert dry == file.apply()


def test_all_or_nothing(file: File, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection is made, but another user takes the name of the segment in this very moment."""

    def taken(**_: object) -> None:
        raise connection_actions.NameTaken

    monkeypatch.setattr("segments.actions.create_segment", taken)
    before = everything()

    assert file.refusals(GOOD) == [
        "1: Another user changed the same settings at the same time. Apply the file again."
    ]
    assert everything() == before


def test_the_example_in_the_manual_can_be_applied(file: File) -> None:
    manual = (Path(manifest.__file__).parent / "README.md").read_text(encoding="utf-8")
    create_profiles([{"points": 100}])

    assert len(file.apply(manual.partition("```yaml\n")[2].partition("```")[0])) == 5
    assert Connection.objects.get().options == {"client_id": "0123456789abcdef0123456789abcdef"}


def test_the_dry_run_prints_a_line_per_thing_and_ends_with_2(
    file: File, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CREDENTIAL_MAIN_KEY", SECRET)
    file.path.write_text(GOOD, encoding="utf-8")

    with pytest.raises(SystemExit) as ended:
        call_command("apply", str(file.path), "--dry-run")

    assert ended.value.code == 2  # a difference
    printed = capsys.readouterr().out.splitlines()
    assert [line.partition(" ")[0] for line in printed[:3]] == ["connection", "segment", "export"]
    assert printed[3].startswith("  Next run of “Finns to Newsletter”: ")
    assert "cannot be used: Consent to data privacy" in printed[3]  # so no account was asked
    assert printed[4:] == ["Dry run: nothing was changed."]


def test_the_command_ends_with_1_and_prints_file_line_and_reason(
    file: File, capsys: pytest.CaptureFixture[str]
) -> None:
    file.path.write_text("exports: 1\n", encoding="utf-8")

    with pytest.raises(SystemExit) as ended:
        call_command("apply", str(file.path))

    assert ended.value.code == 1
    assert capsys.readouterr().err.splitlines() == [
        f"{file.path}:1: “exports” must be a list; found a single value.",
        "Nothing was changed.",
    ]


def test_it_replaces_the_tags_that_it_names_and_keeps_others(file: File) -> None:
    tagged = GOOD.replace("    segments: [finns]\n", "    segments: [finns]\n    tags: [morning, Morning, VIP]\n")
    tagged = tagged.replace("    description:", "    tags: [north]\n    description:")
    file.apply(tagged)
    assert (Export.objects.get().tags, Segment.objects.get().tags) == (["morning", "VIP"], ["north"])
    assert all(": unchanged" in line for line in file.apply(GOOD))
    changed = file.apply(tagged.replace("[north]", "[]").replace("VIP", "new"))[1:]
    assert [line.partition(": ")[2].partition(" – ")[0] for line in changed] == ["updated (tags)"] * 2
    assert (Export.objects.get().tags, Segment.objects.get().tags) == (["morning", "new"], [])


def test_it_refuses_too_many_tags(file: File) -> None:
    many = ", ".join(f"t{number}" for number in range(11))
    (problem,) = file.refusals(GOOD.replace("    email: email\n", f"    email: email\n    tags: [{many}]\n"))
    assert "At most 10 tags of at most 40 characters." in problem
