"""The command line client and servers that are busy, that redirect, or that are no Segment Exports."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from urllib3.response import HTTPResponse

from config.client import api, runs
from tests.support.client_program import ClientProgram
from tests.support.serving import serving

EXPORT = {
    "id": 1,
    "name": "Readers",
    "segment_ids": [],
    "schedule_on": True,
    "connection_id": 1,
    "can_manage": True,
}
RUN = {"id": 5, "status": "queued", "stage": "check", "exit_code": None, "counts": {}}


class Server(ThreadingHTTPServer):
    """A server that answers POST with the given statuses, one after the other."""

    def __init__(self, *statuses: int) -> None:
        self.statuses: list[int] = list(statuses)
        self.keys: list[str] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self._answer(200, {"items": [EXPORT], "next_cursor": None})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.keys.append(self.headers["Idempotency-Key"])
        status = self.server.statuses.pop(0)
        self._answer(status, RUN if status == 201 else {"detail": "Later.", "code": "busy"})

    def _answer(self, status: int, body: object) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), "Retry-After": "0"}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *arguments: object) -> None:
        """Print nothing."""


@pytest.fixture
def client_program(tmp_path: Path) -> ClientProgram:
    return ClientProgram(tmp_path, token="sgx_x")


def test_a_busy_server_is_asked_again_with_the_same_key(client_program: ClientProgram) -> None:
    server = Server(429, 503, 201)
    with serving(server):
        ended = client_program("run", "Readers", SEGMENT_EXPORTS_URL=server.url)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == "Readers: run 5 – Queued\n"
    assert len(server.keys) == 3
    assert len(set(server.keys)) == 1


def test_it_does_not_wait_for_hours() -> None:
    response = HTTPResponse(headers={"Retry-After": "7200"}, status=429)
    assert api._Retry().get_retry_after(response) == api.LONGEST_PAUSE
    assert api._Retry().get_retry_after(HTTPResponse(headers={}, status=429)) is None


def test_a_server_that_fails_is_an_error(client_program: ClientProgram) -> None:
    server = Server(500)
    with serving(server):
        ended = client_program("run", "Readers", "--wait", SEGMENT_EXPORTS_URL=server.url)
    assert (ended.returncode, ended.stderr) == (1, "segment-exports: Later.\n")


def test_a_run_is_followed_while_the_server_restarts() -> None:
    answers: list[tuple[int, object]] = [
        (503, {"detail": "Starting."}),
        (502, {}),
        (200, RUN | {"status": "successful", "exit_code": 0}),
    ]

    class Restarting(_Handler):
        def do_GET(self) -> None:
            self._answer(*answers.pop(0))

    restarting = ThreadingHTTPServer(("127.0.0.1", 0), Restarting)
    with serving(restarting):
        server = api.Api(f"http://127.0.0.1:{restarting.server_port}", "sgx_x", attempts=0)
        ended = runs.follow(server, "runs", dict(RUN), lambda _run: None)
    assert (ended["exit_code"], answers) == (0, [])
    assert api.ServerError("No.", status=404).is_away is False


def test_a_redirect_is_not_followed(client_program: ClientProgram) -> None:
    class Redirect(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(301)
            self.send_header("Location", "https://other.example.com/")
            self.send_header("Content-Length", "0")
            self.end_headers()

        log_message = _Handler.log_message

    redirecting = ThreadingHTTPServer(("127.0.0.1", 0), Redirect)
    with serving(redirecting):
        ended = client_program("status", SEGMENT_EXPORTS_URL=f"http://127.0.0.1:{redirecting.server_port}")
    assert ended.returncode == 1
    assert "correct SEGMENT_EXPORTS_URL" in ended.stderr


@pytest.mark.parametrize(
    ("url", "said"), [("http://127.0.0.1:9", "does not answer"), ("ftp://x", "Set SEGMENT_EXP")]
)
def test_what_cannot_be_reached_is_an_error(client_program: ClientProgram, url: str, said: str) -> None:
    ended = client_program("status", SEGMENT_EXPORTS_URL=url)
    assert ended.returncode == 1
    assert said in ended.stderr
