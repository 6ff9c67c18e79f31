"""Keys of several columns: in the browser, by command and in plan files."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django import Settings

from config.platform.jobs.models import JobStatus
from segments.models import DataSource, ImportJob, ImportMode
from segments.sources import actions, import_job
from tests.integration.segments.test_import_step import UPLOAD, fields_of, run_last_import
from tests.support.profiles import all_profiles, get_profile

pytestmark = pytest.mark.django_db
CONTENT = "shop,number,name\nFI,1,Aino\nFI,2,Väinö\nPL,1,Zofia\n"


@pytest.fixture
def file(tmp_path: Path, settings: Settings) -> Path:
    settings.UPLOAD_DIR = tmp_path / "uploads"
    path = tmp_path / "people.csv"
    path.write_text(CONTENT, encoding="utf-8")
    return path


def imported(file: Path, *keys: str, **options: Any) -> ImportJob:
    first, *further = keys or ("shop", "number")
    job = actions.start_import(
        path=file,
        key_column=first,
        further_key_columns=further,
        source_name="Shops",
        by=None,
        wake_worker=False,
        **options,
    )
    ended = import_job.run_import(job.pk)
    assert ended is not None
    ended.refresh_from_db()
    return ended


def keys() -> list[str]:
    return sorted(profile.key for profile in all_profiles())


def test_all_columns_together_identify_a_profile(file: Path) -> None:
    assert imported(file).rows_created == 3
    assert keys() == ["FI|1", "FI|2", "PL|1"]
    assert get_profile("FI|1").attributes == {"shop": "FI", "number": "1", "name": "Aino"}
    source = DataSource.objects.get()
    assert (source.key_columns, source.key_label) == (["shop", "number"], "shop, number")
    file.write_text(CONTENT.replace("Aino", "Aini"), encoding="utf-8")
    job = imported(file)
    assert (job.rows_created, job.rows_updated, job.rows_unchanged) == (0, 1, 2)


def test_parts_with_the_separator_stay_apart(file: Path) -> None:
    file.write_text("shop,number\na|b,c\na,b|c\na\\,b\n")
    assert imported(file).rows_created == 3
    assert keys() == ["a\\\\|b", "a\\|b|c", "a|b\\|c"]


def test_a_row_without_a_part_is_rejected(file: Path) -> None:
    file.write_text("shop,number,name\nFI,,x\n,1,y\nFI,1,z\nFI,1,again\n")
    job = imported(file)
    problems = list(job.problems.order_by("line").values_list("line", "column", "reason"))
    assert problems == [
        (2, "shop, number", "The key is empty."),
        (3, "shop, number", "The key is empty."),
        (4, "shop, number", "Duplicate key. Line 5 was used."),
    ]
    assert (job.rows_read, job.rows_created, job.rows_refused) == (4, 1, 3)


def test_the_order_of_the_data_source_holds(file: Path) -> None:
    imported(file)
    assert imported(file, "NUMBER", "shop").rows_unchanged == 3
    file.write_text("number,shop,name\n1,FI,Aino\n")
    assert imported(file).rows_unchanged == 1
    with pytest.raises(actions.KeyColumnDiffers, match="“shop, number”, not “shop”"):
        imported(file, "shop")
    with pytest.raises(actions.KeyColumnDiffers, match="not “shop, name”"):
        imported(file, "shop", "name")


def test_snapshot_mode_compares_the_whole_key(file: Path) -> None:
    file.write_text("shop,number\n" + "".join(f"FI,{n}\nPL,{n}\n" for n in range(10)))
    imported(file)
    rows = "".join(f"FI,{n}\nPL,{n}\n" for n in range(1, 10)) + "FI,0,too many\n"
    file.write_text("shop,number\n" + rows)
    job = imported(file, mode=ImportMode.SNAPSHOT)
    assert (job.status, job.profiles_removed, job.rows_refused) == (JobStatus.WARNINGS, 1, 1)
    assert "PL|0" not in keys()
    assert "FI|0" in keys()


def test_the_command_takes_several_columns(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("import_profiles", str(file), "--key", "shop", "--key", "Number")
    assert keys() == ["FI|1", "FI|2", "PL|1"]
    file.write_text("shop,number\nFI,1\n")
    capsys.readouterr()
    call_command("import_profiles", str(file), "--key=shop", "--key=number", "--mode=snapshot", "--preview")
    assert "2 of 3 customers are not in the file and would be removed" in capsys.readouterr().out


def test_a_plan_file_has_the_key(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("import_profiles", str(file), "--key", "shop", "--key", "number", "--print-plan")
    printed = capsys.readouterr().out
    assert yaml.safe_load(printed)["key"] == ["shop", "number"]
    plan = tmp_path / "plan.yaml"
    plan.write_text(printed, encoding="utf-8")
    call_command("import_profiles", str(file), "--plan", str(plan))
    assert keys() == ["FI|1", "FI|2", "PL|1"]
    plan.write_text("key: name\n", encoding="utf-8")
    call_command("import_profiles", str(file), "--plan", str(plan), "--source", "Names")
    assert DataSource.objects.get(name="Names").key_columns == ["name"]


@pytest.mark.parametrize("plan", ["key: 7", "key: [shop, 7]", "key: {a: b}", "key: ['']"])
def test_a_plan_file_with_another_key_is_refused(file: Path, tmp_path: Path, plan: str) -> None:
    (tmp_path / "plan.yaml").write_text(plan)
    with pytest.raises(CommandError, match="“key” must be the name of a column"):
        call_command("import_profiles", str(file), "--plan", str(tmp_path / "plan.yaml"))


def test_the_command_needs_a_key(file: Path) -> None:
    with pytest.raises(CommandError, match="Set the key column"):
        call_command("import_profiles", str(file))


def uploaded(client: Client, content: str = CONTENT) -> Any:
    return client.post(UPLOAD, {"file": SimpleUploadedFile("people.csv", content.encode())})


def test_the_pane_takes_several_columns(bob_client: Client, file: Path) -> None:
    values: dict[str, Any] = fields_of(uploaded(bob_client))
    values |= {"key_column": "shop", "further_key_columns": ["number", "shop"]}
    assert bob_client.post(UPLOAD, values).status_code == 302
    assert run_last_import().status == JobStatus.SUCCESSFUL
    assert keys() == ["FI|1", "FI|2", "PL|1"]
    assert "shop, number" in bob_client.get("/data/sources/").content.decode()

    source = DataSource.objects.get()
    again = bob_client.post(
        f"{UPLOAD}?source={source.pk}", {"file": SimpleUploadedFile("people.csv", CONTENT.encode())}
    )
    assert again.context["form"]["further_key_columns"].value() == ["number"]
    values = fields_of(again) | {"further_key_columns": ["name"]}
    refused = bob_client.post(UPLOAD, values)
    assert refused.status_code == 422
    assert "uses the key column “shop, number”" in refused.content.decode()


def test_the_pane_keeps_the_columns_in_a_new_preview(bob_client: Client, file: Path) -> None:
    values: dict[str, Any] = fields_of(uploaded(bob_client))
    page = bob_client.post(
        UPLOAD, values | {"key_column": "shop", "further_key_columns": ["number"], "act": "preview"}
    )
    assert page.context["form"]["further_key_columns"].value() == ["number"]


def test_the_pane_counts_by_the_whole_key(bob_client: Client, file: Path) -> None:
    imported(file)
    values: dict[str, Any] = fields_of(uploaded(bob_client, "shop,number,name\nFI,1,Aino\n"))
    values |= {"key_column": "shop", "further_key_columns": ["number"], "source_name": "Shops", "mode": "snapshot"}
    response = bob_client.post(UPLOAD, values | {"act": "leaving"})
    assert "2 of 3 customers are not in the file and would be removed" in response.content.decode()
    lines = bob_client.get(response.context["keys_url"]).getvalue().decode("utf-8-sig").splitlines()
    assert lines == ['"shop, number"', "FI|2", "PL|1"]
