"""The ground every test stands on, laid before Django reads its settings: folders of its own and a throw-away
PostgreSQL of the same kind as the embedded one. Loaded by ``-p tests.environment`` (see pyproject.toml).

TEST_DATABASE_URL names another server to use instead.
"""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from config.embedded.postgres import NAME, TemporaryPostgres, make_database

_folder = Path(tempfile.mkdtemp(prefix="segment-exports-tests-"))
_server = TemporaryPostgres(_folder / "postgres")


def _lay_ground() -> None:
    os.environ["VAR_DIR"] = str(_folder / "var")
    for name in ("REDIS_URL", "DEMO", "CAMPAIGN_MONITOR_SANDBOX_URL"):
        os.environ.pop(name, None)
    if url := os.environ.get("TEST_DATABASE_URL"):
        os.environ["DATABASE_URL"] = url
    else:
        _server.start()
        make_database(_server.socket_dir)
        os.environ["DATABASE_URL"] = f"postgres://{NAME}@/{NAME}?host={_server.socket_dir}"
    os.environ.setdefault("SECRET_KEY", "only-for-tests")
    os.environ.setdefault("ENCRYPTION_KEYS", "k1:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")
    os.environ.setdefault("ALLOWED_HOSTS", "testserver,localhost,127.0.0.1")


_lay_ground()


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the server and leave nothing behind."""
    _server.stop()
    shutil.rmtree(_folder, ignore_errors=True)
