"""Import the files of watched buckets, as the workers do."""

from segments.models import ImportJob, WatchedPlace
from segments.sources import import_job
from segments.sources.watched_places.scan import scan


def import_next(watched: WatchedPlace) -> ImportJob:
    """Scan a bucket, and import the next file that is found."""
    job = scan(watched.pk)
    assert job is not None
    ended = import_job.run_import(job.pk)
    assert ended is not None
    return ended
