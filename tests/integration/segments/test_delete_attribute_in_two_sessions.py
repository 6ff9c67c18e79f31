"""An attribute is deleted in one session while another one saves rules that name it: only one of them succeeds."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, transaction

from config.platform.accounts.models import User
from segments import actions, attribute_usage
from segments.attribute_usage import AttributeInUse
from segments.models import DataSource, ProfileAttribute, Segment
from segments.rules.tree import InvalidRules
from tests.support.waiting import PATIENCE_SECONDS, a_session_waits_for_a_lock, wait_until

pytestmark = pytest.mark.django_db(transaction=True)

OF_TURKU: dict[str, Any] = {
    "join": "and",
    "rules": [{"join": "or", "rules": [{"attribute": "city", "operator": "is", "value": "Turku"}]}],
}


def save_segment(by: User) -> None:
    actions.create_segment(name="Of Turku", rules_tree=OF_TURKU, by=by, wake_worker=False)


def delete_city(by: User) -> None:
    attribute_usage.delete_attribute(ProfileAttribute.objects.get(name="city").pk, by=by)


def at_once(first: Callable[[User], None], second: Callable[[User], None], by: User) -> None:
    """Let a session do ``first`` and commit it when another one, which does ``second``, waits for it."""
    is_done, may_commit = threading.Event(), threading.Event()

    def begin() -> None:
        with transaction.atomic():
            first(by)
            is_done.set()
            may_commit.wait(PATIENCE_SECONDS)

    def in_session(work: Callable[[], None]) -> None:
        try:
            work()
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        begun: Future[None] = threads.submit(in_session, begin)
        try:
            wait_until(lambda: begun.done() or is_done.is_set())
            other = threads.submit(in_session, lambda: second(by))
            wait_until(lambda: other.done() or a_session_waits_for_a_lock())
        finally:
            may_commit.set()
        begun.result()
        other.result()


def test_an_attribute_that_a_segment_is_being_saved_with_is_not_deleted(shop: DataSource, bob: User) -> None:
    with pytest.raises(AttributeInUse):
        at_once(save_segment, delete_city, bob)
    assert Segment.objects.get().rules == OF_TURKU
    assert ProfileAttribute.objects.filter(name="city").exists()


def test_a_segment_with_an_attribute_that_is_being_deleted_is_not_saved(shop: DataSource, bob: User) -> None:
    with pytest.raises(InvalidRules, match="no attribute “city”"):
        at_once(delete_city, save_segment, bob)
    assert not Segment.objects.exists()
    assert not ProfileAttribute.objects.filter(name="city").exists()
