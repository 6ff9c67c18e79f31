"""How far a run says it is."""

import pytest
from pytest_django import Settings

from tests.integration.exports.conftest import run_to_its_end
from tests.support import exports
from tests.support.profiles import create_profiles
from tests.support.sandbox import RunningSandbox


@pytest.mark.django_db(transaction=True)
def test_it_counts_what_is_delivered_and_not_what_was_planned_before(
    transactional_db: None, account: RunningSandbox, settings: Settings
) -> None:
    settings.LEASE_SECONDS = 2  # a heartbeat every half second
    create_profiles({"email": f"p{n}@example.com"} for n in range(1200))
    account.faults({"latency_ms": 800})
    export = exports.export_to(account, exports.sandbox_connection(account), exports.segment_of_everyone())
    run = run_to_its_end(export)
    assert (run.progress_done, run.progress_total) == (1200, 1200)
