"""Alerts about runs are in the language of their reader, in mails and on the page of notifications."""

import pytest
from django.core import mail as outbox
from django.test import Client
from django.utils.translation import override
from pytest_django import DjangoAssertNumQueries, Settings

from config.platform.accounts.models import User
from config.platform.jobs.models import JobStatus
from config.platform.notifications import hooks, mail
from config.platform.notifications.models import Condition, Notification
from exports.models import Export
from exports.state.status import Reason
from tests.integration.exports.test_run_alerts import ended

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _by_mail(settings: Settings) -> None:
    settings.MAIL_CONFIGURED = True


def mail_to(user: User) -> str:
    """Send the last notification for a user and return the text of the mail."""
    mail.send_notification(Notification.objects.filter(recipient=user.email).latest("pk"))
    return str(outbox.outbox[-1].body)


def test_a_mail_says_in_the_language_of_its_reader_what_was_rejected(board: Export, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(language="fi")
    ended(board, JobStatus.WARNINGS, planned=100, members=100, delivered=94, rejected=6)
    text = mail_to(alice)
    assert "6/100" in text or "6 " in text
    assert "contacts were rejected" not in text
    assert "Members" not in text
    assert Condition.objects.get().sentence.startswith("6 of 100 contacts were rejected.")


def test_a_mail_says_in_the_language_of_its_reader_why_a_run_failed(board: Export, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(language="pl")
    ended(board, JobStatus.FAILED, Reason.NO_SEGMENTS)
    text = mail_to(alice)
    stored = Condition.objects.get().sentence
    assert stored
    assert stored.split(".")[0] not in text


def test_the_page_of_notifications_says_it_in_the_language_of_its_reader(
    board: Export, alice: User, alice_client: Client
) -> None:
    ended(board, JobStatus.FAILED, Reason.NO_SEGMENTS)
    stored = Condition.objects.get().sentence
    page = alice_client.get("/admin/system/notifications/", headers={"Accept-Language": "id"}).content.decode()
    assert stored.split(".")[0] not in page


def test_a_condition_keeps_its_stored_sentence_when_its_run_is_gone_or_another_one(board: Export) -> None:
    run = ended(board, JobStatus.FAILED, Reason.NO_SEGMENTS)
    condition = Condition.objects.get()
    with override("fi"):
        assert hooks.sentences_of([condition])[condition.pk] != condition.sentence
        for path in ("", "/nothing/", f"/data/exports/{board.pk}/runs/", f"/data/runs/{run.pk + 1}/"):
            condition.path = path
            assert hooks.sentences_of([condition])[condition.pk] == condition.sentence


def test_many_conditions_are_said_with_one_query(
    board: Export, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    ended(board, JobStatus.FAILED, Reason.NO_SEGMENTS)
    ended(board, JobStatus.WARNINGS, planned=100, members=100, delivered=94, rejected=6, removals_held=3)
    conditions = list(Condition.objects.filter(closed_at=None))
    assert len(conditions) == 2
    with override("fi"), django_assert_num_queries(1):
        hooks.sentences_of(conditions)
