"""Make imports of pushed batches, and write the file that they read."""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from config.platform.accounts.models import User
from segments.models import PUSHED, DataSource, ImportJob, ImportMode, PushedBatch
from segments.sources.files.file_format import FileFormat

FILE_NAME: Final = "REST API"  # of imports of pushed profiles
_FORMAT: Final = FileFormat()  # CSV in UTF-8, with commas and a header
_BATCHES_AT_ONCE: Final = 2  # of up to 10 MB


def new_job(source: DataSource, *, mode: ImportMode, by: User | None) -> ImportJob:
    """Create the job of an import of pushed batches."""
    return ImportJob.objects.create(
        source=source, file_name=FILE_NAME, path=PUSHED, mode=mode, requested_by=by, file_format=_FORMAT.to_dict()
    )


def write_file(job: ImportJob, folder: Path) -> Path:
    """Write the batches of a job to a CSV file in ``folder``. Of several profiles with a key, the last counts; in
    a snapshot the import finds them."""
    path = folder / "pushed.csv"
    batches = job.pushed_batches.order_by("pk")
    columns = batches.values_list("columns", flat=True).first() or job.source.key_columns
    last = {} if job.mode == ImportMode.SNAPSHOT else _last_batches(job)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerow(columns)
        for batch in batches.iterator(chunk_size=_BATCHES_AT_ONCE):
            file.writelines(batch.lines if job.mode == ImportMode.SNAPSHOT else _last_lines(batch, last))
    return path


def _last_batches(job: ImportJob) -> dict[str, int]:
    """Return the last batch of a job with each key."""
    last: dict[str, int] = {}
    batches = job.pushed_batches.order_by("pk").values_list("pk", "keys")
    for pk, keys in batches.iterator(chunk_size=_BATCHES_AT_ONCE):
        last.update(dict.fromkeys(keys, pk))
    return last


def _last_lines(batch: PushedBatch, last: Mapping[str, int]) -> Iterator[str]:
    """Return the last line with each key of a batch that no later batch has."""
    lines = dict(zip(batch.keys, batch.lines, strict=True))
    return (line for key, line in lines.items() if last[key] == batch.pk)
