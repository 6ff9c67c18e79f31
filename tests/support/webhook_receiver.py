"""Receive the calls of webhooks, on a port of this machine."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class WebhookReceiver:
    """What has arrived at ``url``. ``answers`` are the statuses of the next answers; then 200."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.calls: list[dict[str, Any]] = []
        self.answers: list[int] = []

    @property
    def events(self) -> list[dict[str, Any]]:
        return [event for call in self.calls for event in call["Events"]]

    def wait_for(self, calls: int) -> None:
        """Wait until so many calls have arrived."""
        until = time.monotonic() + 20
        while len(self.calls) < calls:
            assert time.monotonic() < until, f"{len(self.calls)} calls have arrived"
            time.sleep(0.02)


@contextmanager
def receiving() -> Iterator[WebhookReceiver]:
    """Listen while the block lasts."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.calls.append(json.loads(body))
            self.send_response(receiver.answers.pop(0) if receiver.answers else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver = WebhookReceiver(f"http://127.0.0.1:{server.server_address[1]}/hook")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
