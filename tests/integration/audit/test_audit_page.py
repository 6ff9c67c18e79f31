"""Admin > Audit: which entries it shows to which role, and that no entry can be changed."""

import csv
import io

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from config.platform.accounts import actions
from config.platform.accounts.models import User
from config.platform.audit.models import AuditEntry
from config.platform.audit.record import record

PAGE = "/admin/audit/"


@pytest.fixture
def edited(alice: User, bob: User) -> User:
    """Alice makes Bob a viewer."""
    return actions.edit_user(
        user=bob, version=1, full_name="Bob Brown", email="bob@example.com", role="viewer", by=alice
    )


def text_of(client: Client, query: str = "") -> str:
    response = client.get(PAGE + query)
    assert response.status_code == 200
    return response.content.decode()


def taken(client: Client, query: str = "") -> list[dict[str, str]]:
    response = client.get(f"{PAGE}download/{query}")
    body = b"".join(response.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    return list(csv.DictReader(io.StringIO(body)))


@pytest.mark.parametrize("page", ["", "download/"])
def test_it_refuses_contributors_and_viewers(bob_client: Client, charlie_client: Client, page: str) -> None:
    for client in (bob_client, charlie_client):
        assert client.get(PAGE + page).status_code == 403
        assert PAGE not in client.get("/").content.decode()


def test_it_tells_who_did_what_with_before_and_after(alice_client: Client, edited: User) -> None:
    page = text_of(alice_client)
    for told in ("Alice Adams", "Edited", "Bob Brown", "User", "<del>Contributor</del> → <ins>Viewer</ins>"):
        assert told in page
    assert f'href="{PAGE}"' in alice_client.get("/").content.decode()


def test_it_keeps_from_where_a_change_came(alice_client: Client, bob: User, alice: User) -> None:
    alice_client.post(f"/admin/permissions/{bob.pk}/deactivate/", REMOTE_ADDR="192.0.2.7")
    assert AuditEntry.objects.get(action="deactivated").from_address == "192.0.2.7"
    assert "192.0.2.7" in text_of(alice_client)
    assert record("added", bob, by=alice).from_address == ""
    assert "System" in text_of(alice_client)


def test_it_believes_the_proxy_only_where_there_is_one(
    alice_client: Client, bob: User, settings: Settings
) -> None:
    header = {"X-Forwarded-For": "203.0.113.9, 198.51.100.4"}
    alice_client.post(f"/admin/permissions/{bob.pk}/deactivate/", headers=header)
    assert AuditEntry.objects.get(action="deactivated").from_address == "127.0.0.1"
    settings.HTTPS = True
    alice_client.post(f"/admin/permissions/{bob.pk}/activate/", headers=header)
    assert AuditEntry.objects.get(action="activated").from_address == "198.51.100.4"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?who=Alice+Adams", True),
        ("?who=system", False),
        ("?kind=user&action=edited", True),
        ("?action=added", False),
        ("?since=2020-01-01&until=2999-01-01", True),
        ("?since=2999-01-01", False),
        ("?until=2020-01-01", False),
        ("?q=contributor", True),
        ("?q=nowhere", False),
        ("?since=nonsense&who=nobody", True),
        ("?sort=who&page=99", True),
    ],
)
def test_it_filters_searches_and_sorts(
    alice_client: Client, alice: User, edited: User, query: str, found: bool
) -> None:
    record("added", alice, by=None)
    told = "<del>Contributor</del>" in text_of(alice_client, query)
    assert told is found
    assert any(row["field"] == "role" for row in taken(alice_client, query)) is found


def test_it_answers_htmx_with_the_list_alone(alice_client: Client, edited: User) -> None:
    response = alice_client.get(PAGE + "?kind=user", headers={"HX-Request": "true", "HX-Target": "list"})
    assert response.content.decode().strip().startswith('<div id="list"')


def test_it_gives_the_record_as_a_file_and_records_that(alice_client: Client, edited: User) -> None:
    rows = taken(alice_client, "?kind=user")
    assert [(row["who"], row["target"], row["field"], row["before"], row["after"]) for row in rows] == [
        ("Alice Adams", "Bob Brown", "role", "contributor", "viewer")
    ]
    entry = AuditEntry.objects.get(action="downloaded")
    assert (entry.actor_name, entry.changes) == ("Alice Adams", {"filters": [None, {"kind": "user"}]})


def test_it_keeps_formulas_out_of_spreadsheets(alice_client: Client, alice: User) -> None:
    record("edited", alice, by=alice, changes={"full_name": ("=cmd()", "+1")})
    row = next(row for row in taken(alice_client) if row["field"] == "full_name")
    assert (row["before"], row["after"]) == ("'=cmd()", "'+1")


def test_it_shows_hostile_names_as_text(alice_client: Client, alice: User) -> None:
    record("edited", alice, by=alice, changes={"full_name": ("<script>x</script>", None)})
    assert "<script>x" not in text_of(alice_client)


def test_it_costs_the_same_whatever_there_is(alice_client: Client, alice: User) -> None:
    def cost() -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            text_of(alice_client)
        return len(queries)

    record("added", alice, by=alice)
    before = cost()
    for _ in range(20):
        record("edited", alice, by=alice, changes={"role": ("a", "b")})
    assert cost() == before


def attempt(statement: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit_auditentry SET actor_name = 'x'",
        "DELETE FROM audit_auditentry",
        "TRUNCATE audit_auditentry",
    ],
)
def test_the_database_refuses_to_change_the_record(alice: User, change: str) -> None:
    record("added", alice, by=alice)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_auditentry ENABLE TRIGGER audit_is_never_emptied")
    with pytest.raises(IntegrityError, match="append-only"):
        attempt(change)
    assert AuditEntry.objects.count() == 1
