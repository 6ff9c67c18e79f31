"""Typed imports: kinds of files, stored plans, values that do not fit, temporary files."""

import json
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from config.platform.jobs.models import JobStatus
from segments.catalog import types_by_name
from segments.models import AttributeType, DataSource, ImportJob
from segments.sources import actions, import_job
from segments.sources.column_plan import ColumnPlan, ColumnType, MisfitPolicy, plans_from_list
from tests.support.profiles import all_profiles, create_attributes, get_profile
from tests.support.workbook import write_workbook

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def uploads_folder(tmp_path: Path, settings: Settings) -> Path:
    settings.UPLOAD_DIR = tmp_path / "uploads"
    return tmp_path / "uploads"


def imported(path: Path, content: str = "", *, key: str = "id", plans: tuple[ColumnPlan, ...] = ()) -> ImportJob:
    if content:
        path.write_text(content, encoding="utf-8")
    job = actions.start_import(
        path=path, key_column=key, source_name="Shop", by=None, plans=plans, wake_worker=False
    )
    ended = import_job.run_import(job.pk)
    assert ended is not None
    ended.refresh_from_db()
    return ended


def stored_types() -> dict[str, ColumnType]:
    return {plan.column: plan.type for plan in plans_from_list(DataSource.objects.get().column_plans)}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "people.csv"


def test_every_kind_of_file_is_imported(tmp_path: Path) -> None:
    parquet, lines = tmp_path / "p.parquet", tmp_path / "l.jsonl"
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"COPY (SELECT 'P' AS id, DATE '2024-02-29' AS day) TO '{parquet}' (FORMAT parquet)")
    lines.write_text(json.dumps({"id": "L", "day": "2024-03-01"}), encoding="utf-8")
    (tmp_path / "t.tsv").write_text("id\tday\nT\t2024-03-02\n", encoding="utf-16")
    for path in (parquet, lines, tmp_path / "t.tsv"):
        assert imported(path).status == JobStatus.SUCCESSFUL
    assert {each.key: each.attributes["day"] for each in all_profiles()} == {
        "P": "2024-02-29", "L": "2024-03-01", "T": "2024-03-02",
    }  # fmt: skip
    write_workbook(tmp_path / "w.xlsx")
    assert imported(tmp_path / "w.xlsx").rows_created == 2
    assert get_profile("1").attributes["born"] == "2024-02-29"


def test_types_never_change_silently(file: Path) -> None:
    imported(file, "id,points,zip,when,tags\n1,7,00501,2024-01-01 10:00,a\n2,8,10001,2024-01-02 11:30,\n")
    assert stored_types() == {
        "id": ColumnType.TEXT,
        "points": ColumnType.INTEGER,
        "zip": ColumnType.TEXT,
        "when": ColumnType.DATETIME,
        "tags": ColumnType.LIST,
    }
    assert get_profile("1").attributes["zip"] == "00501"
    job = imported(file, "id,points,zip\n1,1.5,501\n")
    assert (job.status, job.misfits) == (JobStatus.WARNINGS, {"points": 1})
    assert len(stored_types()) == 5
    assert "points" not in get_profile("1").attributes


def test_the_type_of_an_attribute_in_the_catalog_holds_for_other_sources(file: Path) -> None:
    create_attributes({"points": AttributeType.NUMBER, "born": AttributeType.DATE, "code": AttributeType.TEXT})
    job = imported(file, "id,POINTS,born,code\n1,7,1.2.2000,12\n2,08,13.2.2000,13\n")
    assert job.misfits == {}
    assert types_by_name()["points"] == AttributeType.NUMBER
    assert get_profile("2").attributes == {"id": "2", "points": 8, "born": "2000-02-13", "code": "13"}


def test_a_plan_renames_ignores_and_rejects(file: Path) -> None:
    plans = (
        ColumnPlan("Pts", attribute="points", type=ColumnType.INTEGER, misfit=MisfitPolicy.REJECT),
        ColumnPlan("note", is_ignored=True),
        ColumnPlan("city", null_words=("?",)),
    )
    job = imported(file, "id,Pts,note,city\n1,5,x,?\n2,Ann,y,Turku\n", plans=plans)
    assert get_profile().attributes == {"id": "1", "points": 5}
    problem = job.problems.get()
    assert (problem.line, problem.column) == (3, "Pts")
    assert problem.reason == "A value of the form “Aaa” is not a whole number."
    again = imported(file, "id,Pts,note\n3,6,z\n")
    assert get_profile("3").attributes == {"id": "3", "points": 6}
    assert again.status == JobStatus.SUCCESSFUL
    assert plans_from_list(DataSource.objects.get().column_plans)[1] == replace(plans[0], column="Pts")


def test_a_key_stays_text_whatever_its_values_are(file: Path) -> None:
    imported(file, "customer,name\n7,a\n8,NULL\n", key="customer")
    assert types_by_name()["customer"] == AttributeType.TEXT
    assert get_profile("8").attributes == {"customer": "8"}


def test_two_columns_cannot_be_one_attribute(file: Path) -> None:
    job = imported(file, f"id,{'x' * 121},{'x' * 122}\n1,2,3\n")
    assert job.status == JobStatus.FAILED
    assert "imported as the same attribute" in job.message


def test_no_temporary_file_is_left(file: Path, uploads_folder: Path) -> None:
    imported(file, 'id,note\n1,"a\nb"\n')
    assert list(uploads_folder.iterdir()) == []


def test_the_page_says_how_many_values_do_not_fit(file: Path, charlie_client: Client) -> None:
    imported(file, "id,points\n1,5\n")
    job = imported(file, "id,points\n1,five\n2,six\n")
    page = charlie_client.get(reverse("segments:import", args=[job.pk])).content.decode()
    assert "Column “points”: 2 values do not match the type and are left empty." in page


def test_the_command_says_it_too(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    imported(file, "id,points\n1,5\n")
    file.write_text("id,points\n1,five\n,7\n")
    call_command("import_profiles", str(file), "--key", "id", "--source", "Shop")
    assert capsys.readouterr().out.splitlines()[:2] == [
        "line 3, column “id”: The key is empty.",
        "Column “points”: 1 value does not match the type and is left empty.",
    ]


def test_the_original_text_is_kept_where_the_value_does_not_give_it_back(file: Path) -> None:
    imported(file, "id,points,city\n1,5,Turku\n2,7,Kraków\n")
    assert get_profile("1").originals == {}
    imported(file, "id,points,city\n1,05,Turku\n2,five,Kraków\n3,7,Iași\n")
    assert {each.key: (each.attributes.get("points"), each.originals) for each in all_profiles()} == {
        "1": (5, {"points": "05"}),
        "2": (None, {"points": "five"}),
        "3": (7, {}),
    }
    job = imported(file, "id,points\n1,5\n2,five\n")
    assert (job.rows_updated, job.rows_unchanged) == (1, 1)
    assert get_profile("1").originals == {}
    imported(file, "id,city\n2,Gdynia\n")
    assert get_profile("2").originals == {"points": "five"}
