"""An import of more rows than fit into the memory of DuckDB."""

from pathlib import Path

import pytest
from pytest_django import Settings

from config.platform.jobs.models import JobStatus
from segments.sources import actions, import_job
from segments.store import engine
from tests.benchmark.store_data import write_csv

ROWS = 3_000_000

pytestmark = [pytest.mark.drill, pytest.mark.django_db]


def test_a_file_of_three_million_rows_is_imported_with_128_mb(settings: Settings, tmp_path: Path) -> None:
    settings.PROFILE_STORE_MEMORY_MB = 128
    path = write_csv(tmp_path / "people.csv", ROWS)
    engine.close()  # the next use opens DuckDB with the limit
    try:
        job = actions.start_import(path=path, key_column="id", source_name="People", by=None, wake_worker=False)
        import_job.run_import(job.pk)
    finally:
        engine.close()
    job.refresh_from_db()
    assert job.status == JobStatus.SUCCESSFUL, job.message
    assert job.rows_created == ROWS
