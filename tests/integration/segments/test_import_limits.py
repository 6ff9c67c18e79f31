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
from segments.store import engine

pytestmark = pytest.mark.django_db


def test_a_file_that_is_too_large_is_refused_beside_the_field(bob_client: Client, settings: Settings) -> None:
    settings.MAX_UPLOAD_MB = 1
    file = BytesIO(b"id,name\n" + b"x" * (1 << 20))
    file.name = "people.csv"
    answer = bob_client.post(reverse("segments:upload"), {"file": file})
    assert "The file is larger than 1 MB." in answer.content.decode()
    assert not ImportJob.objects.exists()


def test_a_file_that_needs_too_much_memory_is_refused_with_the_setting(settings: Settings, tmp_path: Path) -> None:
    settings.PROFILE_STORE_MEMORY_MB = 64
    path = tmp_path / "wide.csv"
    names = ",".join(f"c{number}" for number in range(300))
    row = ",".join(f"value {number}" for number in range(300))
    path.write_text(f"id,{names}\n" + "".join(f"{number},{row}\n" for number in range(3_000)), encoding="utf-8")
    engine.close()  # the next use opens DuckDB with the limit
    try:
        job = actions.start_import(path=path, key_column="id", source_name="Wide", by=None, wake_worker=False)
        import_job.run_import(job.pk)
    finally:
        engine.close()
    job.refresh_from_db()
    assert job.status == JobStatus.FAILED
    assert "PROFILE_STORE_MEMORY_MB" in job.message
    assert not ProfileAttribute.objects.exists()


def test_attributes_beyond_the_limit_are_refused(settings: Settings) -> None:
    settings.MAX_ATTRIBUTES = 2
    ProfileAttribute.objects.create(name="id", data_type="text")
    check_limit(1)
    with pytest.raises(TooManyAttributes, match="adds 2 attributes to the existing 1"):
        check_limit(2)
