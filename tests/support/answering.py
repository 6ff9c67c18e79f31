"""Run a server that gives prepared answers, and notes what it was asked."""

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread


@dataclass
class AnsweringServer:
    """The server at a port of this machine, and the headers of the requests that it got, in lower case."""

    port: int
    asked: list[dict[str, str]] = field(default_factory=list)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def answering(
    *answers: tuple[int, bytes], headers: Mapping[str, str] | None = None, certified_by: Path | None = None
) -> Iterator[AnsweringServer]:
    """Answer with one status and body after the other, and then with the last of them. ``certified_by`` is the
    folder of a certificate: the server speaks TLS then."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answers[min(len(found.asked), len(answers) - 1)]
            found.asked.append({name.lower(): value for name, value in self.headers.items()})
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if certified_by is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certified_by / "server.crt", certified_by / "server.key")
            server.socket = context.wrap_socket(server.socket, server_side=True)
        found = AnsweringServer(server.server_port)
        Thread(target=server.serve_forever, daemon=True).start()
        yield found
        server.shutdown()
