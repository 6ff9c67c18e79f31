"""Files that arrive in a watched folder are imported: whole ones, each once, in the order of their names."""

import os
import re
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from django.core.exceptions import PermissionDenied
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django import Settings

from config.platform.accounts.models import User
from config.platform.audit.models import AuditEntry
from config.platform.jobs import clock
from config.platform.jobs.models import JobStatus
from segments import tasks
from segments.models import DataSource, ImportJob, ImportMode, WatchedFile, WatchedPlace
from segments.sources import import_job
from segments.sources.data_source import KeyColumnDiffers
from segments.sources.watched_places.actions import stop_watching, watch_folder
from segments.sources.watched_places.folder import FolderPlace
from segments.sources.watched_places.place import PlaceRefused, SeenFile
from segments.sources.watched_places.scan import scan, take_next
from tests.support.profiles import get_profile, profile_count

pytestmark = pytest.mark.django_db


@pytest.fixture
def inbox(tmp_path: Path, settings: Settings) -> Path:
    """Return a folder that may be watched."""
    settings.SOURCE_FOLDERS = [str(tmp_path / "in")]
    settings.WATCH_SETTLE_SECONDS = 30
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


@pytest.fixture
def watched(inbox: Path) -> WatchedPlace:
    return watch_folder(source_name="Shop", key_columns=["id"], folder=str(inbox), pattern="shop-*.csv", by=None)


def find_files(folder: str, pattern: str) -> list[SeenFile]:
    return FolderPlace(folder).find_files(pattern)


def put(folder: Path, name: str, content: str = "id,name\n1,Aino\n") -> Path:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return path


def scan_later(watched: WatchedPlace, seconds: float = 31) -> ImportJob | None:
    """Scan once more after some time; the first scan notes what is there."""
    with time_machine.travel(clock.now() + timedelta(seconds=seconds), tick=True):
        return scan(watched.pk)


def take(watched: WatchedPlace) -> ImportJob:
    """Scan twice, and import what is found."""
    scan(watched.pk)
    job = scan_later(watched)
    assert job is not None
    ended = import_job.run_import(job.pk)
    assert ended is not None
    return ended


def test_a_file_is_imported_when_it_has_not_changed_for_a_while(watched: WatchedPlace, inbox: Path) -> None:
    put(inbox, "shop-1.csv")
    assert scan(watched.pk) is None
    assert scan_later(watched, 29) is None
    job = scan_later(watched, 31)
    assert job is not None
    ended = import_job.run_import(job.pk)
    assert ended is not None
    assert (ended.status, ended.file_name, ended.rows_created) == (JobStatus.SUCCESSFUL, "shop-1.csv", 1)
    assert get_profile("1").attributes == {"id": "1", "name": "Aino"}
    assert (inbox / "shop-1.csv").exists()


def test_a_file_that_is_still_written_waits(watched: WatchedPlace, inbox: Path) -> None:
    path = put(inbox, "shop-1.csv", "id,name\n1,")
    scan(watched.pk)
    path.write_text("id,name\n1,Aino\n2,Jan\n", encoding="utf-8")
    assert scan_later(watched, 31) is None
    job = scan_later(watched, 62)
    assert job is not None
    assert WatchedFile.objects.get().size == path.stat().st_size


def test_each_version_is_imported_once(watched: WatchedPlace, inbox: Path) -> None:
    path = put(inbox, "shop-1.csv")
    take(watched)
    assert scan_later(watched, 100) is None
    path.rename(inbox / "gone")
    assert scan_later(watched, 200) is None
    (inbox / "gone").rename(path)
    assert scan_later(watched, 300) is None
    path.write_text("id,name\n1,Aino Virtanen\n", encoding="utf-8")
    assert take(watched).rows_updated == 1
    assert ImportJob.objects.count() == 2


def test_files_are_imported_by_name_one_after_the_other(watched: WatchedPlace, inbox: Path) -> None:
    for name, value in [("shop-2.csv", "second"), ("shop-10.csv", "tenth"), ("shop-1.csv", "first")]:
        put(inbox, name, f"id,name\n1,{value}\n")
    scan(watched.pk)
    names = []
    while job := scan_later(watched):
        assert scan_later(watched) is None  # the next one waits for the end of this
        import_job.run_import(job.pk)
        names.append(job.file_name)
    assert names == ["shop-1.csv", "shop-10.csv", "shop-2.csv"]
    assert get_profile("1").attributes["name"] == "second"


def test_a_file_that_cannot_be_imported_does_not_hold_up_the_next(watched: WatchedPlace, inbox: Path) -> None:
    put(inbox, "shop-1.csv", "name\nAino\n")
    put(inbox, "shop-2.csv")
    scan(watched.pk)
    first = take(watched)
    assert (first.status, "no column “id”" in first.message) == (JobStatus.FAILED, True)
    assert take(watched).status == JobStatus.SUCCESSFUL
    assert profile_count() == 1


def test_only_whole_files_with_names_of_the_pattern_are_seen(watched: WatchedPlace, inbox: Path) -> None:
    for name in ("shop-1.csv.part", "shop-2.csv.tmp", ".shop-3.csv", "other.csv", "Shop-4.csv", "shop-5.csv"):
        put(inbox, name)
    (inbox / "shop-6.csv").mkdir()
    (inbox / "shop-7.csv").symlink_to(inbox / "other.csv")
    assert [each.name for each in find_files(str(inbox), "shop-*")] == ["shop-5.csv"]


def test_a_link_in_place_of_a_file_is_not_read(watched: WatchedPlace, inbox: Path, tmp_path: Path) -> None:
    path = put(inbox, "shop-1.csv")
    secret = put(tmp_path, "secret.csv", "id,name\n1,Key\n")
    os.utime(secret, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    scan(watched.pk)
    job = scan_later(watched)
    assert job is not None
    path.unlink()
    path.symlink_to(secret)
    ended = import_job.run_import(job.pk)
    assert ended is not None
    assert (ended.status, profile_count()) == (JobStatus.FAILED, 0)


def test_a_file_that_changed_after_it_was_taken_is_imported_as_it_is_then(
    watched: WatchedPlace, inbox: Path
) -> None:
    path = put(inbox, "shop-1.csv")
    scan(watched.pk)
    job = scan_later(watched)
    assert job is not None
    path.write_text("id,name\n1,Jan\n2,Zofia\n", encoding="utf-8")
    ended = import_job.run_import(job.pk)
    assert ended is not None
    assert ended.message == "The file was changed before the import. The new content is imported."
    assert take(watched).rows_created == 2


def test_the_stored_plan_and_mode_hold(watched: WatchedPlace, inbox: Path) -> None:
    put(inbox, "shop-1.csv", "id,zip\n1,01234\n2,99\n")
    take(watched)
    source = DataSource.objects.get()
    source.column_plans = [{"column": "id"}, {"column": "zip", "attribute": "Postal code"}]
    source.mode = ImportMode.SNAPSHOT
    source.save()
    put(inbox, "shop-2.csv", "id,zip\n1,00501\n2,10001\n")
    job = take(watched)
    assert job.mode == ImportMode.SNAPSHOT
    assert get_profile("1").attributes["Postal code"] == "00501"


def test_the_system_refresh_does_not_import_the_last_file_again(watched: WatchedPlace, inbox: Path) -> None:
    put(inbox, "shop-1.csv")
    take(watched)
    source = DataSource.objects.get()
    assert (source.path, source.is_refreshable) == ("", False)
    assert not DataSource.refreshable().exists()


def test_the_tick_scans_each_folder_every_quarter_of_a_minute_and_after_an_import(
    watched: WatchedPlace,
    inbox: Path,
    enqueued: list[tuple[object, ...]],
    django_capture_on_commit_callbacks: object,
) -> None:
    tasks.enqueue_pending()
    tasks.enqueue_pending()
    name = "segments.tasks.scan_watched_place"
    assert [message[1] for message in enqueued if message[0] == name] == [watched.pk]
    put(inbox, "shop-1.csv")
    scan(watched.pk)
    job = scan_later(watched)
    assert job is not None
    tasks.import_file(job.pk)
    tasks.enqueue_pending()
    assert len([message for message in enqueued if message[0] == name]) == 2


def test_a_folder_that_is_gone_is_shown_and_forgotten_when_it_is_back(watched: WatchedPlace, inbox: Path) -> None:
    inbox.rename(inbox.parent / "away")
    assert scan(watched.pk) is None
    watched.refresh_from_db()
    assert "There is no folder" in watched.problem
    (inbox.parent / "away").rename(inbox)
    scan(watched.pk)
    watched.refresh_from_db()
    assert watched.problem == ""


@pytest.mark.parametrize(
    ("folder", "pattern", "field"),
    [
        ("/etc", "*.csv", "folder"),
        ("in", "*.csv", "folder"),
        ("{inbox}/..", "*.csv", "folder"),
        ("{inbox}/none", "*.csv", "folder"),
        ("{inbox}", "", "pattern"),
        ("{inbox}", "../*.csv", "pattern"),
    ],
)
def test_only_allowed_folders_are_watched(inbox: Path, folder: str, pattern: str, field: str) -> None:
    with pytest.raises(PlaceRefused) as refusal:
        find_files(folder.format(inbox=inbox), pattern)
    assert refusal.value.field == field


def test_administrators_choose_the_folder_and_the_audit_has_it(inbox: Path, alice: User, bob: User) -> None:
    with pytest.raises(PermissionDenied):
        watch_folder(source_name="Shop", key_columns=["id"], folder=str(inbox), pattern="*.csv", by=bob)
    watched = watch_folder(source_name="Shop", key_columns=["id"], folder=str(inbox), pattern="*.csv", by=alice)
    stop_watching(watched.source, by=alice)
    assert not WatchedPlace.objects.exists()
    changes = [each.changes for each in AuditEntry.objects.filter(action="edited").order_by("pk")]
    assert changes == [
        {"watched_folder": [None, f"{inbox}/*.csv"]},
        {"watched_folder": [f"{inbox}/*.csv", None]},
    ]


def test_a_waiting_import_ends_when_its_folder_is_watched_no_longer(
    watched: WatchedPlace, inbox: Path, tmp_path: Path
) -> None:
    """Else a link that replaces the file would be followed, then and with each refresh."""
    file = put(inbox, "shop-1.csv")
    scan(watched.pk)
    job = scan_later(watched)
    assert job is not None
    stop_watching(watched.source, by=None)
    (tmp_path / "elsewhere.csv").write_text("id,name\n7,Other\n")
    file.unlink()
    file.symlink_to(tmp_path / "elsewhere.csv")
    import_job.run_import(job.pk)
    job.refresh_from_db()
    assert job.status == JobStatus.CANCELED
    assert profile_count() == 0
    assert not DataSource.objects.get().is_refreshable


def test_another_key_column_is_refused(watched: WatchedPlace, inbox: Path) -> None:
    with pytest.raises(KeyColumnDiffers):
        watch_folder(source_name="Shop", key_columns=["email"], folder=str(inbox), pattern="*.csv", by=None)


def test_two_scans_at_once_take_a_file_once(watched: WatchedPlace, inbox: Path) -> None:
    put(inbox, "shop-1.csv")
    scan(watched.pk)
    seen = find_files(str(inbox), "shop-*.csv")
    with time_machine.travel(clock.now() + timedelta(seconds=31), tick=True):
        assert take_next(watched.pk, FolderPlace(str(inbox)), seen) is not None
        assert take_next(watched.pk, FolderPlace(str(inbox)), seen) is None
    assert ImportJob.objects.count() == 1


def test_the_command_starts_and_stops_watching(inbox: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(inbox, "shop-1.csv")
    call_command("watch_folder", str(inbox), "--pattern", "shop-*", "--source", "Shop", "--key", "id")
    assert "1 file matches the pattern" in capsys.readouterr().out
    assert str(DataSource.objects.get().watched_place) == f"{inbox}/shop-*"
    call_command("watch_folder", "--stop", "--source", "shop")
    assert not WatchedPlace.objects.exists()
    with pytest.raises(CommandError, match="SOURCE_FOLDERS"):
        call_command("watch_folder", "/etc", "--pattern", "*", "--source", "Shop", "--key", "id")


FOLDER = "/data/sources/folder/"


def entered(inbox: Path, **changes: str) -> dict[str, str]:
    return {
        "source_name": "Shop",
        "key_columns": "id",
        "folder": str(inbox),
        "pattern": "shop-*.csv",
        "mode": "upsert",
        **changes,
    }


def test_an_administrator_sets_it_up_in_the_browser(alice_client: Client, inbox: Path) -> None:
    put(inbox, "shop-1.csv", "country,id\nFI,1\n")
    assert alice_client.get(FOLDER).status_code == 200
    posted = entered(inbox, key_columns="country, id", mode="snapshot")
    assert alice_client.post(FOLDER, posted).status_code == 302
    source = DataSource.objects.get()
    assert (source.key_columns, source.mode) == (["country", "id"], ImportMode.SNAPSHOT)
    assert take(source.watched_place).status == JobStatus.SUCCESSFUL
    assert f"{inbox}/shop-*.csv" in alice_client.get("/data/sources/").content.decode()


def test_the_pane_shows_each_file_with_status_and_reason(
    alice_client: Client, watched: WatchedPlace, inbox: Path
) -> None:
    put(inbox, "shop-1.csv", "name\nAino\n")
    job = take(watched)
    put(inbox, "shop-2.csv")
    scan(watched.pk)
    page = alice_client.get(f"{FOLDER}?source={watched.source_id}").content.decode()
    for text in ("shop-1.csv", "Failed", "There is no column “id”", "shop-2.csv", "Waiting until it is complete"):
        assert text in page
    assert "from its folder" in alice_client.get(f"/data/imports/{job.pk}/").content.decode()


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"folder": "/etc"}, "folder", "SOURCE_FOLDERS"),
        ({"pattern": "../x"}, "pattern", "file names"),
        ({"key_columns": " , "}, "key_columns", "name of a column"),
        ({"key_columns": "email"}, "key_columns", "uses the key column"),
        ({"mode": "other"}, "mode", "other"),
    ],
)
def test_it_says_what_is_wrong_beside_the_field(
    alice_client: Client, watched: WatchedPlace, inbox: Path, change: dict[str, str], field: str, words: str
) -> None:
    response = alice_client.post(FOLDER, entered(inbox, **change))
    assert response.status_code == 422
    assert words in str(response.context["form"].errors[field])


def test_the_enter_key_saves_and_does_not_stop(alice_client: Client, watched: WatchedPlace) -> None:
    """Browsers submit with the first button of the form."""
    page = alice_client.get(f"{FOLDER}?source={watched.source_id}").content.decode()
    buttons = re.findall(r'<button type="submit"[^>]*>', page)
    stop = next(at for at, button in enumerate(buttons) if 'value="stop"' in button)
    assert "data-save" in buttons[stop - 1]


def test_it_is_stopped_in_the_browser(alice_client: Client, bob_client: Client, watched: WatchedPlace) -> None:
    address = f"{FOLDER}?source={watched.source_id}"
    assert bob_client.post(address, {"act": "stop"}).status_code == 403
    assert alice_client.post(address, {"act": "stop"}).status_code == 302
    assert not WatchedPlace.objects.exists()


def test_another_name_renames_the_data_source(alice_client: Client, watched: WatchedPlace, inbox: Path) -> None:
    address = f"{FOLDER}?source={watched.source_id}"
    assert "the data source is renamed" in alice_client.get(address).content.decode()
    assert alice_client.post(address, entered(inbox, source_name="Web shop")).status_code == 302
    assert DataSource.objects.get().name == "Web shop"
    assert WatchedPlace.objects.get().source_id == watched.source_id
    (entry,) = AuditEntry.objects.filter(action="renamed")
    assert entry.changes == {"name": ["Shop", "Web shop"]}
    DataSource.objects.create(name="CRM", key_column="id")
    refused = alice_client.post(address, entered(inbox, source_name="crm", pattern="*.csv"))
    assert refused.status_code == 422
    assert "There is a data source “CRM” already." in str(refused.context["form"].errors["source_name"])
    assert (DataSource.objects.count(), WatchedPlace.objects.get().pattern) == (2, "shop-*.csv")
