"""Give the exit code of an import that has ended: that of ``manage.py import_profiles``."""

from django.conf import settings

from config.platform.jobs.models import ENDED_WELL
from segments.models import ImportJob
from segments.sources import held_imports

EXIT_OK, EXIT_FAILED, EXIT_NEEDS_CONFIRMATION = 0, 1, 3


def rejects_too_many(job: ImportJob) -> bool:
    """Tell whether more of the rows than IMPORT_REJECTED_PERCENT are rejected."""
    return job.rows_refused * 100 > job.rows_read * settings.IMPORT_REJECTED_PERCENT


def exit_code(job: ImportJob) -> int:
    """Return the exit code of an import that has ended."""
    if held_imports.is_held(job):
        return EXIT_NEEDS_CONFIRMATION
    return EXIT_OK if job.status in ENDED_WELL and not rejects_too_many(job) else EXIT_FAILED
