"""Cases 6 and 9 from the command line: `manage.py apply` sets separator and country."""

from pathlib import Path

import pytest
from django.core.management import call_command

from exports.models import Export
from tests.integration.cases.conftest import run_export
from tests.support.profiles import create_profiles
from tests.support.sandbox import RunningSandbox

FILE = """
connections:
  - name: Trial
    destination: campaign_monitor
    environment: sandbox
    credentials: {{api_key: env:CREDENTIAL_TRIAL_KEY}}
segments:
  - {{name: Everyone, rules: {{rules: []}}}}
exports:
  - name: Newsletter
    connection: Trial
    list_id: {list_id}
    segments: [Everyone]
    email: email
    fields: {{mobile_number: mobile, "[Likes]": likes}}
    answers: {{consent_to_track: unchanged, consent_to_send_sms: yes{answers}}}
"""


@pytest.fixture
def list_id(account: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> str:
    """A list with options, and a contact with a value that holds two of them and a number without its country."""
    monkeypatch.setenv("CREDENTIAL_TRIAL_KEY", account.api_key)
    create_profiles([{"email": "ann@example.com", "likes": "Tea, green|Milk", "mobile": "020 7946 0958"}])
    return account.create_list("Shop", fields=[("Likes", "MultiSelectMany", ["Tea", "Tea, green", "Milk"])])


def applied(folder: Path, list_id: str, answers: str = "") -> None:
    """Apply the file with these answers, and refresh the segment."""
    path = folder / "file.yaml"
    path.write_text(FILE.format(list_id=list_id, answers=answers), encoding="utf-8")
    call_command("apply", str(path))
    call_command("refresh_segments", "Everyone")


def held(account: RunningSandbox, list_id: str) -> tuple[list[str], str]:
    """The options and the number that the list holds of the one contact, after a run."""
    assert run_export()["delivered"] == 1
    (person,) = account.people(list_id)
    return sorted(entry["Value"] for entry in person["CustomFields"]), person.get("MobileNumber") or ""


def test_both_answers_of_a_file_are_kept_and_followed(
    account: RunningSandbox, list_id: str, tmp_path: Path
) -> None:
    applied(tmp_path, list_id, ", option_separator: bar, mobile_country: GB")
    answers = Export.objects.get().answers
    assert (answers["option_separator"], answers["mobile_country"]) == ("bar", "GB")
    assert held(account, list_id) == (["Milk", "Tea, green"], "+442079460958")


def test_a_file_without_them_leaves_out_the_number(account: RunningSandbox, list_id: str, tmp_path: Path) -> None:
    applied(tmp_path, list_id)
    assert held(account, list_id)[1] == ""


@pytest.mark.parametrize(
    ("answer", "offered"),
    [
        ("option_separator: dash", "detect, semicolon, comma, bar, line"),
        ("mobile_country: ZZ", "none, AF, AL"),
        ("mobile_country: Britain", "none, AF, AL"),
    ],
)
def test_an_answer_that_is_not_offered_is_refused_with_those_that_are(
    list_id: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], answer: str, offered: str
) -> None:
    with pytest.raises(SystemExit):
        applied(tmp_path, list_id, f", {answer}")
    assert f"“{answer.partition(':')[0]}” must be one of: {offered}" in capsys.readouterr().err
    assert not Export.objects.exists()
