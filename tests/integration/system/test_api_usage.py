"""Admin > System > API usage."""

from datetime import timedelta

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from config.platform.jobs import clock
from config.platform.jobs.models import JobStatus
from connections.models import Connection
from exports.models import Batch, Export, Run

pytestmark = pytest.mark.django_db
PAGE = "/admin/system/api-usage/"


def batches(connection: Connection, *attempts: int, days_ago: int = 0, http_status: int = 200) -> None:
    export, _created = Export.objects.get_or_create(
        name=f"Over {connection}", defaults={"connection": connection, "list_id": "a" * 32}
    )
    run = Run.objects.create(
        export=export,
        number=export.runs.count() + 1,
        trigger="manual",
        status=JobStatus.SUCCESSFUL,
        finished_at=clock.now(),
    )
    for number, attempt in enumerate(attempts, start=1):
        Batch.objects.create(
            run=run,
            number=number,
            label=str(number),
            status="done",
            attempt=attempt,
            size=0,
            profile_ids=[],
            emails=[],
            payloads=[],
            hashes=[],
            sent_at=clock.now() - timedelta(days=days_ago),
            http_status=http_status,
        )


def figures(client: Client, name: str) -> list[str]:
    page = client.get(PAGE).content.decode()
    row = page.split(f">{name}</a>")[1].split("</tr>")[0]
    return [cell.split(">")[1].split("<")[0] for cell in row.replace("<strong>", "").split("<td ")[1:]]


def test_it_counts_the_calls_of_each_connection_by_day(alice_client: Client) -> None:
    busy = Connection.objects.create(name="Busy", destination_key="campaign_monitor")
    Connection.objects.create(name="Idle", destination_key="campaign_monitor")
    batches(busy, 1, 3)
    batches(busy, 2, days_ago=2, http_status=500)
    batches(busy, 9, days_ago=30)
    assert figures(alice_client, "Busy")[:9] == ["0", "0", "0", "0", "2", "0", "4", "6", "1"]
    assert figures(alice_client, "Idle")[:9] == ["0"] * 9
    page = alice_client.get(PAGE).content.decode()
    assert page.index(">Busy</a>") < page.index(">Idle</a>")


def test_only_who_sees_connections_sees_it(bob_client: Client, alice_client: Client) -> None:
    assert bob_client.get(PAGE).status_code == 403
    assert PAGE not in bob_client.get("/admin/system/").content.decode()
    assert "No connections yet" in alice_client.get(PAGE).content.decode()


def test_it_costs_the_same_however_many_there_are(
    alice_client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(8):
        made = Connection.objects.create(name=f"Account {number}", destination_key="campaign_monitor")
        batches(made, 1)
    with django_assert_max_num_queries(12):
        alice_client.get(PAGE)
