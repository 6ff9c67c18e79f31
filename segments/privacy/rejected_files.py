"""Keep the rejected rows of imports as files that users download, fix and import again.

They hold personal data: they are private, kept as long as uploads, without lines that name an erased person, and
all of them are deleted when a person is erased.
"""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from django.conf import settings

from config.platform.text.addresses import comparable_email
from segments.models import ErasedHash, ImportJob
from segments.privacy import subjects

_SUFFIXES: Final = (".csv", ".jsonl")


def store(job: ImportJob, rows: Path) -> None:
    """Keep the file of the rejected rows of a job, if there is one."""
    if not rows.is_file():
        return
    folder = _folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    target = folder / f"{job.pk}{rows.suffix}"
    erased = set(ErasedHash.objects.values_list("hash", flat=True))
    if not erased:
        shutil.move(rows, target)
    else:
        with rows.open("rb") as source, target.open("wb") as kept:
            kept.writelines(
                line
                for line in source
                if erased.isdisjoint(subjects.hash_of_email(email) for email in _addresses(line))
            )
    target.chmod(0o600)


def find(job: ImportJob) -> Path | None:
    """Return the file of the rejected rows of a job; None when there is none, or it was deleted."""
    paths = (_folder() / f"{job.pk}{suffix}" for suffix in _SUFFIXES)
    return next((path for path in paths if path.is_file()), None)


def rows_of(emails: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield the rejected rows that contain one of the addresses, as the report of personal data shows them."""
    for path in sorted(_folder().glob("*")):
        with path.open("rb") as rows:
            for row in rows:
                if not set(emails).isdisjoint(_addresses(row)):
                    yield {"import": int(path.stem), "row": row.decode("utf-8", "replace").strip()}


def delete(job: ImportJob) -> None:
    """Delete the file of a job."""
    if (path := find(job)) is not None:
        path.unlink(missing_ok=True)


def delete_all() -> None:
    """Delete the files of all jobs: each may name the person who is erased."""
    delete_older_than(float("inf"))


def delete_older_than(moment: float) -> None:
    """Delete the files that were written before a moment of the file system's clock."""
    for path in _folder().glob("*"):
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < moment:
                path.unlink()


def _folder() -> Path:
    return Path(settings.UPLOAD_DIR) / "rejected"


def _addresses(line: bytes) -> Iterator[str]:
    """Return what may be normalized addresses in a line of a file."""
    if b"@" not in line:
        return
    for word in subjects.words_with_address(line.decode("utf-8", "replace")):
        if (email := comparable_email(word)) is not None:
            yield email
