"""Hold imports where something is to happen to them."""

from collections.abc import Iterator
from contextlib import contextmanager

from config.platform.jobs.models import JobStatus
from segments.models import ImportJob
from segments.store.locks import writer_lock


@contextmanager
def imports_held_half_way() -> Iterator[None]:
    """Let imports wait for the writer lock: after reading their file, before any profile is written."""
    with writer_lock():
        yield


def one_is_held() -> bool:
    """Say whether an import has read its file and has not ended."""
    return ImportJob.objects.filter(status=JobStatus.PROCESSING, read_at__isnull=False).exists()
