"""Read the bytes of a file, unpacked when it is compressed; say in a sentence why it cannot be read."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from django.conf import settings
from django.utils.translation import gettext as _

from segments.sources.files.file_format import Compression, FileRefused

GZIP_MAGIC: Final = b"\x1f\x8b"
CHUNK_BYTES: Final = 1 << 20


def compression_of(start: bytes) -> Compression:
    """Return the compression by the first bytes of a file; its name may be wrong."""
    return Compression.GZIP if start.startswith(GZIP_MAGIC) else Compression.NONE


@contextmanager
def opened_bytes(path: Path, compression: Compression) -> Iterator[IO[bytes]]:
    """Open a file for reading its unpacked bytes. Raises FileRefused, also while it is read."""
    with sentences_for_errors(), path.open("rb") as raw:
        if compression is Compression.GZIP:
            with gzip.GzipFile(fileobj=raw) as unpacked:
                yield unpacked  # type: ignore[misc]
        else:
            yield raw


@contextmanager
def sentences_for_errors() -> Iterator[None]:
    """Raise FileRefused instead of the errors of reading and unpacking."""
    try:
        yield
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise FileRefused(_("The gzip file is damaged or incomplete.")) from error
    except OSError as error:
        raise FileRefused(
            _("The file cannot be read: %(reason)s.") % {"reason": error.strerror or str(error)}
        ) from error


def chunks(file: IO[bytes]) -> Iterator[bytes]:
    """Iterate over the unpacked bytes. Raises FileRefused when they are more than MAX_UNPACKED_MB."""
    read = 0
    while chunk := file.read(CHUNK_BYTES):
        read += len(chunk)
        if read > settings.MAX_UNPACKED_MB << 20:
            raise FileRefused(
                _("The unpacked file is larger than %(most)d MB. Split it into several files.")
                % {"most": settings.MAX_UNPACKED_MB}
            )
        yield chunk
