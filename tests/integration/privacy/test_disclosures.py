"""Disclosures are kept after runs end, and known before."""

from datetime import timedelta

import pytest
from pytest_django import Settings

from config.platform.accounts.models import User
from config.platform.jobs import clock
from exports import tasks
from exports.actions import manage
from exports.models import Disclosure, Export, Run
from exports.privacy import disclosures
from exports.scheduler import retention
from segments import hooks
from segments.privacy import erase, subject_access, subjects
from segments.privacy.subjects import Scope
from tests.integration.exports.test_run_pipeline import run_to_its_end, small_batches
from tests.integration.privacy.conftest import EMAIL
from tests.support.profiles import Profile, product_profile

pytestmark = pytest.mark.django_db(transaction=True)


def is_disclosed(email: str) -> bool:
    return Disclosure.objects.filter(person=subjects.hash_of_email(email)).exists()


def test_a_run_that_has_ended_is_settled_at_the_next_tick(
    export: Export, zofia: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_to_its_end(export)
    assert disclosures.unsettled() == [run.pk]
    monkeypatch.setattr(tasks, "enqueue", lambda _task, run_id: tasks.settle_disclosures(run_id))
    tasks.enqueue_pending()
    assert Disclosure.objects.count() == run.delivered == 3
    assert disclosures.unsettled() == []


def test_until_then_its_batches_tell(export: Export, zofia: Profile) -> None:
    run_to_its_end(export)
    assert not Disclosure.objects.exists()
    (place,) = hooks.personal_data.lists(subject_access.find_subject(product_profile(zofia), scope=Scope.ADDRESS))
    assert place.title == "Newsletter"
    assert place.first_at is not None


def test_a_run_that_sent_nothing_needs_no_settling(export: Export, zofia: Profile) -> None:
    disclosures.settle(run_to_its_end(export).pk)
    run = run_to_its_end(export)
    assert run.reason == "nothing_changed"
    assert disclosures.unsettled() == []


def test_it_continues_where_it_stopped(export: Export, zofia: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    small_batches(monkeypatch, 1)
    monkeypatch.setattr(disclosures, "_BATCHES_A_STEP", 1)
    run = run_to_its_end(export)
    assert disclosures._settle_some(run.pk, wait=False)
    assert Disclosure.objects.count() == 1
    first = Disclosure.objects.get()
    disclosures.settle(run.pk)
    assert Disclosure.objects.count() == 3
    assert Disclosure.objects.get(person=first.person).last_at == first.last_at


def test_it_outlives_an_export_that_is_removed_at_once(export: Export, zofia: Profile, alice: User) -> None:
    run_to_its_end(export)
    manage.remove(export, by=alice)
    assert is_disclosed(EMAIL)
    assert is_disclosed("ann@example.com")


def test_it_outlives_batches_that_are_emptied(export: Export, zofia: Profile, settings: Settings) -> None:
    run = run_to_its_end(export)
    long_ago = clock.now() - timedelta(days=settings.BATCH_RETENTION_DAYS + 1)
    Run.objects.filter(pk=run.pk).update(finished_at=long_ago)
    retention.forget_for_a_while()
    assert not run.batches.exclude(emails=[]).exists()
    assert is_disclosed("ann@example.com")


def test_an_erasure_moves_no_time_of_what_is_kept_already(export: Export, zofia: Profile, alice: User) -> None:
    disclosures.settle(run_to_its_end(export).pk)
    before = Disclosure.objects.get(person=subjects.hash_of_email(EMAIL))
    erase.erase(product_profile(zofia), scope=Scope.ADDRESS, by=alice)
    assert Disclosure.objects.get(person=subjects.hash_of_email(EMAIL)).last_at == before.last_at
