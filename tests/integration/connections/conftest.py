"""The sandbox, and a place where a connection to it can be made."""

import pytest
from pytest_django import Settings

from tests.support.sandbox import RunningSandbox, sandbox, sandbox_process

__all__ = ["sandbox", "sandbox_process"]


@pytest.fixture
def sandbox_offered(sandbox: RunningSandbox, settings: Settings) -> RunningSandbox:
    """A fresh sandbox whose address the settings name."""
    settings.CAMPAIGN_MONITOR_SANDBOX_URL = sandbox.url
    return sandbox
