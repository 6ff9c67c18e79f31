"""The dialog that removes a connection, with real exports on it."""

import pytest
from django.test import Client

from config.platform.accounts.models import User
from config.platform.jobs.models import JobStatus
from connections import tasks
from connections.models import Connection
from exports.actions import runs
from exports.models import Export
from exports.policies import Refusal, check_can_run
from exports.run import pipeline
from tests.support import exports
from tests.support.connections import make_connection
from tests.support.profiles import create_profiles

DIALOG = {"HX-Request": "true", "HX-Target": "dialog"}


@pytest.fixture
def connection(alice: User) -> Connection:
    return make_connection(alice, "Winter mail")


@pytest.fixture
def export(connection: Connection, alice: User) -> Export:
    create_profiles([{"email": "a@example.com"}])
    segment = exports.segment_of_everyone()
    return exports.export_to(None, connection, segment, list_id="a" * 32, name="Everyone to the newsletter")


def url(connection: Connection) -> str:
    return f"/admin/connections/{connection.pk}/remove/"


def test_it_asks_first(alice_client: Client, connection: Connection) -> None:
    html = alice_client.get(url(connection)).content.decode()
    assert "Remove “Winter mail”?" in html
    assert "stay in Campaign Monitor" in html
    assert Connection.objects.exists()


def test_it_removes_and_says_so(alice_client: Client, connection: Connection) -> None:
    response = alice_client.post(url(connection), follow=True)
    assert "“Winter mail” is removed." in response.content.decode()
    assert not Connection.objects.exists()


def test_it_offers_both_for_each_export(alice_client: Client, connection: Connection, export: Export) -> None:
    html = alice_client.get(url(connection), headers=DIALOG).content.decode()
    assert "Everyone to the newsletter" in html
    assert html.count(f'name="use-{export.pk}"') == 2
    assert "Detach connection" in html


@pytest.mark.parametrize("posted", [{}, {"use-0": "detach"}, {"use-{pk}": "keep"}])
def test_it_waits_for_a_choice(
    alice_client: Client, connection: Connection, export: Export, posted: dict[str, str]
) -> None:
    data = {name.format(pk=export.pk): value for name, value in posted.items()}
    response = alice_client.post(url(connection), data, headers=DIALOG)
    assert response.status_code == 422
    assert "Choose what to do with each export." in response.content.decode()
    assert Connection.objects.exists()


def test_exports_are_detached_when_their_connection_is_removed(
    alice_client: Client, connection: Connection, export: Export
) -> None:
    alice_client.post(url(connection), {f"use-{export.pk}": "detach"})
    assert not Connection.objects.exists()
    export.refresh_from_db()
    assert export.connection is None
    assert "No connection" in alice_client.get("/data/exports/").content.decode()
    with pytest.raises(Refusal):
        check_can_run(export)


def test_it_removes_exports_with_it(alice_client: Client, connection: Connection, export: Export) -> None:
    alice_client.post(url(connection), {f"use-{export.pk}": "remove"})
    assert not Connection.objects.exists()
    assert not Export.objects.exists()


def test_it_stops_a_run_first(alice_client: Client, connection: Connection, export: Export) -> None:
    run = runs.start_run(export, by=None)
    response = alice_client.post(url(connection), {f"use-{export.pk}": "detach"}, follow=True)
    html = response.content.decode()
    assert "“Winter mail” will be removed" in html
    assert "Being removed" in html
    assert 'hx-trigger="every 2s"' in html  # the list looks again
    with pytest.raises(Refusal):
        runs.start_run(export, by=None)
    pipeline.run_slice(run.pk)
    run.refresh_from_db()
    assert run.status == JobStatus.CANCELED
    tasks.enqueue_pending()
    assert not Connection.objects.exists()
    export.refresh_from_db()
    assert export.connection is None


def test_nothing_is_put_on_what_is_being_removed(
    alice_client: Client, alice: User, connection: Connection, export: Export
) -> None:
    runs.start_run(export, by=None)
    alice_client.post(url(connection), {f"use-{export.pk}": "detach"})
    connection.refresh_from_db()
    with pytest.raises(Refusal, match="being removed"):
        exports.export_to(None, connection, [], list_id="b" * 32, name="Late", by=alice)
    assert f'<option value="{connection.pk}"' not in alice_client.get("/data/exports/add/").content.decode()


def test_it_is_not_found_twice(alice_client: Client, connection: Connection) -> None:
    alice_client.post(url(connection))
    assert alice_client.post(url(connection)).status_code == 404


@pytest.mark.parametrize("method", ["get", "post"])
def test_it_refuses_a_contributor_and_a_viewer(
    bob_client: Client, charlie_client: Client, connection: Connection, method: str
) -> None:
    for client in (bob_client, charlie_client):
        assert getattr(client, method)(url(connection)).status_code == 403
    assert Connection.objects.exists()


def test_it_sends_a_stranger_to_the_sign_in_page(stranger_client: Client, connection: Connection) -> None:
    assert stranger_client.post(url(connection))["Location"].startswith("/accounts/sign-in/")
    assert Connection.objects.exists()
