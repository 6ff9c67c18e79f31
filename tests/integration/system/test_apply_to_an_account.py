"""`manage.py apply` where there is an account to ask: keys and lists are looked up."""

from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from config.system.applying.applying import apply
from config.system.applying.problems import FileRefused
from connections.models import Connection
from exports.models import Export
from tests import exporting
from tests.sandbox import RunningSandbox

pytestmark = pytest.mark.django_db

FILE = """
connections:
  - name: Trial
    destination: campaign_monitor
    environment: sandbox
    credentials: {api_key: env:TRIAL_KEY}
segments:
  - {name: Everyone, rules: {rules: []}}
exports:
  - name: Out
    connection: Trial
    list_id: a1150000000000000000000000000001
    segments: [Everyone]
    email: email
    fields:
      name: first_name
      "[City]": city
    answers: {consent_to_track: unchanged}
"""


@pytest.fixture(autouse=True)
def _ground(db: None, sandbox: RunningSandbox, settings: Settings) -> None:
    settings.CAMPAIGN_MONITOR_SANDBOX_URL = sandbox.url
    exporting.profiles([{"email": "aino@example.com", "first_name": "Aino", "city": "Turku"}])


def applied(folder: Path, text: str = FILE, *, key: str = "sandbox-api-key") -> list[str]:
    path = folder / "file.yaml"
    path.write_text(text, encoding="utf-8")
    return list(apply(path, environ={"TRIAL_KEY": key}).lines())


def refusals(folder: Path, text: str = FILE, *, key: str = "sandbox-api-key") -> list[str]:
    with pytest.raises(FileRefused) as refused:
        applied(folder, text, key=key)
    return [f"{problem.line}: {problem.reason}" for problem in refused.value.problems]


def test_a_sandbox_connection_is_ready_at_once_and_marked_so(tmp_path: Path) -> None:
    assert applied(tmp_path) == [
        "connection “Trial” [sandbox]: created",
        "segment “Everyone”: created",
        "export “Out” [sandbox]: created",
    ]


def test_it_keeps_what_the_account_tells(tmp_path: Path) -> None:
    applied(tmp_path)

    assert Connection.objects.get().options["account_name"] == "Sandbox client"
    assert Export.objects.get().list_title == "Newsletter"


def test_a_second_time_nothing_is_changed(tmp_path: Path) -> None:
    applied(tmp_path)

    assert [line.rpartition(": ")[2] for line in applied(tmp_path)] == ["unchanged"] * 3
    assert Export.objects.get().version == 1


def test_it_refuses_a_key_that_the_account_refuses(tmp_path: Path) -> None:
    found = refusals(tmp_path, key="another")

    assert found[0].startswith("6: The API key is accepted: ")
    assert not Connection.objects.exists()


def test_it_refuses_a_list_that_is_not_there(tmp_path: Path) -> None:
    found = refusals(tmp_path, FILE.replace("a115", "b115"))

    assert [line.partition(":")[0] for line in found] == ["12"]
    assert not Connection.objects.exists()


def test_it_refuses_fields_that_the_list_does_not_have(tmp_path: Path) -> None:
    assert refusals(tmp_path, FILE.replace('"[City]"', '"[Town]"')) == [
        "17: The list “Newsletter” has no field “[Town]”. "
        "It has: name, mobile_number, [City], [Country], [BirthDate], [Language]."
    ]


def test_a_list_with_confirmed_opt_in_is_known_as_such_and_nobody_is_let_be_emailed(
    tmp_path: Path, sandbox: RunningSandbox
) -> None:
    list_id = sandbox.create_list("Careful", confirmed=True, fields=[("City", "Text")])

    applied(tmp_path, FILE.replace("a1150000000000000000000000000001", list_id))

    export = Export.objects.get()
    assert (export.list_confirmed_opt_in, export.opt_in_mail_accepted) == (True, False)
