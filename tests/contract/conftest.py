"""The sandbox, and the official client pointed at it."""

import http.client
from typing import Any

import pytest

from tests.contract.official import connecting, createsend
from tests.support.sandbox import RunningSandbox, sandbox, sandbox_process

__all__ = ["sandbox", "sandbox_process"]


@pytest.fixture
def official(sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The package createsend, speaking to the sandbox. It would speak TLS whatever the address says, unless its
    connection class is exchanged."""
    monkeypatch.setattr(connecting, "VerifiedHTTPSConnection", http.client.HTTPConnection)
    monkeypatch.setattr(createsend.CreateSend, "base_uri", f"{sandbox.url}/api/v3.3")
    return createsend


@pytest.fixture
def key(sandbox: RunningSandbox) -> dict[str, str]:
    """The account's credential, as the official client takes it."""
    return {"api_key": sandbox.api_key}
