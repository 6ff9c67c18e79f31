"""The limits of an upload: the server enforces each with a sentence."""

from io import BytesIO
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from config.platform.jobs.models import JobStatus
from segments.catalog import TooManyAttributes, check_limit
from segments.models import ImportJob, ProfileAttribute
from segments.sources import actions, import_job
from segments.sources.column_plan import ColumnPlan
from segments.store import engine

pytestmark = pytest.mark.django_db


def test_a_file_that_is_too_large_is_refused_beside_the_field(bob_client: Client, settings: Settings) -> None:
    settings.MAX_UPLOAD_MB = 1
    file = BytesIO(b"id,name\n" + b"x" * (1 << 20))
    file.name = "people.csv"
    answer = bob_client.post(reverse("segments:upload"), {"file": file})
    assert "The file is larger than 1 MB." in answer.content.decode()
    assert not ImportJob.objects.exists()


@pytest.mark.parametrize(("kept", "status"), [(300, JobStatus.FAILED), (60, JobStatus.SUCCESSFUL)])
def test_a_file_that_needs_too_much_memory_is_refused_with_what_can_be_done(
    settings: Settings, tmp_path: Path, kept: int, status: JobStatus
) -> None:
    settings.PROFILE_STORE_MEMORY_MB = 128
    path = tmp_path / "wide.csv"
    names = ",".join(f"c{number}" for number in range(300))
    row = ",".join(f"value {number}" for number in range(300))
    path.write_text(f"id,{names}\n" + "".join(f"{number},{row}\n" for number in range(3_000)), encoding="utf-8")
    plans = [ColumnPlan(f"c{number}", is_ignored=True) for number in range(kept, 300)]
    engine.close()  # the next use opens DuckDB with the limit
    try:
        job = actions.start_import(
            path=path, key_column="id", source_name="Wide", by=None, plans=plans, wake_worker=False
        )
        import_job.run_import(job.pk)
    finally:
        engine.close()
    job.refresh_from_db()
    assert job.status == status, job.message
    if status == JobStatus.FAILED:
        assert "PROFILE_STORE_MEMORY_MB" in job.message
        assert "Or choose “Do not import” for columns of the file that are not needed." in job.message
    assert ProfileAttribute.objects.exists() == (status == JobStatus.SUCCESSFUL)


def test_attributes_beyond_the_limit_are_refused(settings: Settings) -> None:
    settings.MAX_ATTRIBUTES = 2
    ProfileAttribute.objects.create(name="id", data_type="text")
    check_limit(1)
    with pytest.raises(TooManyAttributes, match="adds 2 attributes to the existing 1"):
        check_limit(2)
