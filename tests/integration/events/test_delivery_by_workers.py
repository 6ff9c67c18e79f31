"""Deliveries by real workers: killed between the call and the commit, and two at once."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_django import Settings

from config.platform.accounts.models import User
from config.platform.events import rounds
from config.platform.events.models import Delivery, Webhook
from config.platform.jobs.models import JobStatus
from tests.integration.events.conftest import happen, webhook_to
from tests.support.event_receiver import Receiver, event_receiver
from tests.support.workers import worker_processes

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]

ENVIRONMENT = {"EVENT_WEBHOOK_HOSTS": "127.0.0.0/8"}


def wait_for(condition: Callable[[], bool], seconds: float = 40) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)


def delivered() -> int:
    return Delivery.objects.filter(status=JobStatus.SUCCESSFUL).count()


def test_a_worker_that_is_killed_during_a_call_loses_no_event(
    webhook: Webhook, receiver: Receiver, tmp_path: Path, settings: Settings
) -> None:
    settings.LEASE_SECONDS = 6
    with worker_processes(tmp_path, env=ENVIRONMENT) as workers:
        receiver.seconds = 2.0
        happen()
        wait_for(lambda: len(receiver.posts) == 1)
        workers.kill("jobs")  # the receiver has the event, and no row says so
        receiver.seconds = 0.0
        workers.start("jobs")
        wait_for(lambda: delivered() == 1)
    assert len(receiver.ids) == 2
    assert len(set(receiver.ids)) == 1


def test_two_workers_send_each_event_once(
    webhook: Webhook, receiver: Receiver, tmp_path: Path, alice: User
) -> None:
    with event_receiver() as slow:
        slow.seconds = 3.0
        webhook_to(slow.url, by=alice)
        with worker_processes(tmp_path, env=ENVIRONMENT, twice={"jobs": {}}):
            for number in range(100):
                happen(number)
            wait_for(lambda: len(receiver.posts) >= 100)
            wait_for(lambda: Delivery.objects.filter(webhook=webhook, status=JobStatus.SUCCESSFUL).count() == 100)
        assert slow.most_at_once <= rounds.MOST_OF_A_WEBHOOK
    assert len(receiver.ids) == len(set(receiver.ids)) == 100
    assert receiver.most_at_once <= rounds.MOST_OF_A_WEBHOOK
