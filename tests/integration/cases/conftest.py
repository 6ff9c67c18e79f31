"""What the cases stand on: a running sandbox, and the command that a script would call."""

import io
import json
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.management import call_command
from pytest_django import Settings

from tests.support.sandbox import RunningSandbox, sandbox, sandbox_process

__all__ = ["sandbox", "sandbox_process"]


@pytest.fixture
def account(settings: Settings, sandbox: RunningSandbox, transactional_db: None) -> RunningSandbox:
    """The sandbox, with settings that hold its address."""
    settings.CAMPAIGN_MONITOR_SANDBOX_URL = sandbox.url
    return sandbox


@dataclass(frozen=True)
class RunOutput:
    """What ``run_export --wait --json`` printed, and its exit code."""

    code: int
    facts: dict[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.facts[name]


def run_export(name: str = "Newsletter") -> RunOutput:
    """Run an export to its end with the command."""
    out, code = io.StringIO(), 0
    try:
        call_command("run_export", name, "--wait", "--json", stdout=out)
    except SystemExit as exited:
        code = int(exited.code or 0)
    return RunOutput(code, json.loads(out.getvalue()))
