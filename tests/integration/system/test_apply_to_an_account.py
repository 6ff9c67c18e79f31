"""`manage.py apply` where there is an account to ask: keys and lists are looked up."""

import itertools
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pytest_django.fixtures import Settings

from config.console.manifest.apply import apply
from config.console.manifest.document import FileRefused
from config.platform.audit.models import AuditEntry
from connections.models import Connection
from exports.models import Export
from tests.support.profiles import create_profiles
from tests.support.sandbox import RunningSandbox

pytestmark = pytest.mark.django_db

FILE = """
connections:
  - name: Trial
    destination: campaign_monitor
    environment: sandbox
    credentials: {api_key: env:CREDENTIAL_TRIAL_KEY}
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
    create_profiles([{"email": "aino@example.com", "first_name": "Aino", "city": "Turku"}])


def applied(folder: Path, text: str = FILE, *, key: str = "sandbox-api-key", dry_run: bool = False) -> list[str]:
    path = folder / "file.yaml"
    path.write_text(text, encoding="utf-8")
    return apply(path, environ={"CREDENTIAL_TRIAL_KEY": key}, dry_run=dry_run)


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
    export = Export.objects.get()
    assert export.list_title == "Newsletter"
    assert export.list_group


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
        "Available: name, mobile_number, [City], [Country], [BirthDate], [Language]."
    ]


def test_a_confirmed_opt_in_list_is_recognized_and_no_contact_is_emailed(
    tmp_path: Path, sandbox: RunningSandbox
) -> None:
    list_id = sandbox.create_list("Careful", confirmed=True, fields=[("City", "Text")])

    applied(tmp_path, FILE.replace("a1150000000000000000000000000001", list_id))

    export = Export.objects.get()
    assert (export.list_confirmed_opt_in, export.opt_in_mail_accepted) == (True, False)


def test_it_says_what_becomes_of_people_who_leave_and_who_is_told(tmp_path: Path, sandbox: RunningSandbox) -> None:
    marks = account_file(sandbox, fields=[("Left", "Text")]) + MARKS
    assert "export “Out” [sandbox]: created" in applied(tmp_path, marks)[2]
    export = Export.objects.get()
    assert (export.removal, export.mark_field, export.mark_value) == ("mark", "[Left]", "Gone")
    assert export.tell_also == ["ops@example.com"]
    assert "export “Out” [sandbox]: unchanged" in applied(tmp_path, marks)[2]
    entries = AuditEntry.objects.count()
    changed = marks.replace("ops@", "it@").replace("Gone", "Left us")
    assert "export “Out” [sandbox]: updated (mark_value, tell_also)" in applied(tmp_path, changed, dry_run=True)[2]
    assert AuditEntry.objects.count() == entries
    assert "updated (mark_value, tell_also)" in applied(tmp_path, changed)[2]
    silent = changed.partition("    removal:")[0]
    assert "export “Out” [sandbox]: unchanged" in applied(tmp_path, silent)[2]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("    removal: burn\n", "“removal” must be one of: leave, mark, delete, unsubscribe."),
        ("    removal: mark\n", "“mark_field” is missing."),
        ('    removal: mark\n    mark_field: "[Nope]"\n', "The list has no text field [Nope]."),
        ("    mark_value: Gone\n", "“mark_value” requires “removal: mark”."),
        ("    tell_also: [nobody]\n", "“nobody” is not an email address."),
    ],
)
def test_it_refuses_what_cannot_be_done_to_people_who_leave(
    tmp_path: Path, sandbox: RunningSandbox, written: str, said: str
) -> None:
    assert said in refusals(tmp_path, account_file(sandbox) + written)[0]


def test_it_sets_a_control_group(tmp_path: Path, sandbox: RunningSandbox) -> None:
    written = account_file(sandbox, fields=[("Group", "Text")])
    group = '    control_group: field\n    control_percentage: 10\n    control_field: "[Group]"\n'
    assert "export “Out” [sandbox]: created" in applied(tmp_path, written + group)[2]
    export = Export.objects.get()
    assert (export.control_mode, export.control_percentage, export.control_field) == ("field", 10, "[Group]")
    assert "export “Out” [sandbox]: unchanged" in applied(tmp_path, written + group)[2]
    assert "export “Out” [sandbox]: unchanged" in applied(tmp_path, written)[2]
    assert "updated (control_percentage)" in applied(tmp_path, written + "    control_percentage: 20\n")[2]
    held_out = applied(tmp_path, written + "    control_group: hold_out\n")[2]
    assert "updated (control_group, control_field)" in held_out
    off = applied(tmp_path, written + "    control_group: off\n")[2]
    assert "updated (control_group, control_percentage)" in off


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("    control_group: half\n", "“control_group” must be one of: off, hold_out, field."),
        ("    control_group: hold_out\n", "Enter a whole percentage from 1 to 50."),
        ("    control_percentage: 10\n", "“control_percentage” requires “control_group: hold_out”."),
        (
            '    control_group: hold_out\n    control_percentage: 10\n    control_field: "[Nope]"\n',
            "“control_field” requires “control_group: field”.",
        ),
        (
            '    control_group: field\n    control_percentage: 10\n    control_field: "[Nope]"\n',
            "The list has no text field [Nope].",
        ),
    ],
)
def test_it_refuses_a_control_group_that_cannot_be_made(
    tmp_path: Path, sandbox: RunningSandbox, written: str, said: str
) -> None:
    assert said in refusals(tmp_path, account_file(sandbox) + written)[0]


def test_it_says_which_contacts_stay_and_how_far_unsubscribing_reaches(
    tmp_path: Path, sandbox: RunningSandbox
) -> None:
    text = account_file(sandbox, scope="AllClientLists") + "    removal: unsubscribe\n"
    assert "applies to all lists of the client" in applied(tmp_path, text)[2]
    export = Export.objects.get()
    assert export.unsubscribes_everywhere
    assert export.connection is not None
    known = export.delivered_sets.create(
        account=export.connection.account, list_id=export.list_id, list_title="Old"
    )
    known.list_state.contacts.create(
        email="ann@example.com", data_hash=UUID(int=1), sent_by=export.pk, last_run_id=1
    )
    elsewhere = account_file(sandbox, scope="OnlyThisList")
    assert "1 contact that the export added to “Old” stays there." in applied(tmp_path, elsewhere)[2]
    export.refresh_from_db()
    assert (export.removal, export.unsubscribes_everywhere) == ("unsubscribe", False)


TITLES = itertools.count(1)
MARKS = """\
    removal: mark
    mark_field: "[Left]"
    mark_value: Gone
    tell_also: [ops@example.com]
"""


def account_file(sandbox: RunningSandbox, **options: Any) -> str:
    """The file, with a list of its own."""
    options["fields"] = [("City", "Text"), *options.get("fields", [])]
    title = f"List {next(TITLES)}"
    return FILE.replace("a1150000000000000000000000000001", sandbox.create_list(title, **options))
