"""A database server that is not the product's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from tests.support.foreign_postgres import ForeignPostgres, foreign_postgres


@pytest.fixture(scope="package")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForeignPostgres]:
    """Run a PostgreSQL server with a shop in it."""
    folder: Path = tmp_path_factory.mktemp("foreign-postgres")
    with foreign_postgres(folder) as server:
        yield server


@pytest.fixture
def shop_server(postgres_server: ForeignPostgres, settings: Settings) -> ForeignPostgres:
    """Return that server, which the settings allow although it is on this machine."""
    settings.DATABASE_SOURCE_HOSTS = ["127.0.0.0/8"]
    return postgres_server
