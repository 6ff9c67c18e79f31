"""Traces by OpenTelemetry and errors for Sentry: sent by the real packages to a real server, no personal data."""

import gzip
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from typing import Any

import pytest
from django.conf import settings
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.support.workers import environment_of_processes

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]

# A page with a name in its address, a query with a name in its statement, and an error that quotes one.
_PROGRAM = """
import logging, os
from django.test import Client
from config import telemetry
from config.wsgi import application
telemetry.start("web")
import structlog
from django.db import connection
Client(SERVER_NAME="localhost").get("/readyz?q=Ann-Example")
with connection.cursor() as cursor:
    cursor.execute("SELECT 'ann@example.com'")
with structlog.contextvars.bound_contextvars(run=9, request_id="r1"):
    try:
        email = "ann@example.com"
        raise ValueError(f"Key (email)=({email}) already exists.")
    except ValueError:
        logging.getLogger("exports").exception("%s of run 9 failed", email)
import requests
session = requests.Session()
session.trust_env = False
session.post(os.environ["SENTRY_DSN"].replace("key@", "") + "/plain", data="{}")
from opentelemetry import trace
trace.get_tracer_provider().force_flush()
import sentry_sdk
sentry_sdk.flush()
"""


class Collector(ThreadingHTTPServer):
    """Keeps what is posted to it, by the path."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.received: list[tuple[str, bytes]] = []
        self.headers: dict[str, set[str]] = {}

    def bodies(self, path: str) -> list[bytes]:
        return [body for received_at, body in self.received if received_at.startswith(path)]


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        assert isinstance(self.server, Collector)
        self.server.received.append((self.path, body))
        self.server.headers[self.path] = {name.lower() for name in self.headers}
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def sent(collector: Collector, tmp_path: Any) -> Collector:
    """What a process sends that answers a page, asks the database and logs an error."""
    port = collector.server_port
    environment = {
        **environment_of_processes(tmp_path),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}",
        "SENTRY_DSN": f"http://key@127.0.0.1:{port}/1",
    }
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        cwd=settings.BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return collector


def test_traces_and_errors_arrive_without_personal_data(sent: Collector) -> None:
    assert not [path for path, body in sent.received if b"ann@example" in body or b"Ann-Example" in body]

    assert not sent.headers["/1/plain"] & {"traceparent", "sentry-trace", "baggage"}

    requests = [ExportTraceServiceRequest.FromString(body) for body in sent.bodies("/v1/traces")]
    spans = [
        span
        for request in requests
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    pages = [span for span in spans if span.name.startswith("GET readyz")]
    queries = [span for span in spans if span.name == "SELECT"]
    (page,) = pages
    assert any(query.trace_id == page.trace_id for query in queries)
    (service,) = {
        each.value.string_value
        for request in requests
        for resource in request.resource_spans
        for each in resource.resource.attributes
        if each.key == "service.name"
    }
    assert service == "segment-exports-web"

    event = _event_of(sent)
    assert event["tags"].items() >= {"run": "9", "request_id": "r1"}.items()
    assert event["logentry"] == {"message": "%s of run 9 failed"}
    (raised,) = event["exception"]["values"]
    assert raised["type"] == "ValueError"
    assert raised["stacktrace"]["frames"]


def _event_of(sent: Collector) -> dict[str, Any]:
    """Return the event in the envelopes: the item after its header."""
    for body in sent.bodies("/api/1/envelope/"):
        lines = body.splitlines()
        for header, item in pairwise(lines):
            if json.loads(header).get("type") == "event":
                return dict(json.loads(item))
    raise AssertionError("no event was sent")
