"""Profile stores in other places than that of the tests."""

from collections.abc import Iterator

import pytest
from django.db import connection

from segments.store import engine, lake
from tests.support.lake import empty_store


@pytest.fixture
def catalog_without_files(transactional_db: None) -> Iterator[None]:
    """Let a test have the store of the tests' catalog elsewhere; the ID of the usual one is put back after it."""
    with lake.reading(), connection.cursor() as cursor:
        cursor.execute("SELECT id FROM lake.store_identity")
        (before,) = cursor.fetchone()
    empty_store()
    yield
    engine.close()
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM lake.store_identity; INSERT INTO lake.store_identity VALUES (%s)", [str(before)]
        )
