"""Write and read the file of a backup: a tar file whose last member, the manifest, has the checksum of each other.

The members are ``database.dump`` (pg_dump's custom format), ``store/…`` (the files of the profile store),
``uploads/…`` (files that wait for their import), and perhaps ``keys.json`` (sealed_keys.py).
"""

import hashlib
import io
import os
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import IO

from django.utils.translation import gettext as _
from pydantic import TypeAdapter, ValidationError

DATABASE = "database.dump"
STORE = "store/"
UPLOADS = "uploads/"
KEYS = "keys.json"
_MANIFEST = "manifest.json"
_CHUNK_BYTES = 1 << 20


class BackupError(Exception):
    """A backup cannot be made or restored; the message is a sentence for administrators."""


@dataclass(frozen=True)
class Member:
    """A file in a backup: its size in bytes and its SHA-256."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Origin:
    """What a backup is of: the time, the version of the program, and the migrations of each app."""

    created_at: datetime
    version: str
    store_id: str
    upload_dir: str
    migrations: Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Manifest:
    """The last member of a backup: what the others are."""

    origin: Origin
    members: Mapping[str, Member]


_AS_JSON = TypeAdapter(Manifest)


class ArchiveWriter:
    """Add files to a backup."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self._members: dict[str, Member] = {}

    def add(self, name: str, path: Path) -> None:
        """Add the file at ``path`` under ``name``."""
        with path.open("rb") as content:
            hashed = _Hashed(content)
            size = os.fstat(content.fileno()).st_size
            self._tar.addfile(_entry(name, size), hashed)
        self._members[name] = Member(size, hashed.sha256)

    def names(self) -> set[str]:
        """Return the names of the files that were added."""
        return set(self._members)

    def finish(self, origin: Origin) -> Manifest:
        """Add the manifest."""
        manifest = Manifest(origin, self._members)
        content = _AS_JSON.dump_json(manifest, indent=1)
        self._tar.addfile(_entry(_MANIFEST, len(content)), io.BytesIO(content))
        return manifest


class ArchiveReader:
    """Read the files of a backup. Raises BackupError when it is damaged."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self._entries = {entry.name: entry for entry in tar.getmembers()}
        self.manifest = self._read_manifest()
        if self.manifest.members.keys() | {_MANIFEST} != self._entries.keys():
            raise damaged()

    def names(self, prefix: str) -> list[str]:
        """Return the names of the members that begin with ``prefix``."""
        return sorted(name for name in self.manifest.members if name.startswith(prefix))

    def content(self, name: str) -> bytes:
        """Return the content of a small member, and verify its checksum. Raises BackupError without it."""
        if name not in self.manifest.members:
            raise BackupError(_("This backup has no keys. They are part of it only with the option --with-keys."))
        content = self._tar.extractfile(self._entries[name])
        found = content.read() if content is not None else b""
        if Member(len(found), hashlib.sha256(found).hexdigest()) != self.manifest.members[name]:
            raise damaged()
        return found

    def extract(self, name: str, target: Path) -> None:
        """Write a member to ``target``, and verify its checksum."""
        expected = self.manifest.members[name]
        content = self._tar.extractfile(self._entries[name])
        if content is None or not _is_safe(name):
            raise damaged()
        hashed = _Hashed(content)
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            while chunk := hashed.read(_CHUNK_BYTES):
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
            size = file.tell()
        if Member(size, hashed.sha256) != expected:
            raise damaged()

    def _read_manifest(self) -> Manifest:
        entry = self._entries.get(_MANIFEST)
        content = self._tar.extractfile(entry) if entry is not None else None
        if content is None:
            raise damaged()
        try:
            return _AS_JSON.validate_json(content.read())
        except ValidationError:
            raise damaged() from None


@contextmanager
def writing(path: Path, folder: Path) -> Iterator[ArchiveWriter]:
    """Write a backup to ``path``, all or nothing: it is written in ``folder``, a private one beside it, and moved.
    Raises OSError."""
    unfinished = folder / "unfinished"
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
            yield ArchiveWriter(tar)
        file.flush()
        os.fsync(file.fileno())
    os.replace(unfinished, path)


@contextmanager
def reading(path: Path) -> Iterator[ArchiveReader]:
    """Read the backup at ``path``. Raises BackupError when it is none, and OSError."""
    try:
        with tarfile.open(path, mode="r:") as tar:
            yield ArchiveReader(tar)
    except tarfile.TarError:
        raise damaged() from None


class _Hashed(io.RawIOBase):
    """A file that is hashed while it is read."""

    def __init__(self, content: IO[bytes]) -> None:
        self._content = content
        self._hash = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        chunk = self._content.read(size)
        self._hash.update(chunk)
        return chunk

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()


def _entry(name: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, 0o600
    return entry


def _is_safe(name: str) -> bool:
    """Tell whether a name stays below the folder that it is written to."""
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts


def damaged() -> BackupError:
    """Return the error of a file that is not a complete backup."""
    return BackupError(
        _("This file is not a complete backup. It may be damaged, or the copy of it is unfinished.")
    )
