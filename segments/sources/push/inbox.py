"""Make imports of pushed batches, and write the file that they read."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from config.platform.accounts.models import User
from segments.models import PUSHED, DataSource, ImportJob, ImportMode, PushedBatch
from segments.sources.files.file_format import FileFormat

FILE_NAME: Final = "REST API"  # of imports of pushed profiles
_FORMAT: Final = FileFormat()  # CSV in UTF-8, with commas and a header


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
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerow(columns)
        if job.mode == ImportMode.SNAPSHOT:
            for batch in batches.iterator(chunk_size=20):
                file.writelines(batch.lines)
        else:
            file.writelines(_last_lines(list(batches)))
    return path


def _last_lines(batches: list[PushedBatch]) -> Iterator[str]:
    """Yield the line of the last profile with each key."""
    lines: dict[str, str] = {}
    for batch in batches:
        lines.update(zip(batch.keys, batch.lines, strict=True))
    yield from lines.values()
