"""The proxy of the production shape, as Debian's Caddy reads config/production/Caddyfile, in front of a server
that tells what it was asked."""

import json
import shutil
import socket
import ssl
import subprocess
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests
from django.conf import settings

from tests.support.waiting import wait_until
from tests.support.workers import free_port

pytestmark = pytest.mark.processes


class Echo(BaseHTTPRequestHandler):
    """Answers with the headers of the request."""

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = json.dumps({name.lower(): value for name, value in self.headers.items()}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with suppress(BrokenPipeError):  # the proxy gave up
            self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def echo_server() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


class Proxy:
    """A running proxy, with the ports of HTTP and HTTPS and the certificate of its authority."""

    def __init__(self, folder: Path) -> None:
        self.http, self.https = free_port(), free_port()
        self.log = folder / "log"
        self.authority = folder / "caddy" / "pki" / "authorities" / "local" / "root.crt"

    def url(self, path: str = "/") -> str:
        return f"https://localhost:{self.https}{path}"

    def is_ready(self) -> bool:
        if not self.authority.exists():
            return False
        try:
            return self.get("/").status_code in (200, 502)
        except requests.ConnectionError:
            return False

    def get(self, path: str, **options: object) -> requests.Response:
        return requests.get(self.url(path), verify=str(self.authority), timeout=10, **options)  # type: ignore[arg-type]


@contextmanager
def running(folder: Path, upstream: int) -> Iterator[Proxy]:
    """Run the proxy in front of a port."""
    program = shutil.which("caddy")
    assert program, "caddy is missing: `make test` installs it, or apt-get install caddy."
    made = Proxy(folder)
    environment = {
        "HOME": str(folder),
        "XDG_DATA_HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder),
        "SITE_ADDRESS": "localhost",
        "UPSTREAM": f"127.0.0.1:{upstream}",
        "HTTP_PORT": str(made.http),
        "HTTPS_PORT": str(made.https),
        "MAX_REQUEST": "1MB",
    }
    file = settings.BASE_DIR / "config" / "production" / "Caddyfile"
    with made.log.open("wb") as log:
        command = [program, "run", "--config", str(file), "--adapter", "caddyfile"]
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            wait_until(made.is_ready, seconds=30, tell=made.log.read_text)
            yield made
        finally:
            process.terminate()
            process.wait(timeout=20)


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with echo_server() as upstream, running(tmp_path_factory.mktemp("proxy"), upstream) as made:
        yield made


def test_http_is_redirected_to_https(proxy: Proxy) -> None:
    answer = requests.get(f"http://localhost:{proxy.http}/data/exports/", allow_redirects=False, timeout=10)
    assert answer.status_code in (301, 308)
    assert answer.headers["Location"].startswith("https://localhost")
    assert "Server" not in proxy.get("/").headers


def test_the_api_is_not_redirected_so_that_programs_notice(proxy: Proxy) -> None:
    url = f"http://localhost:{proxy.http}/api/v1/exports"
    answer = requests.get(url, headers={"Authorization": "Bearer x"}, allow_redirects=False, timeout=10)
    assert (answer.status_code, "Location" in answer.headers) == (403, False)
    assert "Use https" in answer.text


@pytest.mark.parametrize(
    ("version", "is_taken"), [(ssl.TLSVersion.TLSv1_1, False), (ssl.TLSVersion.TLSv1_2, True)]
)
def test_old_versions_of_tls_are_refused(proxy: Proxy, version: ssl.TLSVersion, is_taken: bool) -> None:
    context = ssl.create_default_context(cafile=str(proxy.authority))
    context.set_ciphers("DEFAULT:@SECLEVEL=0")  # lets this client offer the old ones at all
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = version
    with socket.create_connection(("localhost", proxy.https), timeout=10) as plain:
        if is_taken:
            context.wrap_socket(plain, server_hostname="localhost").close()
        else:
            with pytest.raises(ssl.SSLError, match=r"PROTOCOL_VERSION|protocol version"):
                context.wrap_socket(plain, server_hostname="localhost")


def test_headers_that_name_the_client_are_replaced(proxy: Proxy) -> None:
    forged = {"X-Forwarded-For": "10.9.8.7", "X-Forwarded-Proto": "http", "X-Forwarded-Host": "evil.example"}
    received = proxy.get("/", headers=forged).json()
    assert received["x-forwarded-for"] in ("127.0.0.1", "::1")
    assert received["x-forwarded-proto"] == "https"
    assert received["x-forwarded-host"] == f"localhost:{proxy.https}"


@pytest.mark.parametrize("path", ["/metrics", "/readyz", "/healthz"])
def test_addresses_for_machines_are_not_published(proxy: Proxy, path: str) -> None:
    assert proxy.get(path).status_code == 404


def test_a_request_that_is_too_large_is_refused(proxy: Proxy) -> None:
    answer = requests.post(proxy.url(), data=b"x" * 1_100_000, verify=str(proxy.authority), timeout=10)
    assert answer.status_code in (413, 502)  # 502 before Caddy 2.7


def test_headers_that_are_too_large_are_refused(proxy: Proxy) -> None:
    assert proxy.get("/", headers={"X-Long": "x" * 60_000}).status_code == 431


def test_a_client_that_sends_its_headers_slowly_is_cut_off(proxy: Proxy) -> None:
    with socket.create_connection(("127.0.0.1", proxy.http), timeout=20) as slow:
        slow.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
        received = slow.recv(200)
    assert received == b"" or received.startswith((b"HTTP/1.1 408", b"HTTP/1.1 400"))


def test_secrets_in_addresses_are_in_no_log_while_the_pages_are_away(tmp_path: Path) -> None:
    with running(tmp_path, free_port()) as proxy:
        for path in ("/hooks/lists/7/5ecret/", "/accounts/first/5ecret/", "/accounts/password/MQ/5ecret/?next=/"):
            assert proxy.get(path).status_code == 502
        wait_until(lambda: "/hooks/lists/7/" in proxy.log.read_text())
        assert "5ecret" not in proxy.log.read_text()
