"""Lists on which subscribers and exports act at random: after each comparison the list state is as the list, and
no contact who left a list is sent. ``SEED=… SCENARIOS=1`` plays one life again."""

import os
import random

import pytest
from pytest_django import Settings

from segments.models import Segment
from tests.scenarios.list_life import ListLife
from tests.support import exports
from tests.support.members import crowd_of
from tests.support.sandbox import RunningSandbox, sandbox, sandbox_process

__all__ = ["sandbox", "sandbox_process"]

pytestmark = pytest.mark.django_db(transaction=True)

EMAILS = [f"p{number}@example.com" for number in range(6)]
STEPS = int(os.environ.get("STEPS", "20"))
SEED = int(os.environ.get("SEED", "0")) or random.randrange(10**6)


def live(sandbox: RunningSandbox, settings: Settings, seed: int) -> None:
    settings.CAMPAIGN_MONITOR_SANDBOX_URL = sandbox.url
    settings.LIST_WEBHOOK_URL = "http://127.0.0.1:9"
    segment: Segment = crowd_of(EMAILS)
    list_id = sandbox.create_list("Life", scope="OnlyThisList")
    mapping = [{"attribute": "first_name", "field": "name"}]
    export = exports.export_to(
        sandbox, exports.sandbox_connection(sandbox), segment, list_id=list_id, mapping=mapping
    )
    life = ListLife(seed, sandbox, export, EMAILS)
    try:
        life.live(STEPS)
    except AssertionError as error:
        raise AssertionError(f"SEED={seed}: {error}, after {life.steps}") from error


@pytest.mark.parametrize("number", range(3))
def test_nobody_who_left_a_list_is_sent(sandbox: RunningSandbox, settings: Settings, number: int) -> None:
    live(sandbox, settings, SEED + number)


@pytest.mark.drill
@pytest.mark.parametrize("number", range(int(os.environ.get("SCENARIOS", "500"))))
def test_nobody_who_left_a_list_is_sent_in_many_lives(
    sandbox: RunningSandbox, settings: Settings, number: int
) -> None:
    live(sandbox, settings, SEED + 1_000 + number)
