"""Pages and workers do not start with a keyring that cannot read what is stored; one sentence says why."""

import os
import subprocess
import sys

import pytest

from config.platform.accounts.models import User
from config.standalone import programs
from tests.support.connections import make_connection
from tests.support.workers import database_url_of_tests

pytestmark = pytest.mark.django_db(transaction=True)

OTHER = "k9:YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXoxMjM0NTY="
PAGES = [sys.executable, "-c", "import config.wsgi; print('started')"]


def start(command: list[str], keys: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": database_url_of_tests(),
        "ENCRYPTION_KEYS": keys,
    }
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("program", ["pages", "worker"])
def test_it_does_not_start_with_another_key(alice: User, program: str) -> None:
    make_connection(alice)
    command = PAGES if program == "pages" else list(programs.worker("control", 1).command)

    ended = start(command, OTHER)

    assert ended.returncode != 0
    said = ended.stdout + ended.stderr
    assert "ENCRYPTION_KEYS contains no key “k1” (1 stored in connections)" in said
    assert "started" not in said
    assert "Traceback" not in said
    assert OTHER.partition(":")[2] not in said


def test_it_starts_when_every_key_is_there(alice: User) -> None:
    make_connection(alice)
    ended = start(PAGES, f"{OTHER},{os.environ['ENCRYPTION_KEYS']}")
    assert (ended.returncode, ended.stdout) == (0, "started\n")
