"""A guarded process connects only to the addresses that were checked. Each case runs in a process of its own."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from segments.sources.databases.warehouses import address_guard

_PROGRAM = """
import os, pty, socket, subprocess, sys
sys.path.append({folder!r})
import address_guard
real = socket.getaddrinfo
def fake(host, *arguments, **named):
    known = {{"files.example.com": "93.184.216.34", "bad.example.com": "169.254.169.254"}}
    return real(known.get(host, host), *arguments, **named)
socket.getaddrinfo = fake
address_guard.allow_only({{"db.example.com": ["127.0.0.1"]}}, {port}, (".example.com",))
try:
    print({action})
except Exception as error:
    print(type(error).__name__, error)
"""


@pytest.fixture
def port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def outcome(port: int, action: str) -> str:
    folder = str(Path(address_guard.__file__).parent)
    program = _PROGRAM.format(folder=folder, port=port, action=action.replace("PORT", str(port)))
    return subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True).stdout


def test_a_checked_name_leads_to_its_checked_address(port: int) -> None:
    for name in ("db.example.com", "DB.example.com."):
        action = f"socket.create_connection(({name!r}, PORT)).getpeername()"
        assert outcome(port, action) == f"('127.0.0.1', {port})\n"


@pytest.mark.parametrize(
    "action",
    [
        "socket.create_connection(('localhost', PORT))",  # a name that was not checked
        "socket.create_connection(('127.0.0.2', PORT))",
        "socket.create_connection(('db.example.com', PORT + 1))",
        "socket.socket().connect(('127.0.0.2', PORT))",  # without resolving a name
        "socket.socket().connect_ex(('169.254.169.254', 80))",
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'a', ('127.0.0.1', 53))",
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendmsg([b'a'], [], 0, ('127.0.0.1', 53))",
        "socket.gethostbyname('localhost')",
        "socket.gethostbyname_ex('db.example.com')",
        "socket.socket(socket.AF_UNIX).connect('/tmp/socket')",
        "socket.getaddrinfo('bad.example.com', PORT)",  # fits an allowed end, but is internal
        "socket.getaddrinfo('example.org', PORT)",
    ],
)
def test_every_other_connection_is_refused(port: int, action: str) -> None:
    found = outcome(port, action)
    assert (found.split()[0], "is not allowed" in found) == ("AddressRefused", True)


@pytest.mark.parametrize(
    "action",
    [
        "subprocess.run(['/bin/true'])",
        "os.execv('/bin/true', ['true'])",
        "os.posix_spawn('/bin/true', ['true'], {})",
        "os.spawnv(os.P_WAIT, '/bin/true', ['true'])",
        "os.system('true')",
        "os.fork()",
        "os.forkpty()",
        "pty.spawn('/bin/true')",
    ],
)
def test_another_process_is_refused(port: int, action: str) -> None:
    assert outcome(port, action) == "ProcessRefused starting a process is not allowed\n"


def test_an_allowed_end_of_a_name_may_lead_to_a_public_address(port: int) -> None:
    assert "'93.184.216.34'" in outcome(port, "socket.getaddrinfo('files.example.com', PORT)")
