"""Exports to files: set up by page, run, and look into the folder."""

import csv
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from config.platform.accounts.models import User
from config.platform.jobs.models import JobStatus
from connections import consent_text
from connections.destinations.file.destination import File
from connections.models import Connection
from exports.actions import runs
from exports.models import Export
from exports.preview import send_test
from exports.run import pipeline
from exports.state.status import Reason
from segments.models import Segment
from tests.conftest import PASSWORD
from tests.integration.exports.conftest import run_to_its_end

pytestmark = pytest.mark.django_db(transaction=True)

ADD = "/admin/connections/add/file/"
PART = {"HX-Request": "true", "HX-Target": "connect-part"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where files go."""
    monkeypatch.setenv("FILE_DESTINATION_DIR", str(tmp_path / "files"))
    return tmp_path / "files"


@pytest.fixture
def connection(folder: Path, alice_client: Client) -> Connection:
    """A connection to files, set up by Alice in the pane."""
    typed = {"name": "Warehouse", "contributors": "on", "agree": "on", "credential-columns": "first_name, city"}
    typed |= {"consent_version": consent_text.VERSION, "consent_language": "en", "own-password": PASSWORD}
    for step in ("connect", "authenticate", "check", "export_user"):
        html = alice_client.post(ADD, typed | {"step": step}, headers=PART).content.decode()
        typed["draft"] = html.split('name="draft" value="')[1].split('"')[0]
    assert "Connected to File" in html
    assert alice_client.post(ADD, typed).status_code == 302
    return Connection.objects.get()


@pytest.fixture
def export(connection: Connection, everyone: Segment, bob_client: Client) -> Export:
    """An export to it, set up by Bob in the pane."""
    posted: dict[str, Any] = {
        "name": "People for the warehouse",
        "connection": connection.pk,
        "list_id": "people",
        "email_attribute": "email",
        "segments": [everyone.pk],
        "map_attribute": ["first_name", "city"],
        "map_field": ["first_name", "city"],
    }
    assert bob_client.post("/data/exports/add/", posted).status_code == 302
    return Export.objects.get()


def rows(folder: Path) -> list[dict[str, str]]:
    (file,) = (folder / "people").iterdir()
    with file.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def test_it_writes_one_file_for_a_run(export: Export, folder: Path) -> None:
    run = run_to_its_end(export)
    assert (run.status, run.delivered, run.new_people) == (JobStatus.SUCCESSFUL, 3, 3)
    assert [row["email"] for row in rows(folder)] == ["ann@example.com", "ben@example.com", "cid@example.com"]
    assert rows(folder)[1] == {"email": "ben@example.com", "first_name": "Ben", "city": "Łódź"}


def test_one_person_is_published_at_once(export: Export, folder: Path, bob: User) -> None:
    answer = send_test.send_one(export, person="ben@example.com", by=bob)
    assert answer.taken
    assert [row["first_name"] for row in rows(folder)] == ["Ben"]


def test_other_users_cannot_read_it(export: Export, folder: Path) -> None:
    run_to_its_end(export)
    (file,) = (folder / "people").iterdir()
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_a_second_run_writes_nothing_when_nothing_changed(export: Export, folder: Path) -> None:
    run_to_its_end(export)
    assert run_to_its_end(export).reason == Reason.NOTHING_NEW
    assert len(rows(folder)) == 3


def test_what_a_canceled_run_has_sent_is_published(
    export: Export, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from exports.delivery import loop
    from exports.state.status import StopRun

    monkeypatch.setattr(loop, "_how_it_ended", _canceled(StopRun))
    run = run_to_its_end(export)
    assert (run.status, run.delivered) == (JobStatus.CANCELED, 3)
    assert len(rows(folder)) == 3


def _canceled(ended: Any) -> Any:
    def raise_it(_work: object) -> None:
        raise ended(JobStatus.CANCELED, Reason.CANCELED_BY_PERSON)

    return raise_it


def test_a_folder_that_cannot_be_written_asks_for_an_administrator(export: Export, folder: Path) -> None:
    run = runs.start_run(export, by=None)
    folder.rename(folder.with_name("gone"))
    folder.touch()
    pipeline.run_slice(run.pk)
    run.refresh_from_db()
    assert (run.status, run.reason) == (JobStatus.FAILED, Reason.RECONNECT_NEEDED)
    assert "is not writable" in run.message


def test_its_pane_speaks_its_own_words(export: Export, bob_client: Client) -> None:
    html = bob_client.get(f"/data/exports/{export.pk}/").content.decode()
    assert "File name" in html
    assert "Campaign Monitor" not in html


def test_a_file_sets_it_up_as_well(folder: Path, everyone: Segment, tmp_path: Path, alice: User) -> None:
    from config.console.manifest.apply import apply

    written = tmp_path / "file.yaml"
    written.write_text(
        "connections:\n"
        "  - name: Warehouse\n"
        "    destination: file\n"
        "    environment: live\n"
        "    credentials: {columns: first_name}\n"
        "exports:\n"
        "  - name: People\n"
        "    connection: Warehouse\n"
        "    list_id: people\n"
        "    segments: [Everyone]\n"
        "    email: email\n"
        "    fields: {first_name: first_name}\n"
    )
    apply(written)
    assert Export.objects.get().connection == Connection.objects.get()
    assert not folder.exists()  # nothing is tried before a user agrees


def test_its_words_come_with_the_choice_of_the_connection(connection: Connection, bob_client: Client) -> None:
    url = "/data/exports/parts/?changed=connection"
    html = bob_client.post(url, {"connection": connection.pk, "list_id": "people"}).content.decode()
    assert "Each contact in the file is identified by email." in html
    assert "Select an existing file name, or enter a new one." in html
    assert "File name" in html
    assert 'value="people"' in html
    assert "Campaign Monitor" not in html


def test_it_names_the_file_of_a_run() -> None:
    assert File().file_of_run("people", "7") == "people/people-run-7.csv"
