"""Store uploaded files until their import ends."""

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

# The file name contains the ID of the user, who alone can continue the upload.
_TOKEN = re.compile(r"[0-9a-f]{32}-(?P<uploader>\d+)\.csv(?:\.gz)?")
_MAX_AGE_SECONDS = 24 * 3600


def store(file: "UploadedFile[Any]", *, by: User) -> str:
    """Store an uploaded file. Returns the token that finds it."""
    suffix = ".csv.gz" if (file.name or "").lower().endswith(".gz") else ".csv"
    token = f"{uuid.uuid4().hex}-{by.pk}{suffix}"
    folder = Path(settings.UPLOAD_DIR)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / token).open("xb") as stored:
        for piece in file.chunks(1 << 20):
            stored.write(piece)
    return token


def find(token: str, *, by: User) -> Path | None:
    """Return the path of an uploaded file; None when it is gone or another user uploaded it."""
    found = _TOKEN.fullmatch(token)
    if found is None or found["uploader"] != str(by.pk):
        return None
    path = Path(settings.UPLOAD_DIR) / token
    return path if path.is_file() else None


def is_uploaded(path: Path) -> bool:
    """Say whether a file is in the upload folder."""
    return Path(settings.UPLOAD_DIR) in path.parents


def delete(path: Path) -> None:
    """Delete an uploaded file; other files stay."""
    if is_uploaded(path):
        path.unlink(missing_ok=True)


def delete_abandoned() -> None:
    """Delete uploads older than a day, by the file system's clock, that no open import needs."""
    folder = Path(settings.UPLOAD_DIR)
    old = [path for path in folder.glob("*.csv*") if time.time() - path.stat().st_mtime > _MAX_AGE_SECONDS]
    if not old:
        return
    needed = set(ImportJob.objects.filter(status__in=OPEN).values_list("path", flat=True))
    for path in old:
        if str(path) not in needed:
            path.unlink(missing_ok=True)
