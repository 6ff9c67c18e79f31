"""Admin > System > Notifications, and the test that one sends oneself."""

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from config.platform.accounts.models import User
from config.platform.audit.models import AuditEntry
from config.platform.notifications import alerts
from config.platform.notifications.alerts import Subject
from config.platform.notifications.models import Condition, Kind, Notification
from tests.integration.notifications.conftest import NEWSLETTER, send_all
from tests.support.mail_server import Hook, Postbox

PAGE = "/admin/system/notifications/"
MINE = f"{PAGE}mine/"


def test_it_says_where_they_go(alice_client: Client) -> None:
    page = alice_client.get(PAGE).content.decode()
    assert "no mail server configured (EMAIL_URL)" in page
    assert "no address configured (WEBHOOK_URL)" in page
    assert "No notifications sent yet" in page


def test_it_shows_what_lasts_and_what_was_sent(alice_client: Client, postbox: Postbox, hook: Hook) -> None:
    postbox.refused.add("alice@example.com")
    alerts.open_alert(Kind.FAILED, NEWSLETTER, "No segment is chosen.")
    send_all()
    page = alice_client.get(PAGE).content.decode()
    assert "No segment is chosen." in page
    assert 'href="/data/runs/7/"' in page
    assert "No such person here" in page
    assert "127.0.0.1" in page
    assert "Sent</span>" in page


def test_it_sends_a_test_to_oneself_and_the_webhook(
    alice_client: Client, alice: User, bob: User, postbox: Postbox, hook: Hook
) -> None:
    User.objects.filter(pk=bob.pk).update(hears_of_troubles=True)
    for _time in range(2):
        assert alice_client.post(f"{PAGE}test/").status_code == 302
    send_all()
    assert [to for to, _subject in postbox.told] == ["alice@example.com"] * 2
    assert hook.documents[0]["kind"] == "test"
    assert not Condition.objects.filter(closed_at=None).exists()
    assert AuditEntry.objects.filter(action="test_sent").count() == 2


def test_it_says_so_when_there_is_nowhere_to_send_it(alice_client: Client) -> None:
    alice_client.post(f"{PAGE}test/")
    assert "No delivery channel" in alice_client.get(PAGE).content.decode()


def test_everybody_chooses_of_what_they_are_told(charlie_client: Client, charlie: User) -> None:
    pane = charlie_client.get(MINE).content.decode()
    assert pane.count('name="kinds"') == pane.count("checked") == 13
    answer = charlie_client.post(MINE, {"hears_of_troubles": "on", "kinds": ["failed", "reconnect"]})
    assert answer["Location"] == "/admin/system/general/"
    charlie.refresh_from_db()
    assert charlie.hears_of_troubles
    assert "failed" not in charlie.unheard_kinds
    assert len(charlie.unheard_kinds) == 11
    assert charlie_client.get(MINE).content.decode().count("checked") == 3
    entry = AuditEntry.objects.get(action="edited")
    assert entry.changes["unheard_kinds"] == [[], charlie.unheard_kinds]


def test_the_page_says_who_is_told_of_less_than_everything(alice_client: Client, alice: User) -> None:
    answer = alice_client.post(MINE, {"hears_of_troubles": "on", "kinds": ["failed"]})
    assert answer["Location"] == PAGE
    assert "(1 of 13 notifications)" in alice_client.get(PAGE).content.decode()


def test_it_refuses_a_kind_that_is_none(charlie_client: Client, charlie: User) -> None:
    assert charlie_client.post(MINE, {"kinds": ["everything"]}).status_code == 422
    charlie.refresh_from_db()
    assert charlie.unheard_kinds == []


@pytest.mark.parametrize("path", ["", "test/"])
def test_it_is_for_administrators(bob_client: Client, path: str) -> None:
    method = bob_client.post if path else bob_client.get
    assert method(PAGE + path).status_code == 403


def test_it_costs_the_same_however_much_there_is(
    alice_client: Client, alice: User, hook: Hook, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(30):
        alerts.open_alert(Kind.FAILED, Subject("export", str(number), f"Export {number}"))
    assert Notification.objects.count() == 30
    with django_assert_max_num_queries(12):
        alice_client.get(PAGE)
