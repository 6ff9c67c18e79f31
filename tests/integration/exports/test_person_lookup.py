"""Looking a person up by address."""

import re
from dataclasses import replace

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from config.platform.accounts.models import User
from exports.models import Export, Refused
from exports.reporting import person
from exports.reporting.person import ContactStatus
from tests.integration.exports.conftest import run_to_its_end
from tests.support.profiles import get_profile
from tests.support.sandbox import RunningSandbox

URL = "/data/exports/person/"


def looked_up(client: Client, email: str) -> str:
    answer = client.post(URL, {"email": email})
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


def asked(client: Client, export: Export, email: str) -> str:
    answer = client.post(f"/data/exports/{export.pk}/person/", {"email": email})
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.fixture
def ended(newsletter: Export, account: RunningSandbox) -> Export:
    """Ann is delivered, Ben has unsubscribed, Cid is rejected."""
    account.import_people([{"EmailAddress": "ben@example.com"}])
    account.set_state(["ben@example.com"], "Unsubscribed")
    account.faults({"rules": [{"kind": "refuse_emails", "emails": ["cid@example.com"], "code": 1}]})
    run_to_its_end(newsletter)
    account.clear_faults()
    return newsletter


def test_it_tells_segments_the_run_the_answer_and_what_was_sent(bob_client: Client, ended: Export) -> None:
    shown = looked_up(bob_client, " ANN@example.com ")
    for words in (
        "ann@example.com",
        "Everyone",
        "Newsletter",
        "run 1",
        "Accepted.",
        "EmailAddress",
        "Loading status",
    ):
        assert words in shown, words
    assert "has unsubscribed" in looked_up(bob_client, "ben@example.com")
    assert "does not accept this email" in looked_up(bob_client, "cid@example.com")


@pytest.mark.parametrize(
    ("email", "standing"),
    [("ann", ContactStatus.DELIVERED), ("ben", ContactStatus.SUPPRESSED), ("cid", ContactStatus.REJECTED)],
)
def test_it_knows_how_an_export_stands_to_them(
    ended: Export, bob: User, email: str, standing: ContactStatus
) -> None:
    assert [each.status for each in person.look_up(f"{email}@example.com", by=bob).exports] == [standing]


def test_it_asks_the_list_how_they_stand_there_now(bob_client: Client, ended: Export) -> None:
    assert "Active" in asked(bob_client, ended, "ann@example.com")
    assert "Unsubscribed" in asked(bob_client, ended, "ben@example.com")
    assert "Not on the list" in asked(bob_client, ended, "cid@example.com")


def test_no_list_is_asked_about_a_person_that_was_not_sent(
    bob_client: Client, newsletter: Export, account: RunningSandbox
) -> None:
    account.clear_requests()
    assert "Not available" in looked_up(bob_client, "ann@example.com")
    assert "Active" not in asked(bob_client, newsletter, "ann@example.com")
    assert account.requests()["totals"]["calls"] == 0


def test_a_customers_page_leads_to_it(bob_client: Client, charlie_client: Client, ended: Export) -> None:
    url = f"/customers/{get_profile(email='ben@example.com').id}/"
    shown = bob_client.get(url).content.decode()
    assert 'action="/data/exports/person/"' in shown
    assert 'name="email" value="ben@example.com"' in shown
    assert URL not in charlie_client.get(url).content.decode()


def test_an_unknown_address_is_found_nowhere(bob_client: Client, ended: Export) -> None:
    shown = looked_up(bob_client, "zed@example.com")
    assert "No customer profile uses this email" in shown
    assert "No export sends or has sent this email" in shown


def test_it_is_for_those_who_may_see_people(charlie_client: Client, ended: Export) -> None:
    assert charlie_client.get(URL).status_code == 403
    assert charlie_client.post(URL, {"email": "ann@example.com"}).status_code == 403
    assert "Find a contact" not in charlie_client.get("/data/exports/").content.decode()


def test_it_asks_nothing_over_a_connection_that_is_not_shared(
    bob_client: Client, board: Export, bob: User
) -> None:
    known = board.delivered_sets.create(account=board.connection.account, list_id=board.list_id)  # type: ignore[union-attr]
    row = {"email": "ann@example.com", "data_hash": "00000000-0000-0000-0000-000000000000", "last_run_id": 0}
    Refused.objects.create(delivered_set=known, **row)
    assert [each.may_ask for each in person.look_up("ann@example.com", by=bob).exports] == [False]
    answer = bob_client.post(f"/data/exports/{board.pk}/person/", {"email": "ann@example.com"})
    assert answer.status_code == 403


def test_it_costs_the_same_however_many_exports(ended: Export, board: Export, bob: User) -> None:
    def cost() -> int:
        with CaptureQueriesContext(database) as queries:
            person.look_up("ann@example.com", by=bob)
        return len(queries)

    before = cost()
    for number in range(3):
        copy = Export.objects.get(pk=board.pk)
        copy.pk, copy.name = None, f"Copy {number}"
        copy.save()
        copy.segments.set(board.segments.all())
    assert cost() == before


def test_a_customer_whose_email_is_no_address_is_found_with_the_reason(bob_client: Client, ended: Export) -> None:
    shown = looked_up(bob_client, " No-At-Sign ")
    profile = get_profile(email="no-at-sign")
    assert f"/customers/{profile.id}/" in shown
    assert "No customer profile uses this email" not in shown
    assert "Excluded" in shown
    assert "run 1</a>: The email address is not valid." in shown
    assert "this export has not sent the contact" in shown
    assert "Excluded" not in looked_up(bob_client, "ann@example.com")


@pytest.mark.parametrize(
    ("email", "reason"),
    [("no-at-sign", "The email address is not valid."), (None, "The profile has no email.")],
)
def test_a_customers_page_tells_which_run_excluded_them(
    bob_client: Client, charlie_client: Client, ended: Export, email: str | None, reason: str
) -> None:
    profile = get_profile(first_name="Dee" if email else "Eve")
    for client in (bob_client, charlie_client):
        shown = re.sub(r"\s+", " ", client.get(f"/customers/{profile.id}/").content.decode())
        assert "Excluded by exports" in shown
        assert f"run 1</a>: {reason}" in shown
    ben = get_profile(email="ben@example.com")
    assert "Excluded by exports" not in bob_client.get(f"/customers/{ben.id}/").content.decode()


def test_a_destination_without_status_is_named_as_the_reason(
    bob_client: Client, ended: Export, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ended.connection is not None
    destination = ended.connection.destination
    without = replace(destination.capabilities, reads_people=False)
    monkeypatch.setattr(type(destination), "capabilities", without)
    assert "this destination keeps no status of contacts" in looked_up(bob_client, "ann@example.com")
