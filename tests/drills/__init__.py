"""Drills that take minutes, run by `make drill` after the faults (tests/faults). TIMES says how often a worker is
killed, SEED which moments."""
