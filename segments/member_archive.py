"""Write the members of several segments as a ZIP archive of CSV files, piece by piece, so that it needs little
memory however many members there are."""

import re
from collections.abc import Iterable, Iterator, Sequence
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from config.platform.jobs import clock
from segments import profiles
from segments.models import Segment

_PIECE_BYTES = 1 << 16
# Characters that file systems refuse, and control characters.
_NOT_IN_FILE_NAMES = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]+')
_LONGEST_NAME = 100


def members_zip(segments: Iterable[Segment]) -> Iterator[bytes]:
    """Generate an archive with a CSV file for each segment, as ``profiles.members_csv`` writes it."""
    segments = list(segments)
    written = _Written()
    with ZipFile(written, "w", ZIP_DEFLATED) as archive:
        for name, segment in zip(file_names([each.name for each in segments]), segments, strict=True):
            info = ZipInfo(name, clock.now().astimezone(clock.zone()).timetuple()[:6])
            info.compress_type, info.external_attr = ZIP_DEFLATED, 0o600 << 16
            with archive.open(info, "w", force_zip64=True) as file:
                for line in profiles.members_csv(segment):
                    file.write(line.encode())
                    if written.size >= _PIECE_BYTES:
                        yield written.take()
    yield written.take()


def file_names(names: Sequence[str]) -> list[str]:
    """Return a name of a CSV file for each name of a segment, different whatever their case."""
    found: list[str] = []
    taken: set[str] = set()
    for name in names:
        base = " ".join(_NOT_IN_FILE_NAMES.sub(" ", name).split()).strip(" .")[:_LONGEST_NAME].strip(" .")
        base = base or "segment"
        candidate, number = base, 2
        while candidate.casefold() in taken:
            candidate, number = f"{base} ({number})", number + 1
        taken.add(candidate.casefold())
        found.append(f"{candidate}.csv")
    return found


class _Written:
    """What was written to an archive and not taken yet."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self.size = 0

    def write(self, piece: bytes) -> int:
        self._pieces.append(bytes(piece))
        self.size += len(piece)
        return len(piece)

    def flush(self) -> None:
        """Nothing is buffered elsewhere."""

    def close(self) -> None:
        """The archive is taken piece by piece."""

    def take(self) -> bytes:
        pieces, self._pieces, self.size = self._pieces, [], 0
        return b"".join(pieces)
