"""Runs all faults again and again, each time in another order and at other moments: ``python -m tests.faults``.

TIMES says how often (10); SEED takes the seed of the first round, which a failed one has printed."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

FOLDER = Path(__file__).parent
_SEEDS = 2**32


def main() -> int:
    """All rounds, or as many as it takes until one fails; gives the exit code."""
    times = int(os.environ.get("TIMES") or 10)
    first = int(os.environ.get("SEED") or random.SystemRandom().randrange(_SEEDS))
    for number in range(1, times + 1):
        seed = (first + number - 1) % _SEEDS
        sys.stdout.write(f"Faults, round {number} of {times}: SEED={seed}\n")
        sys.stdout.flush()
        started = time.monotonic()
        if code := _round(seed):
            sys.stdout.write(f"Round {number} failed. Again: TIMES=1 SEED={seed} python -m tests.faults\n")
            return code
        sys.stdout.write(f"Round {number} took {time.monotonic() - started:.0f} s.\n")
    return 0


def _round(seed: int) -> int:
    command = [sys.executable, "-m", "pytest", "--quiet", f"--randomly-seed={seed}", str(FOLDER)]
    return subprocess.run(command, cwd=FOLDER.parents[1], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
