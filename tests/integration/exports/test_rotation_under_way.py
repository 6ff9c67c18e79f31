"""The keyring turns while workers run and a run is at work."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import call_command
from pytest_django import Settings

from config.platform.encryption import rotation
from config.platform.jobs.models import JobStatus
from exports.privacy import hash_key
from tests.support import big_export
from tests.support.sandbox import RunningSandbox, running_sandbox
from tests.support.workers import worker_processes

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]

PEOPLE = 20_000


@pytest.fixture
def sandbox(tmp_path: Path, settings: Settings) -> Iterator[RunningSandbox]:
    with running_sandbox(tmp_path / "sandbox", latency_ms=600) as running:
        settings.CAMPAIGN_MONITOR_SANDBOX_URL = running.url
        yield running


@pytest.fixture
def keyring(tmp_path: Path, settings: Settings) -> Path:
    """A keyring in a file, which this process and the workers share."""
    path = tmp_path / "encryption_key"
    path.write_text(",".join(settings.ENCRYPTION_KEYS), encoding="ascii")
    settings.ENCRYPTION_KEYS_FILE = path
    return path


def test_a_run_goes_on_through_it(
    sandbox: RunningSandbox, tmp_path: Path, keyring: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    big = big_export.make(tmp_path, sandbox, PEOPLE)
    sandbox.faults({"rules": [big_export.refusing(big)]})
    hash_key.key()  # the second secret, which workers would make at some moment
    # Slices of a second: credentials are read again and again.
    workers_know = {"ENCRYPTION_KEYS_FILE": str(keyring), "SLICE_SECONDS": "1"}
    with worker_processes(tmp_path / "var", env=workers_know) as workers:
        run = big_export.start(big)
        for number, least in ((2, 0), (3, 6_000)):
            big_export.wait_until(run, lambda it, least=least: it.delivered > least)  # type: ignore[misc]
            call_command("rotate_encryption_key", "--make-key")
            assert {group.key_id for _place, group in rotation.stored_secrets()} == {f"k{number}"}
        assert run.status == JobStatus.PROCESSING
        big_export.wait_until(run, big_export.has_ended)
        said = workers.log("jobs")

    assert "2 secrets were encrypted again: key “k2” before, “k3” now." in capsys.readouterr().out
    big_export.check_that_everyone_is_there_once(big, run, sandbox)
    assert "ERROR" not in said
