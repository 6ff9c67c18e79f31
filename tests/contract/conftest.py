"""The sandbox, and the official client pointed at it."""

import http.client

import createsend.createsend
import pytest
from createsend import CreateSend

from tests.sandbox import RunningSandbox, sandbox, sandbox_process

__all__ = ["sandbox", "sandbox_process"]


@pytest.fixture
def official_client(sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """createsend speaks TLS whatever the address says, unless its connection class is exchanged."""
    monkeypatch.setattr(createsend.createsend, "VerifiedHTTPSConnection", http.client.HTTPConnection)
    monkeypatch.setattr(CreateSend, "base_uri", f"{sandbox.url}/api/v3.3")
