"""“Limits” in the pane of a connection."""

import re
from typing import Any

import pytest
from django.test import Client

from config.platform.accounts.models import User
from config.platform.audit.models import AuditEntry
from connections.models import Connection, Limits
from tests.support import exports
from tests.support.connections import make_connection
from tests.support.profiles import create_profiles
from tests.support.sandbox import RunningSandbox


@pytest.fixture
def connection(alice: User) -> Connection:
    create_profiles([{"email": "a@example.com", "phone": "1", "newsletter": True}])
    return make_connection(alice)


def url(connection: Connection) -> str:
    return f"/admin/connections/{connection.pk}/"


def save(client: Client, connection: Connection, **limits: Any) -> int:
    data = {"name": connection.name, "version": str(connection.version), "limits-shown": "yes"}
    data |= {f"limits-{name}": value for name, value in limits.items()}
    return client.post(url(connection), data).status_code


def test_it_offers_what_people_have(alice_client: Client, connection: Connection) -> None:
    html = alice_client.get(url(connection)).content.decode()
    assert html.count('value="phone"') == 2
    assert '<option value="newsletter"' in html
    assert '<option value="phone"' not in html


def test_it_keeps_them_and_records_them(alice_client: Client, connection: Connection) -> None:
    status = save(
        alice_client,
        connection,
        lists=["a" * 32, "b" * 32],
        withheld=["phone"],
        only_allowed="on",
        allowed=["email"],
        required_attribute="newsletter",
        most_people="1000",
        may_resubscribe="on",
    )
    assert status == 302
    connection.refresh_from_db()
    assert connection.limited == Limits(
        lists=("a" * 32, "b" * 32),
        withheld=("phone",),
        allowed=("email",),
        required_attribute="newsletter",
        most_people=1000,
        may_remove=False,
        may_resubscribe=True,
    )
    assert AuditEntry.objects.get(action="connection.limits_changed").changes["most_people"] == [None, 1000]
    html = alice_client.get(url(connection)).content.decode()
    assert "a" * 32 in html
    assert '<details class="limits" open>' in html


def test_a_request_that_does_not_speak_of_them_changes_nothing(
    alice_client: Client, connection: Connection
) -> None:
    save(alice_client, connection, most_people="1000", may_remove="on")
    connection.refresh_from_db()
    alice_client.post(url(connection), {"name": "Renamed", "version": str(connection.version)})
    connection.refresh_from_db()
    assert (connection.name, connection.limited.most_people) == ("Renamed", 1000)


def test_an_administrator_says_how_many_calls_may_be_out_at_the_same_time(
    alice_client: Client, connection: Connection
) -> None:
    save(alice_client, connection, max_in_flight="12")
    connection.refresh_from_db()
    assert connection.max_in_flight == 12
    entry = AuditEntry.objects.get(action="connection.limits_changed", changes__has_key="max_in_flight")
    assert entry.changes == {"max_in_flight": [4, 12]}
    assert 'name="limits-max_in_flight" value="12"' in alice_client.get(url(connection)).content.decode()
    save(alice_client, connection)
    connection.refresh_from_db()
    assert connection.max_in_flight == 12


@pytest.mark.parametrize(
    "wrong",
    [
        {"most_people": "0"},
        {"most_people": "many"},
        {"max_in_flight": "17"},
        {"only_allowed": "on"},
        {"lists": "x" * 65},
        {"withheld": ["?"]},
    ],
)
def test_it_says_what_is_wrong(alice_client: Client, connection: Connection, wrong: dict[str, Any]) -> None:
    assert save(alice_client, connection, **wrong) == 422
    connection.refresh_from_db()
    assert connection.limited == Limits()


@pytest.mark.parametrize("who", ["bob_client", "charlie_client"])
def test_other_roles_cannot_change_them(request: pytest.FixtureRequest, who: str, connection: Connection) -> None:
    assert save(request.getfixturevalue(who), connection, most_people="1") == 403
    connection.refresh_from_db()
    assert connection.limited == Limits()


# -- lists of the account ----------------------------------------------------------------------------------------


@pytest.fixture
def real(alice: User, sandbox_offered: RunningSandbox) -> Connection:
    """A connection to an account that answers."""
    return exports.sandbox_connection(by=alice)


def step(client: Client, connection: Connection, step: str, **limits: Any) -> str:
    data = {"name": connection.name, "version": "1", "limits-shown": "yes", "step": step}
    data |= {f"limits-{name}": value for name, value in limits.items()}
    return client.post(url(connection), data, headers={"HX-Request": "true"}).content.decode()


def ticked(html: str) -> list[str]:
    return re.findall(r'name="limits-lists" value="([^"]*)" checked', html)


def test_the_lists_of_the_account_are_there_to_choose(
    alice_client: Client, real: Connection, sandbox_offered: RunningSandbox
) -> None:
    assert (
        "limits-lists" not in alice_client.get(url(real)).content.decode()
    )  # no account is asked before it is opened
    html = step(alice_client, real, "lists")
    assert f'value="{sandbox_offered.list_id}"' in html
    assert "Newsletter" in html
    assert ticked(html) == []
    assert ticked(step(alice_client, real, "lists", lists=[sandbox_offered.list_id])) == [sandbox_offered.list_id]


def test_a_list_is_added_by_its_id(
    alice_client: Client, real: Connection, sandbox_offered: RunningSandbox
) -> None:
    html = step(alice_client, real, "add_list", lists=["c" * 32], list_ids=f" {sandbox_offered.list_id} ")
    assert set(ticked(html)) == {sandbox_offered.list_id, "c" * 32}
    assert 'name="limits-list_ids" value=""' in html


def test_an_id_that_the_account_does_not_know_is_said_beside_it(alice_client: Client, real: Connection) -> None:
    html = step(alice_client, real, "add_list", list_ids="d" * 32)
    assert "field--wrong" in html
    assert f'value="{"d" * 32}"' in html
    assert ticked(html) == []


def test_an_id_that_was_only_typed_is_looked_up_when_it_is_saved(
    alice_client: Client, real: Connection, sandbox_offered: RunningSandbox
) -> None:
    assert save(alice_client, real, list_ids="d" * 32) == 422
    assert save(alice_client, real, list_ids=sandbox_offered.list_id) == 302
    real.refresh_from_db()
    assert real.limited.lists == (sandbox_offered.list_id,)


def test_without_an_account_there_is_nothing_to_choose_yet(alice_client: Client, alice: User) -> None:
    connection = make_connection(alice, connected=False)
    assert "The lists appear after you connect the account" in step(alice_client, connection, "lists")


def test_the_pane_says_what_limits_do_not_guard_against(alice_client: Client, connection: Connection) -> None:
    page = alice_client.get(f"/admin/connections/{connection.pk}/").content.decode()
    assert "They do not stop users who import data" in page
