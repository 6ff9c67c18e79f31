"""Define what a user enters of a bucket, in one form."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

DEFAULT_INTERVAL: Final = timedelta(minutes=5)


@dataclass(frozen=True)
class BucketSettings:
    """What a user enters of a watched bucket, in normal form: see ``normal_folder`` and ``normal_endpoint``.
    ``secret_key`` may be a reference to a secret; None keeps the stored one."""

    bucket: str
    pattern: str
    folder: str = ""
    endpoint: str = ""
    region: str = ""
    is_path_style: bool = True
    access_key_id: str = ""
    secret_key: str | None = None
    interval: timedelta = DEFAULT_INTERVAL

    def __repr__(self) -> str:
        return "<bucket settings>"


def normal_folder(typed: str) -> str:
    """Return the folder in a bucket as the beginning of keys: empty, or with a slash at its end."""
    folder = typed.strip().lstrip("/")
    return folder if not folder or folder.endswith("/") else f"{folder}/"


def normal_endpoint(typed: str) -> str:
    """Return the address of a server with its scheme; https unless another is given."""
    endpoint = typed.strip().rstrip("/")
    return endpoint if not endpoint or "://" in endpoint else f"https://{endpoint}"
