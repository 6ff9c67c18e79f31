"""A receiver of events: a real HTTP server on a free port that answers as a test says."""

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from django.test import override_settings

from tests.support.serving import serving


@dataclass
class Receiver:
    """What was received, and how it answers: with ``status``, after ``seconds``, ``size`` bytes of a body;
    ``drips`` sends the head byte by byte."""

    url: str
    posts: list[tuple[Mapping[str, str], bytes]] = field(default_factory=list)
    status: int = 200
    seconds: float = 0.0
    size: int = 0
    drips: bool = False
    headers: dict[str, str] = field(default_factory=dict)
    most_at_once: int = 0
    busy: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def documents(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _headers, body in self.posts]

    @property
    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _body in self.posts]

    @contextmanager
    def being_busy(self) -> Iterator[None]:
        """Count the requests that are answered at the same time."""
        with self.lock:
            self.busy += 1
            self.most_at_once = max(self.most_at_once, self.busy)
        yield
        with self.lock:
            self.busy -= 1


def handler_of(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    """Make the class that answers requests as a receiver says."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.posts.append(({name.lower(): text for name, text in self.headers.items()}, body))
            with receiver.being_busy():
                time.sleep(receiver.seconds)
            try:
                self._answer()
            except OSError:  # the sender has cut the connection
                return

        def _answer(self) -> None:
            if receiver.drips:
                for sign in b"HTTP/1.0 200 OK" * 1000:
                    self.wfile.write(bytes([sign]))
                    time.sleep(0.05)
            self.send_response(receiver.status)
            for name, text in receiver.headers.items():
                self.send_header(name, text)
            self.end_headers()
            for _block in range(receiver.size // 65536):
                self.wfile.write(b"x" * 65536)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    return Handler


@contextmanager
def event_receiver() -> Iterator[Receiver]:
    """Run a receiver, to which this system may send."""
    receiver = Receiver("")
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(receiver))
    server.daemon_threads = True
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}/events?key=hidden"
    with serving(server), override_settings(EVENT_WEBHOOK_HOSTS=["127.0.0.0/8"]):
        yield receiver
