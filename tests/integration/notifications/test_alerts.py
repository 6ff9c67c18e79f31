"""A condition is told once when a state worsens, and once when it recovers, whatever happens in between."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection as database
from django.db import transaction
from pytest_django import DjangoAssertNumQueries

from config.platform import retention
from config.platform.accounts.models import User
from config.platform.jobs import clock
from config.platform.jobs.models import JobStatus
from config.platform.notifications import alerts, sending
from config.platform.notifications.alerts import Alert, Subject
from config.platform.notifications.models import Condition, Kind, Notification
from tests.integration.notifications.conftest import NEWSLETTER, send_all
from tests.support.mail_server import Hook, Postbox, mail_sent_to, mail_server
from tests.support.workers import free_port

pytestmark = pytest.mark.django_db

WORSE, WELL = "“Newsletter”: Failed (permanent)", "“Newsletter”: resolved"


def test_it_tells_once_when_it_gets_worse_and_once_when_it_is_well_again(alice: User, postbox: Postbox) -> None:
    for attempt in range(3):
        alerts.open_alert(Kind.FAILED, NEWSLETTER, f"Attempt {attempt} failed.")
        send_all()
    alerts.close_alerts([Kind.FAILED], NEWSLETTER)
    alerts.close_alerts([Kind.FAILED], NEWSLETTER)
    send_all()
    assert postbox.told == [("alice@example.com", WORSE), ("alice@example.com", WELL)]
    text = postbox.mails[0].get_content()
    assert "Attempt 0 failed." in text
    assert "http://127.0.0.1:8000/data/runs/7/" in text


def test_it_notifies_again_of_what_comes_back(alice: User, postbox: Postbox) -> None:
    for _time in range(2):
        alerts.open_alert(Kind.FAILED, NEWSLETTER)
        send_all()
        alerts.close_alerts([Kind.FAILED], NEWSLETTER)
        send_all()
    assert [subject for _to, subject in postbox.told] == [WORSE, WELL, WORSE, WELL]


def test_it_says_in_one_mail_that_several_troubles_are_over(alice: User, postbox: Postbox) -> None:
    alerts.open_alert(Kind.FAILED, NEWSLETTER)
    alerts.open_alert(Kind.SKIPPED, NEWSLETTER)
    alerts.close_alerts([Kind.FAILED, Kind.SKIPPED], NEWSLETTER)
    for _look in range(2):
        send_all()
    assert [subject for _to, subject in postbox.told].count(WELL) == 1


def test_it_says_nothing_of_what_never_was(alice: User, postbox: Postbox) -> None:
    alerts.close_alerts([Kind.FAILED], NEWSLETTER)
    send_all()
    assert not postbox.mails


def test_it_tells_nothing_of_what_was_taken_back(alice: User, postbox: Postbox) -> None:
    with transaction.atomic():
        alerts.open_alert(Kind.FAILED, NEWSLETTER)
        transaction.set_rollback(True)
    send_all()
    assert not postbox.mails


def test_administrators_are_told_unless_they_do_not_want_it(
    alice: User, bob: User, charlie: User, postbox: Postbox
) -> None:
    User.objects.create_user("eve", "-", role="administrator", email="eve@example.com")
    User.objects.filter(username="eve").update(hears_of_troubles=False)
    User.objects.filter(pk=bob.pk).update(hears_of_troubles=True)
    alerts.open_alert(Kind.FAILED, NEWSLETTER, also=["desk@example.com", "ALICE@example.com"])
    send_all()
    assert sorted(to for to, _subject in postbox.told) == [
        "alice@example.com",
        "bob@example.com",
        "desk@example.com",
    ]


def test_people_are_told_of_the_kinds_they_chose_and_the_webhook_of_all(
    alice: User, bob: User, postbox: Postbox, hook: Hook
) -> None:
    User.objects.filter(pk=alice.pk).update(unheard_kinds=[Kind.LATE])
    User.objects.filter(pk=bob.pk).update(hears_of_troubles=True, unheard_kinds=[Kind.FAILED])
    alerts.open_alert(Kind.LATE, NEWSLETTER)
    alerts.open_alert(Kind.FAILED, NEWSLETTER)
    send_all()
    assert sorted(to for to, _subject in postbox.told) == ["alice@example.com", "bob@example.com"]
    assert [document["kind"] for document in hook.documents] == ["late", "failed"]


def test_recipients_of_an_export_are_notified_whatever_they_chose(alice: User, postbox: Postbox) -> None:
    User.objects.filter(pk=alice.pk).update(unheard_kinds=[Kind.FAILED])
    alerts.open_alert(Kind.FAILED, NEWSLETTER, also=["alice@example.com"])
    send_all()
    assert [to for to, _subject in postbox.told] == ["alice@example.com"]


def test_who_was_told_is_told_that_it_is_well_whatever_they_chose_since(alice: User, postbox: Postbox) -> None:
    alerts.open_alert(Kind.FAILED, NEWSLETTER)
    User.objects.filter(pk=alice.pk).update(unheard_kinds=[Kind.FAILED])
    alerts.close_alerts([Kind.FAILED], NEWSLETTER)
    send_all()
    assert len(postbox.told) == 2


def test_who_left_is_told_nothing(alice: User, postbox: Postbox) -> None:
    User.objects.filter(pk=alice.pk).update(is_active=False)
    alerts.open_alert(Kind.FAILED, NEWSLETTER)
    send_all()
    assert not postbox.mails


@pytest.mark.django_db(transaction=True)
def test_it_tells_once_however_many_see_it_and_send_it(alice: User, postbox: Postbox) -> None:
    def see_and_send(_: int) -> None:
        try:
            alerts.open_alert(Kind.FAILED, NEWSLETTER)
            send_all()
        finally:
            database.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(see_and_send, range(24)))
    send_all()
    assert postbox.told == [("alice@example.com", WORSE)]


def test_a_mail_server_that_is_down_is_tried_later_and_in_order(alice: User) -> None:
    port = free_port()
    with mail_sent_to(port):
        alerts.open_alert(Kind.FAILED, NEWSLETTER)
        alerts.close_alerts([Kind.FAILED], NEWSLETTER)
        send_all()
    waiting = Notification.objects.get(change="opened")
    assert (waiting.status, waiting.attempt) == (JobStatus.QUEUED, 1)
    assert "refused" in waiting.message
    assert waiting.not_before > clock.now() + timedelta(seconds=20)
    with mail_server(port) as postbox:
        send_all()
        assert not postbox.mails
        Notification.objects.update(not_before=clock.now())
        send_all()
        assert [subject for _to, subject in postbox.told] == [WORSE, WELL]


def test_it_waits_longer_each_time_and_gives_up_after_days(alice: User) -> None:
    with mail_sent_to(free_port()):
        alerts.open_alert(Kind.FAILED, NEWSLETTER)
        waits = []
        for _time in range(3):
            send_all()
            waits.append(round((Notification.objects.get().not_before - clock.now()).total_seconds()))
            Notification.objects.update(not_before=clock.now())
        assert waits == [30, 60, 120]
        Notification.objects.update(created_at=clock.now() - sending.GIVEN_UP_AFTER - timedelta(minutes=1))
        send_all()
    assert Notification.objects.get().status == JobStatus.FAILED


def test_a_refused_recipient_is_given_up_at_once(alice: User, postbox: Postbox) -> None:
    postbox.refused.add("alice@example.com")
    alerts.open_alert(Kind.FAILED, NEWSLETTER, also=["desk@example.com"])
    send_all()
    given_up = Notification.objects.get(status=JobStatus.FAILED)
    assert (given_up.recipient, given_up.attempt) == ("alice@example.com", 1)
    assert [to for to, _subject in postbox.told] == ["desk@example.com"]


def test_a_sender_that_died_is_followed_by_another(alice: User, postbox: Postbox) -> None:
    alerts.open_alert(Kind.FAILED, NEWSLETTER)
    Notification.objects.update(attempt=1, lease_until=clock.now() - timedelta(seconds=1))
    send_all()
    assert len(postbox.mails) == 1
    assert str(postbox.mails[0]["Message-ID"]).startswith("<notification-")


def test_what_is_gone_is_not_said_to_be_well(alice: User, postbox: Postbox) -> None:
    alerts.open_alert(Kind.FAILED, NEWSLETTER)
    send_all()
    alerts.forget(NEWSLETTER)
    alerts.close_alerts([Kind.FAILED], NEWSLETTER)
    send_all()
    assert [subject for _to, subject in postbox.told] == [WORSE]


def test_a_look_opens_and_closes_what_it_finds(
    alice: User, postbox: Postbox, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    accounts = [Subject("connection", str(number), f"Account {number}") for number in range(3)]
    troubles = [Alert(Kind.RECONNECT, account, "Refused.") for account in accounts]
    alerts.reconcile([Kind.RECONNECT], "connection", troubles, existing={"0", "1", "2"})
    with django_assert_num_queries(1):
        alerts.reconcile([Kind.RECONNECT], "connection", troubles, existing={"0", "1", "2"})
    alerts.reconcile([Kind.RECONNECT], "connection", troubles[:1], existing={"0", "1"})
    for _look in range(2):
        send_all()
    assert Condition.objects.get(closed_at=None).subject_key == "0"
    well_again = [subject for _to, subject in postbox.told if "resolved" in subject]
    assert well_again == ["“Account 1”: resolved"]


def test_the_webhook_is_told_too(alice: User, hook: Hook) -> None:
    alerts.open_alert(Kind.FAILED, NEWSLETTER, "No segment is chosen.")
    alerts.close_alerts([Kind.FAILED], NEWSLETTER)
    for _look in range(2):
        send_all()
    assert [document["event"] for document in hook.documents] == ["opened", "closed"]
    assert hook.documents[0]["subject"]["url"] == "http://127.0.0.1:8000/data/runs/7/"
    assert hook.documents[0]["sentence"] == "No segment is chosen."


def test_it_forgets_what_was_told_long_ago(alice: User, postbox: Postbox) -> None:
    alerts.open_alert(Kind.FAILED, NEWSLETTER)
    send_all()
    long_ago = retention.NOTIFICATIONS.cutoff() - timedelta(days=1)
    Condition.objects.update(opened_at=long_ago)
    sending.forget_old()
    assert Condition.objects.count() == 1  # it lasts
    Condition.objects.update(closed_at=long_ago)
    sending.forget_old()
    assert not Notification.objects.exists()
