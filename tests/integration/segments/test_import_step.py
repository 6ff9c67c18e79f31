"""The import step in the browser: the format, the first rows, and how each column becomes an attribute."""

from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import Settings

from segments.models import AttributeType, DataSource, ImportJob
from segments.sources import import_job
from tests.integration.access.forms import forms_of
from tests.support.profiles import create_attributes, get_profile

pytestmark = pytest.mark.django_db
UPLOAD = "/data/sources/upload/"
CONTENT = "id;punkty;born;zip\n1;5;1.2.2024;00501\n2;7;13.2.2024;10001\n".encode("cp1250")


@pytest.fixture(autouse=True)
def uploads_folder(tmp_path: Path, settings: Settings) -> None:
    settings.UPLOAD_DIR = tmp_path / "uploads"


def uploaded(client: Client, content: bytes = CONTENT) -> Any:
    response = client.post(UPLOAD, {"file": SimpleUploadedFile("shop.csv", content)})
    assert response.status_code == 200, response.content.decode()
    return response


def fields_of(response: Any) -> dict[str, str]:
    """The values that a browser would post of the page as it is."""
    values = {}
    for form in [response.context["form"], response.context["format_form"]]:
        for field in form:
            values[field.html_name] = "" if field.value() is None else str(field.value())
    for card in response.context["columns"]:
        for field in card.form:
            if field.widget_type == "checkbox":
                values.update({field.html_name: "on"} if field.value() else {})
            else:
                values[field.html_name] = "" if field.value() is None else str(field.value())
    return values | {"token": response.context["token"], "file_name": "shop.csv"}


def run_last_import() -> ImportJob:
    job = import_job.run_import(ImportJob.objects.latest("pk").pk)
    assert job is not None
    return job


def test_it_shows_what_was_detected(bob_client: Client) -> None:
    page = uploaded(bob_client).content.decode()
    for text in (
        "Delimited text",
        "Semicolon",
        "00501",
        "Whole number",
        "29.02.2024",
        "100% of 2 values match the type Whole number",
    ):
        assert text in page
    assert forms_of(page, UPLOAD)


def test_what_is_shown_can_be_imported_as_it_is(bob_client: Client) -> None:
    values = fields_of(uploaded(bob_client))
    assert bob_client.post(UPLOAD, values).status_code == 302
    assert run_last_import().status == "successful"
    assert get_profile("1").attributes == {"id": "1", "punkty": 5, "born": "2024-02-01", "zip": "00501"}
    assert DataSource.objects.get().file_format == {}


def test_columns_are_renamed_retyped_and_left_out(bob_client: Client) -> None:
    values = fields_of(uploaded(bob_client))
    values |= {"c1-attribute": "points", "c1-type": "number", "c2-is_ignored": "on"}
    bob_client.post(UPLOAD, values | {"c1-null_words": "7"})
    run_last_import()
    assert get_profile("1").attributes == {"id": "1", "points": 5, "zip": "00501"}
    assert get_profile("2").attributes == {"id": "2", "zip": "10001"}


def test_a_misfit_can_reject_its_row(bob_client: Client) -> None:
    values = fields_of(uploaded(bob_client, b"id,points\n1,5\n2,five\n"))
    bob_client.post(UPLOAD, values | {"c1-type": "integer", "misfit": "reject"})
    assert run_last_import().rows_refused == 1
    assert ImportJob.objects.get().problems.get().column == "points"


def test_another_format_is_previewed_and_nothing_typed_is_lost(bob_client: Client) -> None:
    values = fields_of(uploaded(bob_client, b"a,b;c\nid;name;x\n1;Ann;2\n"))
    changed = values | {
        "format-header_line": "2",
        "format-delimiter": ";",
        "act": "preview",
        "source_name": "Mine",
    }
    response = bob_client.post(UPLOAD, changed)
    assert response.context["names"] == ("id", "name", "x")
    assert 'value="Mine"' in response.content.decode()
    assert not ImportJob.objects.exists()
    bob_client.post(UPLOAD, fields_of(response) | {"key_column": "id"})
    assert run_last_import().rows_created == 1
    assert DataSource.objects.get().name == "Mine"


def test_errors_are_beside_the_fields_and_nothing_is_lost(bob_client: Client) -> None:
    create_attributes({"born": AttributeType.TEXT})
    values = fields_of(uploaded(bob_client))
    values |= {"c1-attribute": "ID", "c2-type": "date", "c3-attribute": "", "c1-time_zone": "Mars"}
    response = bob_client.post(UPLOAD, values)
    page = response.content.decode()
    assert response.status_code == 422
    for text in ("There is no time zone", "exists with the type Text", "Enter a name, or choose not"):
        assert text in page
    assert 'value="Mars"' in page
    again = fields_of(response) | {"c1-time_zone": ""}
    assert "Another column is imported as this attribute." in bob_client.post(UPLOAD, again | {
        "c2-type": "text", "c3-attribute": "zip"
    }).content.decode()  # fmt: skip
    assert not ImportJob.objects.exists()


def test_the_plan_of_a_data_source_is_offered_again(bob_client: Client) -> None:
    bob_client.post(UPLOAD, fields_of(uploaded(bob_client)) | {"c1-attribute": "points"})
    run_last_import()
    source = DataSource.objects.get()
    response = bob_client.post(f"{UPLOAD}?source={source.pk}", {"file": SimpleUploadedFile("x.csv", CONTENT)})
    assert fields_of(response)["c1-attribute"] == "points"


def test_a_column_says_why_it_stays_text(bob_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segments.sources.inference._SAMPLED_ROWS", 2)
    rows = "".join(f"{n},0{n}/02/2024,{n},yes\n" for n in range(1, 10)) + "10,,<b>many</b>,\n"
    content = uploaded(bob_client, f"id,day,orders,agreed\n{rows}".encode()).content.decode()
    assert "with the day or the month first" in content
    assert "All values are the same" in content
    assert "90% of the values match the type Whole number" in content
    assert "<code>&lt;b&gt;many&lt;/b&gt;</code>" in content


def test_a_format_of_dates_that_is_none_is_refused(bob_client: Client) -> None:
    values = fields_of(uploaded(bob_client))
    response = bob_client.post(UPLOAD, values | {"c2-date_format": "%Q%Q", "c1-thousands": "."})
    page = response.content.decode()
    assert response.status_code == 422
    assert "This is not a valid date format." in page
    assert "The thousands separator must differ from the decimal separator." in page
