"""Set up a query of a database in the browser."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from config.platform.jobs import clock
from config.platform.jobs.models import JobStatus
from segments.models import DatabaseQuery, DataSource, ImportJob
from segments.sources import import_job
from tests.support.foreign_postgres import PASSWORD, ForeignPostgres
from tests.support.profiles import get_profile

pytestmark = pytest.mark.django_db
DATABASE = "/data/sources/database/"


def entered(server: ForeignPostgres, **changes: str) -> dict[str, str]:
    return {
        "engine": "postgresql",
        "host": server.host,
        "port": str(server.port),
        "database": server.database,
        "user": server.user,
        "password": server.password,
        "encryption": "none",
        "query": "SELECT id, name, zip, age FROM customers",
        **changes,
    }


def fields_of(response: Any) -> dict[str, str]:
    """The values that a browser would post of the second step as it is."""
    values = {"step": "columns", "sealed": response.context["sealed"]}
    forms = [response.context["form"], *(card.form for card in response.context["columns"])]
    for field in (field for form in forms for field in form):
        if field.widget_type == "checkbox":
            values.update({field.html_name: "on"} if field.value() else {})
        else:
            values[field.html_name] = "" if field.value() is None else str(field.value())
    return values


def second_step(client: Client, server: ForeignPostgres, **changes: str) -> Any:
    response = client.post(DATABASE, entered(server, **changes))
    assert response.status_code == 200, response.context["form"].errors
    return response


def add_source(client: Client, server: ForeignPostgres) -> DataSource:
    posted = fields_of(second_step(client, server)) | {"source_name": "Shop"}
    assert client.post(DATABASE, posted).status_code == 302
    assert import_job.run_import(ImportJob.objects.latest("pk").pk)
    return DataSource.objects.get(name="Shop")


def errors_of(response: Any) -> dict[str, list[str]]:
    assert response.status_code == 422
    return {name: list(map(str, errors)) for name, errors in response.context["form"].errors.items()}


def test_it_leads_from_the_database_to_the_import(alice_client: Client, shop_server: ForeignPostgres) -> None:
    step = second_step(alice_client, shop_server)
    page = step.content.decode()
    for text in ("Väinö", "01234", "The column types are those of the database.", "Whole number"):
        assert text in page
    posted = fields_of(step) | {"source_name": "Web shop", "c2-attribute": "Postal code", "c3-is_ignored": "on"}
    assert posted["key_column"] == "id"
    assert alice_client.post(DATABASE, posted).status_code == 302
    job = import_job.run_import(ImportJob.objects.get().pk)
    assert job is not None
    assert (job.status, job.source.name) == (JobStatus.SUCCESSFUL, "Web shop")
    assert get_profile("1").attributes == {"id": "1", "name": "Aino", "Postal code": "01234"}


def test_a_test_shows_the_first_rows_and_stores_nothing(
    alice_client: Client, shop_server: ForeignPostgres
) -> None:
    response = alice_client.post(DATABASE, entered(shop_server) | {"act": "test"})
    page = response.content.decode()
    assert "The connection works." in page
    assert "Väinö" in page
    assert not DatabaseQuery.objects.exists()
    assert not DataSource.objects.exists()


def test_the_password_is_on_no_page_and_need_not_be_typed_again(
    alice_client: Client, shop_server: ForeignPostgres
) -> None:
    tested = alice_client.post(DATABASE, entered(shop_server) | {"act": "test"})
    again = entered(shop_server, password="", query="customers") | {"sealed": tested.context["sealed"]}
    step = alice_client.post(DATABASE, again)
    assert step.status_code == 200
    for response in (tested, step):
        assert PASSWORD not in response.content.decode()
        assert "more" not in response.context["sealed"]


def test_what_was_sealed_is_of_one_user_and_for_half_an_hour(
    alice_client: Client, bob_client: Client, shop_server: ForeignPostgres
) -> None:
    posted = fields_of(second_step(alice_client, shop_server))
    assert bob_client.post(DATABASE, posted).status_code == 403
    with time_machine.travel(clock.now() + timedelta(minutes=31), tick=True):
        response = alice_client.post(DATABASE, posted)
    assert response.status_code == 422
    assert "Enter the database again" in response.content.decode()
    assert alice_client.post(DATABASE, posted | {"sealed": "k1:forged"}).status_code == 422
    assert not ImportJob.objects.exists()


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"password": "wrong"}, "password", "The user or the password is incorrect"),
        ({"database": "nothing"}, "database", "no database “nothing”"),
        ({"query": "SELECT missing FROM customers"}, "query", "no column “missing”"),
        ({"query": "DROP TABLE customers"}, "query", "This is DROP"),
        ({"query": ""}, "query", "Enter a query"),
        ({"host": ""}, "host", "required"),
        ({"host": "10.0.0.1"}, "host", "internal network"),
        ({"engine": "sqlite", "path": "/etc/passwd"}, "path", "SOURCE_FOLDERS"),
        ({"engine": "sqlite"}, "path", "required"),
        ({"engine": "oracle"}, "engine", "oracle"),
        ({"port": "70000"}, "port", "65535"),
    ],
)
def test_it_says_what_is_wrong_beside_the_field(
    alice_client: Client, shop_server: ForeignPostgres, change: dict[str, str], field: str, words: str
) -> None:
    errors = errors_of(alice_client.post(DATABASE, entered(shop_server, **change)))
    assert list(errors) == [field]
    assert words in errors[field][0]


def test_the_second_step_keeps_what_was_entered_when_something_is_wrong(
    alice_client: Client, shop_server: ForeignPostgres
) -> None:
    posted = fields_of(second_step(alice_client, shop_server)) | {"source_name": "", "c1-attribute": "id"}
    response = alice_client.post(DATABASE, posted)
    assert "source_name" in errors_of(response)
    assert "Another column is imported as this attribute." in response.content.decode()
    assert not DataSource.objects.exists()


def test_a_stored_query_is_changed_without_its_password(
    alice_client: Client, shop_server: ForeignPostgres
) -> None:
    source = add_source(alice_client, shop_server)
    address = f"{DATABASE}?source={source.pk}"
    page = alice_client.get(address).content.decode()
    assert "SELECT id, name, zip, age FROM customers" in page
    assert PASSWORD not in page
    step = alice_client.post(
        address, entered(shop_server, password="", query="SELECT id, name, born FROM customers")
    )
    posted = fields_of(step)
    assert (posted["source_name"], posted["key_column"]) == ("Shop", "id")
    assert alice_client.post(address, posted).status_code == 302
    stored = DatabaseQuery.objects.get()
    assert stored.query == "SELECT id, name, born FROM customers"
    assert stored.credentials is not None
    assert stored.credentials.open() == {"password": PASSWORD}


@pytest.mark.parametrize(
    "change", [{"host": "localhost"}, {"port": "1"}, {"user": "other"}, {"encryption": "require"}]
)
def test_the_stored_password_is_not_shown_to_another_server(
    alice_client: Client, shop_server: ForeignPostgres, change: dict[str, str]
) -> None:
    source = add_source(alice_client, shop_server)
    response = alice_client.post(f"{DATABASE}?source={source.pk}", entered(shop_server, password="", **change))
    assert errors_of(response) == {
        "password": ["Enter the password again, because the server or the user changed."]
    }


@pytest.mark.parametrize("change", [{"host": "localhost"}, {"port": "1"}, {"user": "other"}])
def test_a_tested_password_is_not_shown_to_another_server(
    alice_client: Client, shop_server: ForeignPostgres, change: dict[str, str]
) -> None:
    """The test of a stored query seals its password into the page; the next request may name another server."""
    source = add_source(alice_client, shop_server)
    address = f"{DATABASE}?source={source.pk}"
    tested = alice_client.post(address, entered(shop_server, password="") | {"act": "test"})
    again = entered(shop_server, password="", **change) | {"sealed": tested.context["sealed"]}
    assert errors_of(alice_client.post(address, again)) == {
        "password": ["Enter the password again, because the server or the user changed."]
    }


def test_only_administrators_see_it(
    bob_client: Client, shop_server: ForeignPostgres, alice_client: Client
) -> None:
    source = add_source(alice_client, shop_server)
    assert bob_client.get(f"{DATABASE}?source={source.pk}").status_code == 403
    page = bob_client.get("/data/sources/").content.decode()
    assert "From a database" not in page
    assert "PostgreSQL: shop at 127.0.0.1" in page
    assert "From a database" in alice_client.get("/data/sources/").content.decode()


def test_contributors_refresh(bob_client: Client, alice_client: Client, shop_server: ForeignPostgres) -> None:
    source = add_source(alice_client, shop_server)
    assert bob_client.post("/data/sources/refresh/", {"selected": [source.pk]}).status_code == 302
    job = import_job.run_import(ImportJob.objects.latest("pk").pk)
    assert job is not None
    assert (job.status, job.rows_unchanged) == (JobStatus.SUCCESSFUL, 3)


def test_another_name_renames_the_data_source(alice_client: Client, shop_server: ForeignPostgres) -> None:
    source = add_source(alice_client, shop_server)
    DataSource.objects.create(name="CRM", key_column="id")
    address = f"{DATABASE}?source={source.pk}"
    step = alice_client.post(address, entered(shop_server, password=""))
    assert "the data source is renamed" in step.content.decode()
    posted = fields_of(step) | {"source_name": "crm"}
    assert "source_name" in errors_of(alice_client.post(address, posted))
    assert alice_client.post(address, posted | {"source_name": "Web shop"}).status_code == 302
    source.refresh_from_db()
    assert (source.name, DataSource.objects.count()) == ("Web shop", 2)
