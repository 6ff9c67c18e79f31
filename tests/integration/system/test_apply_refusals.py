"""`manage.py apply`: what it refuses, with the line and the reason."""

import pytest
from pytest_django.fixtures import Settings

from config.console.manifest.apply import apply
from config.console.manifest.document import FileRefused
from connections.models import Connection
from connections.policies import ConnectionStatus, status_of
from exports.models import Export
from tests.integration.system.test_apply import GOOD, File, _profiles, file

__all__ = ["_profiles", "file"]

pytestmark = pytest.mark.django_db


def test_it_refuses_a_literal_secret_and_says_what_to_write(file: File) -> None:
    refusals = file.refusals(GOOD.replace("env:CREDENTIAL_MAIN_KEY", "0123456789abcdef"))

    assert refusals == [
        "8: “api_key”: Secrets are not allowed in the file. Set an environment variable and write "
        "env:CREDENTIAL_CAMPAIGN_MONITOR_API_KEY here."
    ]


def test_it_refuses_a_reference_that_leads_nowhere(file: File) -> None:
    file.environ = {}

    assert file.refusals(GOOD) == [
        "8: “api_key”: The environment has no variable CREDENTIAL_MAIN_KEY. Set it, then apply the file again."
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
        "“environment” must be live or sandbox",
        "There is no role “everyone”",
        "“MAIN account” is already on line 3",
        "Did you mean “environment”?",
        "There is no attribute “contry”",
        "Choose a comparison for “country”",
        "“name” is missing",
        "“list_id” must be text; found a list",
    ):
        assert expected in text


def test_it_refuses_references_that_lead_nowhere(file: File) -> None:
    bad = (
        GOOD.replace("connection: main ACCOUNT", "connection: Mian account")
        .replace("[finns]", "[Fins, Fins]")
        .replace("email: email", "email: emial")
        .replace("consent_to_track: yes", "consent: yes")
    )

    refusals = "\n".join(file.refusals(bad))

    assert (
        "There is no connection “Mian account” in this file or in this installation. Did you mean “Main account”"
        in refusals
    )
    assert "There is no segment “Fins” in this file or in this installation. Did you mean “Finns”?" in refusals
    assert "“Fins” appears more than once" in refusals
    assert "Profiles have no attribute “emial”. Did you mean “email”?" in refusals
    assert not Connection.objects.exists()


def test_it_refuses_an_answer_that_is_no_choice_or_is_missing(file: File) -> None:
    assert file.refusals(GOOD.replace("consent_to_track: yes", "consent_to_track: maybe")) == [
        "28: “consent_to_track” must be one of: yes, no, unchanged, attribute:NAME."
    ]
    assert "“answers: {consent_to_track: …}” is missing" in "\n".join(
        file.refusals(GOOD.replace("    answers: {consent_to_track: yes}\n", ""))
    )


def test_an_attribute_may_answer_for_each_person(file: File) -> None:
    answered = GOOD.replace("consent_to_track: yes", "consent_to_track: attribute:country")
    file.apply(answered)
    assert Export.objects.get().answers == {"consent_to_track": "attribute:country"}
    assert file.refusals(GOOD.replace("consent_to_track: yes", "consent_to_track: attribute:contry")) == [
        "28: Profiles have no attribute “contry”. Did you mean “country”?"
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
        ("connections: [\n", "2: The file is not valid YAML: while parsing a flow node, "),
        ("exports:\n  name: x\n", "2: “exports” must be a list; found a mapping."),
        ("exports: []\nexports: []\n", "2: “exports” appears more than once."),
        ("conections: []\n", "1: “conections” is unknown. Did you mean “connections”?"),
        ("a: &x 1\nexports: [*x]\n", "2: Aliases (*name) are not supported. Write the value in full."),
        ("exports: []\n---\nsegments: []\n", "2: The file is not valid YAML: expected a single document"),
    ],
)
def test_it_refuses_what_is_no_configuration(file: File, text: str, refusal: str) -> None:
    assert file.refusals(text)[0].startswith(refusal)


def test_it_refuses_bytes_that_are_no_text(file: File) -> None:
    file.path.write_bytes(b"exports: []\n# \xff\n")

    with pytest.raises(FileRefused, match=":2: The file is not UTF-8"):
        apply(file.path)


def test_it_keeps_type_and_environment_of_a_connection(file: File, settings: Settings) -> None:
    file.apply()
    settings.CAMPAIGN_MONITOR_SANDBOX_URL = "http://127.0.0.1:9"

    assert file.refusals(GOOD.replace("environment: live", "environment: sandbox")) == [
        ("5: “Main account” was created for live, which cannot be changed. Use another name for the connection.")
    ]


def test_it_refuses_a_sandbox_where_there_is_none(file: File) -> None:
    assert file.refusals(GOOD.replace("environment: live", "environment: sandbox")) == [
        "5: No sandbox is configured. Set CAMPAIGN_MONITOR_SANDBOX_URL to its address."
    ]


def test_a_sandbox_that_does_not_answer_is_told_and_stops_nothing(file: File, settings: Settings) -> None:
    settings.CAMPAIGN_MONITOR_SANDBOX_URL = "http://127.0.0.1:9"

    lines = file.apply(GOOD.replace("environment: live", "environment: sandbox"))

    assert lines[0].startswith(
        "connection “Main account” [sandbox]: created – The credentials could not be checked"
    )
    assert lines[2].startswith("export “Finns to Newsletter” [sandbox]: created – The list could not be loaded")
    assert status_of(Connection.objects.get()) == ConnectionStatus.READY
