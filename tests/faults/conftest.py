"""Share one sandbox and one set of processes between all fault tests; killed ones are restarted for the next
test."""

import random
from collections.abc import Iterator

import pytest
from django.db import connection as database
from django.test import override_settings
from pytest_django import DjangoDbBlocker

from tests.faults import ground as grounds
from tests.faults.ground import Ground
from tests.support.sandbox import RunningSandbox, running_sandbox
from tests.support.workers import Workers, worker_processes

LEASE_SECONDS = 2
READ_SECONDS = 2


@pytest.fixture(scope="package")
def own_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    """A sandbox that may be killed."""
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as sandbox:
        yield sandbox


@pytest.fixture(scope="package")
def told(own_sandbox: RunningSandbox) -> Iterator[None]:
    """Settings, for this process and all others: who is silent for two seconds is given up for dead."""
    told = {
        "CAMPAIGN_MONITOR_SANDBOX_URL": own_sandbox.url,
        "CAMPAIGN_MONITOR_READ_SECONDS": READ_SECONDS,
        "LEASE_SECONDS": LEASE_SECONDS,
    }
    with override_settings(**told):
        yield


@pytest.fixture(scope="package")
def workers(
    told: None,
    tmp_path_factory: pytest.TempPathFactory,
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[Workers]:
    """The workers and the clock that ticks."""
    with django_db_blocker.unblock():
        _keep_what_is_committed()
        with worker_processes(tmp_path_factory.mktemp("var")) as running:
            yield running


@pytest.fixture
def ground(transactional_db: None, own_sandbox: RunningSandbox, workers: Workers, chance: random.Random) -> Ground:
    """An export that is ready to run, in a world where everything is well."""
    own_sandbox.reset()
    workers.restart_killed()
    return grounds.make(own_sandbox, chance)


@pytest.fixture
def chance() -> random.Random:
    """Random moments, of the seed that pytest-randomly uses and prints."""
    return random.Random(random.randrange(2**32))


def _keep_what_is_committed() -> None:
    """The tests' server is a hasty one, that may forget the last moments when it crashes."""
    with database.cursor() as cursor:
        cursor.execute(f"ALTER DATABASE {database.settings_dict['NAME']} SET synchronous_commit = on")
    database.close()
