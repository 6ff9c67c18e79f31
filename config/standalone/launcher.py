"""Runs a command that dies with its parent:

    python -I -S launcher.py PARENT_PID SIGNAL COMMAND …

The kernel sends SIGNAL when the parent ends, however it ends. A program of its own, rather than code between fork
and exec, since that is no place for Python where threads run. Standard library alone, so that it starts at once.
"""

import ctypes
import os
import sys

_PR_SET_PDEATHSIG = 1


def main(parent: int, death_signal: int, command: list[str]) -> None:
    """Become ``command``; end at once when ``parent`` is gone already."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, death_signal)
    if os.getppid() == parent:
        os.execvp(command[0], command)  # noqa: S606


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
