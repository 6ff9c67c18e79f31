"""Clients that send half a request, against the processes that serve the pages."""

import contextlib
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from config.platform.accounts.models import User
from tests.faults.web_processes import Web, web_process

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]

HALF_HEADER = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Half: "
HALF_BODY = b"POST /accounts/sign-in/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nhalf"


@pytest.fixture
def web(tmp_path: Path, charlie: User) -> Iterator[Web]:
    with web_process(tmp_path, charlie) as web:
        yield web


@contextlib.contextmanager
def half_requests(web: Web, count: int, half: bytes) -> Iterator[list[socket.socket]]:
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.create_connection(("127.0.0.1", web.port))) for _ in range(count)]
        for each in sockets:
            each.sendall(half)
        yield sockets


@pytest.mark.parametrize("half", [HALF_HEADER, HALF_BODY], ids=["header", "body"])
def test_200_half_requests_do_not_delay_other_clients(web: Web, half: bytes) -> None:
    with half_requests(web, 200, half):
        seconds = []
        for _ in range(10):
            before = time.monotonic()
            assert requests.get(f"{web.address}/healthz", timeout=5).status_code == 200
            seconds.append(time.monotonic() - before)
    assert sorted(seconds)[5] < 1.0


def test_a_request_that_arrives_in_pieces_is_answered(web: Web) -> None:
    with half_requests(web, 1, HALF_HEADER) as (client,):
        time.sleep(0.2)
        client.sendall(b"done\r\nConnection: close\r\n\r\n")
        assert client.makefile("rb").readline() == b"HTTP/1.1 200 OK\r\n"


def test_a_header_without_end_is_refused(web: Web) -> None:
    with half_requests(web, 1, HALF_HEADER) as (client,):
        client.sendall(b"x" * 40_000)
        assert client.makefile("rb").readline().startswith(b"HTTP/1.0 431")


SMUGGLED = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
TWO_LENGTHS = (
    b"POST /healthz HTTP/1.1\r\nHost: localhost\r\n"
    b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" % (5 + len(SMUGGLED))
)


def test_a_request_with_two_lengths_smuggles_no_other(web: Web) -> None:
    """Where a proxy goes by one length and the server by the other, a client could put a request before those of
    others: so the server must not answer what follows."""
    with half_requests(web, 1, TWO_LENGTHS + SMUGGLED) as (client,):
        client.settimeout(5)
        answers = client.makefile("rb").read()
    assert answers.count(b"HTTP/1.") == 1
