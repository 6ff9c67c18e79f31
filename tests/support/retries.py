"""Shorten the waits between attempts."""

from dataclasses import replace

import pytest

from exports.state import retry_policy


def shorten_waits(monkeypatch: pytest.MonkeyPatch, first_seconds: float) -> None:
    """Let everything that is tried again wait by a multiple of ``first_seconds`` instead of seconds."""
    for name in ("BATCH", "RUN_ERRORS", "ERASURE"):
        policy = getattr(retry_policy, name)
        monkeypatch.setattr(retry_policy, name, replace(policy, first_seconds=first_seconds))
