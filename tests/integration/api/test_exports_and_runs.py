"""Exports and runs over the API: the same permissions and actions as the pages."""

import json
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from config.platform import retention
from config.platform.accounts.models import User
from config.platform.accounts.permissions import Role
from config.platform.accounts.scopes import Scope
from config.platform.api import tasks
from config.platform.api.models import IdempotencyKey
from config.platform.audit.models import AuditEntry
from config.platform.jobs import clock
from config.platform.jobs.models import JobStatus
from connections.models import Connection
from exports.models import DeliveredSet, Export, ListCleanup, Run, RunKind, Trigger
from exports.models.export import Removal
from exports.removal.list_cleanup import CleanupSettings
from segments.models import Segment
from tests.support import exports
from tests.support.api import client_of
from tests.support.profiles import create_profiles

pytestmark = pytest.mark.django_db


@pytest.fixture
def segment(db: None) -> Segment:
    create_profiles([{"email": "ann@example.com"}])
    return exports.segment_of_everyone()


@pytest.fixture
def connection(alice: User) -> Connection:
    return exports.sandbox_connection(by=alice)


@pytest.fixture
def export(alice: User, connection: Connection, segment: Segment) -> Export:
    return exports.export_to(None, connection, segment, list_id="a" * 32, by=alice)


def lines(response: Any) -> list[dict[str, Any]]:
    assert response.status_code == 200
    assert response["Content-Type"] == "application/x-ndjson"
    return [json.loads(line) for line in response.getvalue().splitlines()]


def rejected(run: Run) -> Run:
    run.outcomes.create(
        batch_number=1, kind="rejected", profile_id=1, email="ann@example.com", code="1", message="X"
    )
    Run.objects.filter(pk=run.pk).update(rejected=1)
    return run


def test_connections_are_for_administrators_and_hold_no_secret(
    alice: User, bob: User, connection: Connection
) -> None:
    found = client_of(alice).get("connections")
    assert [each["name"] for each in found.json()["items"]] == ["Sandbox"]
    assert exports.API_KEY not in found.content.decode()
    assert "credentials" not in client_of(alice).get(f"connections/{connection.pk}").json()
    assert client_of(bob).get("connections").status_code == 403


@pytest.mark.parametrize("scope", Scope)
def test_only_the_scope_of_connections_shows_them(alice: User, connection: Connection, scope: Scope) -> None:
    client, expected = client_of(alice, scopes=[scope]), 200 if scope == Scope.CONNECTIONS else 403
    assert client.get("connections").status_code == expected
    assert client.get(f"connections/{connection.pk}").status_code == expected


def test_an_administrator_runs_exports_on_any_connection_with_that_scope_alone(
    alice: User, export: Export
) -> None:
    Connection.objects.update(allowed_roles=[])
    client = client_of(alice, scopes=[Scope.EXPORTS])
    assert client.get(f"exports/{export.pk}").json()["can_manage"] is True
    assert client.post(f"exports/{export.pk}/runs", {}).status_code == 201
    assert client_of(alice, scopes=[Scope.READ]).post(f"exports/{export.pk}/runs", {}).status_code == 403


def test_exports_come_in_parts(alice: User, charlie: User, connection: Connection, segment: Segment) -> None:
    names = [f"Export {n}" for n in range(5)]
    for name in names:
        exports.export_to(None, connection, segment, list_id="a" * 32, by=alice, name=name)
    client, found, cursor = client_of(charlie), [], None
    while True:
        part = client.get("exports", {"limit": 2} | ({"cursor": cursor} if cursor else {})).json()
        found += [each["name"] for each in part["items"]]
        cursor = part["next_cursor"]
        if cursor is None:
            break
    assert found == names


def test_exports_are_found_by_tag(alice: User, connection: Connection, segment: Segment) -> None:
    for name, tags in (("One", ["morning"]), ("Two", ["morning", "VIP"]), ("Three", ["Morning"])):
        export = exports.export_to(None, connection, segment, list_id="a" * 32, by=alice, name=name)
        Export.objects.filter(pk=export.pk).update(tags=tags)
    found = client_of(alice).get("exports", {"tag": "morning"}).json()["items"]
    assert [(each["name"], each["tags"]) for each in found] == [("One", ["morning"]), ("Two", ["morning", "VIP"])]


def test_a_list_costs_the_same_queries_however_long(
    alice: User, connection: Connection, segment: Segment, django_assert_num_queries: Any
) -> None:
    client = client_of(alice)
    exports.export_to(None, connection, segment, list_id="a" * 32, by=alice, name="One")
    with django_assert_num_queries(2):
        client.get("exports")
    for n in range(5):
        exports.export_to(None, connection, segment, list_id="a" * 32, by=alice, name=f"More {n}")
    with django_assert_num_queries(2):
        client.get("exports")


def test_a_list_of_runs_costs_the_same_queries_however_long(
    alice: User, export: Export, django_assert_num_queries: Any
) -> None:
    client = client_of(alice)
    for number in range(1, 6):
        finished = {"status": JobStatus.CANCELED, "finished_at": "2026-01-01T00:00:00Z"}
        Run.objects.create(export=export, number=number, trigger=Trigger.MANUAL, requested_by=alice, **finished)
    with django_assert_num_queries(2):
        assert len(client.get("runs").json()["items"]) == 5


def test_filters_narrow_the_list(alice: User, export: Export) -> None:
    client = client_of(alice)
    assert client.get("exports", {"name": "NEWSLETTER"}).json()["items"][0]["id"] == export.pk
    assert client.get("exports", {"status": "failed"}).json()["items"] == []
    client.post(f"exports/{export.pk}/runs", {})
    assert client.get("exports", {"status": "queued"}).json()["items"][0]["last_status"] == "queued"
    assert len(client.get("runs", {"export_id": export.pk, "status": "queued"}).json()["items"]) == 1
    assert client.get("runs", {"status": "failed"}).json()["items"] == []


def test_a_contributor_starts_a_run_and_the_audit_names_the_token(bob: User, export: Export) -> None:
    response = client_of(bob).post(f"exports/{export.pk}/runs", {})
    assert response.status_code == 201
    run = Run.objects.get()
    assert response.json()["id"] == run.pk
    assert (run.trigger, run.requested_by) == (Trigger.API, bob)
    assert AuditEntry.objects.get(action="run").actor_name == "Bob Brown (Test)"


def test_those_who_may_not_start_a_run_on_the_page_may_not_here(
    bob: User, charlie: User, export: Export, connection: Connection
) -> None:
    url = f"exports/{export.pk}/runs"
    assert client_of(charlie).post(url, {}).status_code == 403
    assert client_of(bob, scopes=["read", "sources"]).post(url, {}).status_code == 403
    Connection.objects.filter(pk=connection.pk).update(allowed_roles=[])
    assert client_of(bob).post(url, {}).status_code == 403
    bob.role = Role.VIEWER
    bob.save()
    assert client_of(bob).post(url, {}).status_code == 403
    assert not Run.objects.exists()


def test_a_refusal_is_recorded(charlie: User, export: Export) -> None:
    client_of(charlie).post(f"exports/{export.pk}/runs", {})
    entry = AuditEntry.objects.get(action="access refused")
    assert entry.actor_id == charlie.pk


def test_a_second_start_is_a_conflict(bob: User, export: Export) -> None:
    client = client_of(bob)
    client.post(f"exports/{export.pk}/runs", {})
    second = client.post(f"exports/{export.pk}/runs", {})
    assert second.status_code == 409
    assert "already in progress" in second.json()["detail"]


def test_a_repeated_start_with_its_key_is_answered_alike(bob: User, export: Export) -> None:
    client, header = client_of(bob), {"Idempotency-Key": "airflow-1"}
    first = client.post(f"exports/{export.pk}/runs", {}, **header)
    second = client.post(f"exports/{export.pk}/runs", {}, **header)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert second["Idempotency-Replayed"] == "true"
    assert Run.objects.count() == 1
    assert client.post(f"exports/{export.pk}/runs", {"all_contacts": True}, **header).status_code == 409


def test_a_key_counts_for_each_operation_on_its_own(
    alice: User, bob: User, export: Export, connection: Connection, segment: Segment
) -> None:
    other = exports.export_to(None, connection, segment, list_id="b" * 32, by=alice, name="Other")
    client, header = client_of(bob), {"Idempotency-Key": "2026-11-30"}
    found = {client.post(f"exports/{each.pk}/runs", {}, **header).status_code for each in (export, other)}
    assert found == {201}
    assert Run.objects.count() == 2
    assert client_of(alice).post(f"exports/{export.pk}/runs", {}, **header).status_code == 409


def test_a_repeat_shows_what_was_created_as_it_is_now(bob: User, export: Export) -> None:
    client, header = client_of(bob), {"Idempotency-Key": "1"}
    client.post(f"exports/{export.pk}/runs", {}, **header)
    Run.objects.update(status=JobStatus.CANCELED, finished_at="2026-01-01T00:00:00Z")
    again = client.post(f"exports/{export.pk}/runs", {}, **header)
    assert (again.status_code, again.json()["status"]) == (201, "canceled")


def test_keys_are_forgotten_after_a_day(bob: User, export: Export) -> None:
    client_of(bob).post(f"exports/{export.pk}/runs", {}, **{"Idempotency-Key": "1"})
    tasks.forget_old_keys()
    assert IdempotencyKey.objects.exists()
    with time_machine.travel(clock.now() + retention.IDEMPOTENCY_KEYS.kept_for + timedelta(minutes=1)):
        tasks.forget_old_keys()
    assert not IdempotencyKey.objects.exists()


def test_a_refused_start_does_not_use_up_its_key(bob: User, export: Export) -> None:
    client, header = client_of(bob), {"Idempotency-Key": "1"}
    client.post(f"exports/{export.pk}/runs", {})
    assert client.post(f"exports/{export.pk}/runs", {}, **header).status_code == 409
    assert not IdempotencyKey.objects.exists()
    Run.objects.update(status=JobStatus.CANCELED, finished_at="2026-01-01T00:00:00Z")
    assert client.post(f"exports/{export.pk}/runs", {}, **header).status_code == 201


def test_unknown_members_of_a_body_are_refused(bob: User, export: Export) -> None:
    body = {"requested_by": 1, "all_contacts": "yes"}
    response = client_of(bob).post(f"exports/{export.pk}/runs", body)
    assert response.status_code == 422
    assert {each["location"][-1] for each in response.json()["errors"]} == {"requested_by", "all_contacts"}
    assert not Run.objects.exists()


def test_a_settled_run_is_answered_at_once_and_an_open_one_after_the_wait(bob: User, export: Export) -> None:
    client = client_of(bob)
    run_id = client.post(f"exports/{export.pk}/runs", {}).json()["id"]
    assert client.get(f"runs/{run_id}", {"wait": 1}).json()["is_settled"] is False
    client.post(f"runs/{run_id}/cancel")
    Run.objects.update(status=JobStatus.CANCELED, finished_at="2026-01-01T00:00:00Z")
    assert client.get(f"runs/{run_id}", {"wait": 8}).json()["is_settled"] is True
    assert client.get(f"runs/{run_id}", {"wait": 9}).status_code == 422


def test_a_run_is_canceled_once(bob: User, charlie: User, export: Export) -> None:
    client = client_of(bob)
    run_id = client.post(f"exports/{export.pk}/runs", {}).json()["id"]
    assert client_of(charlie).post(f"runs/{run_id}/cancel").status_code == 403
    assert client.post(f"runs/{run_id}/cancel").json()["is_canceling"] is True
    Run.objects.update(status=JobStatus.CANCELED, finished_at="2026-01-01T00:00:00Z")
    assert client.post(f"runs/{run_id}/cancel").status_code == 409


def test_held_removals_are_confirmed_as_they_were_shown(alice: User, export: Export) -> None:
    Export.objects.update(removal=Removal.DELETE)
    client = client_of(alice)
    run_id = client.post(f"exports/{export.pk}/runs", {}).json()["id"]
    body = {"contacts": 7, "removal": "delete"}
    assert client.post(f"runs/{run_id}/confirm", body).status_code == 409
    Run.objects.update(status="warnings", finished_at="2026-01-01T00:00:00Z", removals_held=7)
    assert client.post(f"runs/{run_id}/confirm", body | {"removal": "unsubscribe"}).status_code == 409
    assert client.post(f"runs/{run_id}/confirm", body).status_code == 201
    assert Run.objects.order_by("-pk")[0].options["confirmed_removals"] == 7


def test_a_list_cleanup_is_confirmed_as_it_was_shown(alice: User, export: Export, connection: Connection) -> None:
    known = DeliveredSet.objects.create(
        export=export, account=connection.account, list_id="c" * 32, list_title="Old"
    )
    held = Run.objects.create(
        export=export,
        number=1,
        trigger=Trigger.MANUAL,
        kind=RunKind.LIST_CLEANUP,
        status=JobStatus.WARNINGS,
        finished_at="2026-01-01T00:00:00Z",
        removals_held=7,
        options=CleanupSettings(how="delete", people=1).options().keep(),
    )
    ListCleanup.objects.create(run=held, delivered_set=known, connection=connection)
    client, url = client_of(alice), f"runs/{held.pk}/confirm"
    assert client.get(f"runs/{held.pk}").json()["removal"] == "delete"
    assert client.post(url, {"contacts": 7, "removal": "unsubscribe"}).status_code == 409
    assert Run.objects.count() == 1
    assert client.post(url, {"contacts": 7, "removal": "delete"}).status_code == 201
    assert Run.objects.latest("pk").options["confirmed_removals"] == 7


def test_rejections_are_streamed_to_those_who_see_personal_data_and_recorded(
    bob: User, charlie: User, export: Export
) -> None:
    client = client_of(bob)
    run_id = client.post(f"exports/{export.pk}/runs", {}).json()["id"]
    rejected(Run.objects.get())
    (line,) = lines(client.get(f"runs/{run_id}/rejections"))
    assert (line["email"], line["result"], line["code"]) == ("ann@example.com", "rejected", "1")
    assert lines(client.get(f"runs/{run_id}/rejections", {"kind": "invalid"})) == []
    assert lines(client.get(f"runs/{run_id}/results")) == []
    assert AuditEntry.objects.filter(action="downloaded", target_kind="run").count() == 3
    assert client_of(charlie).get(f"runs/{run_id}/rejections").status_code == 403
    assert client_of(bob, scopes=["read"]).get(f"runs/{run_id}/results").status_code == 403


@pytest.mark.parametrize("kind", ["members", "delivered", "planned", "to_add", "to_update", "lost"])
def test_groups_that_were_delivered_or_that_a_run_does_not_list_are_refused(
    bob: User, export: Export, kind: str
) -> None:
    client = client_of(bob)
    run_id = client.post(f"exports/{export.pk}/runs", {}).json()["id"]
    assert client.get(f"runs/{run_id}/rejections", {"kind": kind}).status_code == 422


def test_what_is_not_there_is_a_problem(bob: User) -> None:
    for path in ("runs/1", "exports/1", "runs/9223372036854775807", "runs/1/results"):
        response = client_of(bob).get(path)
        assert response.status_code == 404
        assert response["Content-Type"] == "application/problem+json"
