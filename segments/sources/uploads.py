"""Files on their way in: kept in a folder of ours under a name of ours until their import has ended."""

import re
import time
import uuid
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile

from config.platform.accounts.models import User
from config.platform.jobs.models import OPEN
from segments.models import ImportJob

# The name of a file holds who uploaded it: only that person can continue with it.
_TOKEN = re.compile(r"[0-9a-f]{32}-(?P<uploader>\d+)\.csv(?:\.gz)?")
_KEPT_SECONDS = 24 * 3600


def keep(file: "UploadedFile[Any]", *, by: User) -> str:
    """Store the file that ``by`` has sent; gives the token that finds it."""
    suffix = ".csv.gz" if (file.name or "").lower().endswith(".gz") else ".csv"
    token = f"{uuid.uuid4().hex}-{by.pk}{suffix}"
    folder = Path(settings.UPLOAD_DIR)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / token).open("xb") as kept:
        for piece in file.chunks(1 << 20):
            kept.write(piece)
    return token


def find(token: str, *, by: User) -> Path | None:
    """The stored file, or None when there is none (any more) or another person has uploaded it."""
    found = _TOKEN.fullmatch(token)
    if found is None or found["uploader"] != str(by.pk):
        return None
    path = Path(settings.UPLOAD_DIR) / token
    return path if path.is_file() else None


def is_uploaded(path: Path) -> bool:
    """Whether the file is one of ours; files that lie elsewhere belong to somebody else."""
    return Path(settings.UPLOAD_DIR) in path.parents


def forget(path: Path) -> None:
    """Remove an uploaded file."""
    if is_uploaded(path):
        path.unlink(missing_ok=True)


def forget_abandoned() -> None:
    """Remove uploads a day old that no open import needs. By the file system's clock, like the files' times."""
    folder = Path(settings.UPLOAD_DIR)
    old = [path for path in folder.glob("*.csv*") if time.time() - path.stat().st_mtime > _KEPT_SECONDS]
    if not old:
        return
    needed = set(ImportJob.objects.filter(status__in=OPEN).values_list("path", flat=True))
    for path in old:
        if str(path) not in needed:
            path.unlink(missing_ok=True)
