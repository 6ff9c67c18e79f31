"""One stream for the lines of many processes, each line led by the name of its process."""

import sys
import threading
from contextlib import suppress
from typing import TextIO

_COLOURS = ("36", "32", "33", "35", "34", "96", "92", "95")
_WIDTH = 10


class Output:
    """Writes whole lines, from any thread; in colour where a person looks."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._in_colour = self._stream.isatty()
        self._colours: dict[str, str] = {}
        self._lock = threading.Lock()

    def write(self, name: str, text: str) -> None:
        """``text``, which may be several lines, as said by ``name``."""
        with self._lock, suppress(OSError, ValueError):  # whoever was reading may be gone
            for line in text.splitlines():
                self._stream.write(f"{self._prefix(name)} {line}\n")
            self._stream.flush()

    def _prefix(self, name: str) -> str:
        prefix = f"{name:<{_WIDTH}}│"
        if not self._in_colour:
            return prefix
        colour = self._colours.setdefault(name, _COLOURS[len(self._colours) % len(_COLOURS)])
        return f"\x1b[{colour}m{prefix}\x1b[0m"
