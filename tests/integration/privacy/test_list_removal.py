"""Remove an erased person from lists: retried while that may help, failed when it cannot."""

from datetime import timedelta

import pytest
from pytest_django import Settings

from config.platform.accounts.models import User
from config.platform.jobs import clock
from config.platform.jobs.models import JobStatus
from connections.models import Connection
from exports.models import Export, PersonRemoval
from exports.privacy import list_removal
from segments import hooks
from segments.privacy import erase, subject_access
from segments.privacy.subjects import Scope
from tests.integration.privacy.conftest import EMAIL, run_to_its_end
from tests.support.database_search import tables_with
from tests.support.profiles import Profile, product_profile
from tests.support.retries import shorten_waits
from tests.support.sandbox import RunningSandbox

CLOSED_PORT = "http://127.0.0.1:9"

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def removal(export: Export, zofia: Profile, alice: User, monkeypatch: pytest.MonkeyPatch) -> PersonRemoval:
    shorten_waits(monkeypatch, 0.0)
    run_to_its_end(export)
    lists = hooks.personal_data.lists(subject_access.find_subject(product_profile(zofia), scope=Scope.ADDRESS))
    erase.erase(product_profile(zofia), scope=Scope.ADDRESS, lists=[each.key for each in lists], by=alice)
    return PersonRemoval.objects.get()


def carry_on(removal: PersonRemoval) -> PersonRemoval:
    list_removal.remove_from_list(removal.pk)
    removal.refresh_from_db()
    return removal


def test_it_removes_the_person_from_the_list_and_forgets_the_address(
    removal: PersonRemoval, account: RunningSandbox
) -> None:
    assert removal.email is not None
    assert not tables_with(EMAIL)
    assert carry_on(removal).status == JobStatus.SUCCESSFUL
    assert removal.email is None
    assert account.counts()["Deleted"] == 1


def test_it_is_content_when_the_list_does_not_hold_them(removal: PersonRemoval, account: RunningSandbox) -> None:
    account.reset()
    assert carry_on(removal).status == JobStatus.SUCCESSFUL
    assert "no longer on the list" in removal.message


def test_it_tries_again_while_the_service_is_away(
    removal: PersonRemoval, account: RunningSandbox, settings: Settings
) -> None:
    settings.CAMPAIGN_MONITOR_SANDBOX_URL = CLOSED_PORT
    assert carry_on(removal).status == JobStatus.QUEUED
    assert removal.tries == 1
    assert "cannot be reached" in removal.message
    settings.CAMPAIGN_MONITOR_SANDBOX_URL = account.url
    PersonRemoval.objects.update(due_at=None)
    assert carry_on(removal).status == JobStatus.SUCCESSFUL


def test_it_gives_up_after_a_week_and_says_what_to_do(removal: PersonRemoval, settings: Settings) -> None:
    PersonRemoval.objects.update(created_at=clock.now() - timedelta(days=8))
    settings.CAMPAIGN_MONITOR_SANDBOX_URL = CLOSED_PORT
    assert carry_on(removal).status == JobStatus.FAILED
    assert "manually" in removal.message
    assert removal.email is None


def test_it_cannot_without_a_connection(removal: PersonRemoval) -> None:
    Export.objects.all().delete()
    Connection.objects.all().delete()
    assert carry_on(removal).status == JobStatus.FAILED
    assert "The connection was removed." in removal.message


def test_two_workers_make_one_call(removal: PersonRemoval) -> None:
    carry_on(removal)
    list_removal.remove_from_list(removal.pk)
    removal.refresh_from_db()
    assert removal.attempt == 1


def test_a_removal_that_was_taken_over_is_tried_once_more_after_the_other_call_is_over(
    removal: PersonRemoval, account: RunningSandbox
) -> None:
    frozen_worker = {"attempt": 1, "lease_until": clock.now() - timedelta(hours=1), "status": JobStatus.PROCESSING}
    PersonRemoval.objects.filter(pk=removal.pk).update(**frozen_worker)
    carry_on(removal)
    assert account.counts()["Deleted"] == 1
    assert removal.finished_at is None
    assert removal.email is not None
    assert removal.due_at is not None
    assert removal.due_at > clock.now()
    PersonRemoval.objects.filter(pk=removal.pk).update(due_at=None)
    assert carry_on(removal).status == JobStatus.SUCCESSFUL
    assert removal.email is None
