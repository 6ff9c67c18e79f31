"""Files as people have them are imported right: every record is kept or rejected, with the right types."""

from pathlib import Path

import pytest
from pytest_django import Settings

from config.platform.jobs.models import JobStatus
from segments.catalog import types_by_name
from segments.models import ImportJob
from segments.sources import actions, import_job, in_place
from segments.sources.files.detect import detect
from segments.sources.files.file_format import FileRefused
from tests.support.case_files import READABLE_FILES, REFUSED_FILES, CaseFile
from tests.support.profiles import profile_count

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def uploads_folder(tmp_path: Path, settings: Settings) -> None:
    settings.UPLOAD_DIR = tmp_path / "uploads"


@pytest.fixture(autouse=True)
def imported_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are converted in one pass where that is possible, as large ones are."""
    monkeypatch.setattr(in_place, "MIN_BYTES", 0)


def imported(case: CaseFile) -> ImportJob:
    """Import a file with its first column as the key."""
    key = actions.first_rows(case.path, detect(case.path, name=case.name), 0).names[0]
    job = actions.start_import(path=case.path, key_column=key, source_name="Shop", by=None, wake_worker=False)
    ended = import_job.run_import(job.pk)
    assert ended is not None
    return ended


@pytest.mark.parametrize("case", READABLE_FILES, ids=str)
def test_every_record_is_kept_or_rejected(case: CaseFile) -> None:
    job = imported(case)
    assert job.rows_read == case.kept + len(case.rejected)
    assert job.rows_created + job.rows_refused == job.rows_read
    assert profile_count() == job.rows_created
    if not job.rows_created:
        assert job.status == JobStatus.FAILED
        return
    problems = set(job.problems.values_list("line", flat=True))
    assert problems >= set(case.rejected)
    key = job.source.key_column
    found = {name: str(kind) for name, kind in types_by_name().items() if name != key}
    assert found.items() >= {name: kind for name, kind in case.types.items() if name in found}.items()


@pytest.mark.parametrize("case", REFUSED_FILES, ids=str)
def test_what_cannot_be_read_changes_nothing(case: CaseFile) -> None:
    with pytest.raises(FileRefused):
        imported(case)
    assert not ImportJob.objects.exists()
