"""The folder or bucket that the evidence is written to. A file appears there whole, or not at all."""

import os
import shutil
import time
from pathlib import Path

import duckdb
from django.conf import settings

from segments.store.engine import extension_path, quoted

_S3 = "s3://"
_ABANDONED_AFTER_SECONDS = 86_400


class CannotWrite(Exception):
    """A file could not be written; the message says why, for administrators, without a secret."""


def is_set() -> bool:
    """Return whether evidence is written at all."""
    return bool(settings.EVIDENCE_STORE)


def publish(file: Path, name: str, *, attempt: int) -> None:
    """Write a Parquet file under a name; one that is there is replaced. Raises CannotWrite."""
    try:
        if str(settings.EVIDENCE_STORE).startswith(_S3):
            _publish_to_bucket(file, name)
        else:
            _publish_to_folder(file, name, attempt)
    except OSError as error:
        raise CannotWrite(error.strerror or type(error).__name__) from error
    except duckdb.Error as error:
        raise CannotWrite(str(error).splitlines()[0][:300]) from error


def _publish_to_folder(file: Path, name: str, attempt: int) -> None:
    target = Path(settings.EVIDENCE_STORE) / name
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _delete_abandoned_parts(target)
    beside = target.with_name(f".{target.name}.{attempt}.part")
    try:
        shutil.copyfile(file, beside)
        with beside.open("rb+") as written:
            os.fsync(written.fileno())
        beside.chmod(0o600)
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)


def _delete_abandoned_parts(target: Path) -> None:
    """Delete the half files of earlier attempts at a file, whose workers were killed or have lost the job, and
    those of any file that are older than a day."""
    oldest = time.time() - _ABANDONED_AFTER_SECONDS
    for part in target.parent.glob(".*.part"):
        if part.name.startswith(f".{target.name}.") or part.stat().st_mtime < oldest:
            part.unlink(missing_ok=True)


def _publish_to_bucket(file: Path, name: str) -> None:
    """Write a file to the bucket in parts, so that memory stays flat; S3 shows an object when its upload has
    ended."""
    address = f"{str(settings.EVIDENCE_STORE).rstrip('/')}/{name}"
    with duckdb.connect(
        config={"autoinstall_known_extensions": "false", "allow_unsigned_extensions": "true", "threads": 1}
    ) as connection:
        connection.execute(f"LOAD {quoted(str(extension_path('httpfs')))}")
        connection.execute(f"SET memory_limit = '{settings.PROFILE_STORE_MEMORY_MB:d}MB'")
        connection.execute("SET s3_uploader_max_filesize = '50GB'")  # parts of 5 MB, the least that S3 takes
        connection.execute("SET TimeZone = 'UTC'")
        given = "".join(f", {key} {quoted(value)}" for key, value in settings.EVIDENCE_STORE_S3.items())
        connection.execute(f"CREATE OR REPLACE SECRET bucket (TYPE s3{given})")
        connection.execute(
            f"COPY (SELECT * FROM read_parquet({quoted(str(file))})) TO {quoted(address)}"  # noqa: S608
            " (FORMAT parquet, COMPRESSION zstd)"
        )
