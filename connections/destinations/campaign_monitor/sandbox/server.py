"""Run the sandbox process: HTTP and HTTPS servers, faults that need a socket, and the certificate for
``localhost``, which is created once and kept beside the journal file."""

import contextlib
import gc
import signal
import socket
import ssl
import threading
import time
import traceback
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import connections.destinations.campaign_monitor.sandbox.api  # noqa: F401 - registers the handlers
from connections.destinations.campaign_monitor.sandbox import calls, control, faults, pages
from connections.destinations.campaign_monitor.sandbox.calls import Caller
from connections.destinations.campaign_monitor.sandbox.faults import Rule
from connections.destinations.campaign_monitor.sandbox.http_messages import Answer, ApiError, Reply, Request
from connections.destinations.campaign_monitor.sandbox.model import clock, now
from connections.destinations.campaign_monitor.sandbox.oauth import TOKEN_PATH
from connections.destinations.campaign_monitor.sandbox.sandbox import LoggedCall, Sandbox

# This share of a call's latency passes first; the rest once it has done what was asked, and counts that in.
_LATENCY_BEFORE_EFFECT = 0.5
_WORTH_COMPRESSING = 1_400
_LARGEST_BODY = 64 * 1024 * 1024
_IDLE_SECONDS = 300
_DAYS = 825
_CLOCK_TOLERANCE = timedelta(hours=12)


@dataclass(frozen=True)
class Addresses:
    """The addresses of a running sandbox; clients of ``https`` must trust ``certificate``."""

    http: str
    https: str = ""
    certificate: Path | None = None


def run(
    path: Path,
    *,
    host: str,
    port: int,
    tls_port: int | None = None,
    latency_ms: float = 0,
    open_doors: bool = False,
    on_ready: Callable[[Addresses], None],
) -> None:
    """Serve until SIGINT or SIGTERM. Port 0 takes any free one; ``on_ready`` gets the addresses. Raises OSError
    when a port is in use and FileInUse when the journal file is."""
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: ended.set())
    sandbox = Sandbox.on(path, latency_ms=latency_ms, open_doors=open_doors)
    _exempt_from_garbage_collection()
    with contextlib.closing(sandbox.store), _serving(sandbox, path, host, port, tls_port) as addresses:
        on_ready(addresses)
        ended.wait()


@contextlib.contextmanager
def _serving(sandbox: Sandbox, path: Path, host: str, port: int, tls_port: int | None) -> Iterator[Addresses]:
    with contextlib.ExitStack() as stack:
        plain = stack.enter_context(SandboxServer((host, port), sandbox))
        plain.serve_in_background()
        stack.callback(plain.shutdown)
        shown = f"[{host}]" if ":" in host else host
        http = f"http://{shown}:{plain.server_address[1]}"
        if tls_port is None:
            yield Addresses(http)
            return
        context, trusted = tls_context(path)
        secure = stack.enter_context(SandboxServer((host, tls_port), sandbox, context))
        secure.serve_in_background()
        stack.callback(secure.shutdown)
        yield Addresses(http, f"https://localhost:{secure.server_address[1]}", trusted)


def _exempt_from_garbage_collection() -> None:
    """Freeze the garbage collector's generations: subscribers form no cycles, and scanning a million of them is
    slow."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


class SandboxServer(ThreadingHTTPServer):
    """A server for one port, with a thread for each connection. With ``tls`` it speaks HTTPS; handshakes run in
    those threads."""

    daemon_threads = True
    request_queue_size = 1024
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], sandbox: Sandbox, tls: ssl.SSLContext | None = None) -> None:
        self.sandbox = sandbox
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, Handler)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore dropped connections."""

    def serve_in_background(self) -> threading.Thread:
        thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
        thread.start()
        return thread


class Handler(BaseHTTPRequestHandler):
    """Handles the requests of one kept-alive connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = _IDLE_SECONDS
    server: SandboxServer

    def handle_any(self) -> None:
        """Route a request by its path."""
        path, _, query = self.path.partition("?")
        if path.lower().startswith("/api/") or path == TOKEN_PATH:
            self._api(path, query)
            return
        request = self._request(path, query)
        if path.startswith(control.PREFIX):
            self._send(control.handle_control_request(self.server.sandbox, request))
        else:
            self._send(pages.handle_page_request(self.server.sandbox, request))

    do_GET = do_POST = do_PUT = do_DELETE = handle_any

    def log_message(self, format: str, *args: Any) -> None:
        """Keep the terminal quiet: the call log is on a page."""

    def _api(self, path: str, query: str) -> None:
        rule = self.server.sandbox.faults.rule_for_call(self.command, path)
        with self.server.sandbox.log.count_in_flight():
            reply = self._perform(path, query, rule)
        if reply is None:
            self.close_connection = True
        else:
            self._deliver(reply, rule)

    def _perform(self, path: str, query: str, rule: Rule | None) -> Reply | None:
        """Perform a call and log it. Returns None when the connection is dropped instead."""
        sandbox, started = self.server.sandbox, time.perf_counter()
        entry = LoggedCall(at=now(), method=self.command, path=f"{path}?{query}" if query else path)
        entry.fault = rule.kind if rule else ""
        if rule and rule.kind == "drop" and not rule.applied:
            sandbox.log.add(entry)
            return None
        request = self._request(path, query)
        takes = sandbox.faults.seconds(rule)
        time.sleep(takes * _LATENCY_BEFORE_EFFECT)
        answer, caller = self._answer(request, rule)
        reply = self._reply(answer, request, rule)
        time.sleep(max(0.0, started + takes - time.perf_counter()))
        answered = rule is None or rule.kind not in {"drop", "hang"}
        entry.rows, entry.caller = answer.rows, caller.kind if caller else ""
        entry.status, entry.bytes_out = (answer.status, len(reply.body)) if answered else (0, 0)
        entry.code = answer.code if answered else 0
        entry.bytes_in = len(request.body)
        entry.ms = round((time.perf_counter() - started) * 1000, 2)
        # Before the reply, so that its receiver finds the call in the log.
        sandbox.log.add(entry)
        return reply

    def _answer(self, request: Request, rule: Rule | None) -> tuple[Answer, Caller | None]:
        """Return the answer of the API, or of a fault. Calls that a fault does not apply never reach the API."""
        spoils = rule is not None and (rule.kind in faults.REFUSING or rule.kind == "foreign")
        caller, answer = None, Answer()
        if not spoils or (rule and rule.applied):
            try:
                answer, caller = calls.handle_api_request(self.server.sandbox, request)
            except Exception as error:
                traceback.print_exception(error)  # a mistake of ours: to the terminal
                answer = ApiError(500, status=500).answer
        if rule and spoils:
            answer = faults.refusal_answer(rule, rows=answer.rows)
        elif rule and rule.kind == "rewrite_answer":
            answer = faults.rewrite_answer(answer, rule.values)
        return answer, caller

    def _reply(self, answer: Answer, request: Request, rule: Rule | None) -> Reply:
        if rule and (rule.kind == "foreign" or (rule.kind == "error" and rule.html)):
            return faults.foreign_page(answer.status, answer.headers)
        reply = Reply(answer.status, answer.body(pretty="pretty=true" in request.query.lower()))
        if rule and rule.kind == "byte_order_mark":
            reply.body = faults.BYTE_ORDER_MARK + reply.body
        reply.headers |= answer.headers
        if len(reply.body) > _WORTH_COMPRESSING and "gzip" in request.headers.get("accept-encoding", ""):
            reply.body = zlib.compress(reply.body, 1, wbits=31)
            reply.headers["Content-Encoding"] = "gzip"
        return reply

    def _deliver(self, reply: Reply, rule: Rule | None) -> None:
        """Send the reply, as far as the fault allows."""
        kind = rule.kind if rule else ""
        if kind in {"drop", "hang", "cut_short"}:
            self.close_connection = True
        if rule and kind == "hang":
            time.sleep(rule.seconds)
        if kind not in {"drop", "hang"}:
            self._send(reply, cut=kind == "cut_short")

    def _request(self, path: str, query: str) -> Request:
        headers = {name.lower(): value for name, value in self.headers.items()}
        return Request(self.command, path, query, headers, self._body(headers), _is_local(self.client_address[0]))

    def _body(self, headers: dict[str, str]) -> bytes:
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return self._chunks()
        length = int(headers.get("content-length") or 0)
        if not 0 <= length <= _LARGEST_BODY:
            self.close_connection = True
            return b""
        return self.rfile.read(length)

    def _chunks(self) -> bytes:
        parts: list[bytes] = []
        while size := int(self.rfile.readline().split(b";")[0].strip() or b"0", 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return b"".join(parts)

    def _send(self, reply: Reply, *, cut: bool = False) -> None:
        """Send head and body in one write, so that they fit one packet if possible."""
        lines = [f"HTTP/1.1 {reply.status} {self.responses.get(reply.status, ('',))[0]}"]
        if reply.body:
            lines.append(f"Content-Type: {reply.content_type}")
        lines += [f"{name}: {value}" for name, value in reply.headers.items()]
        lines += [
            f"Content-Length: {len(reply.body)}",
            f"Date: {self.date_time_string(time.time() + clock.offset.total_seconds())}",
        ]
        lines.append(f"Connection: {'close' if self.close_connection else 'keep-alive'}")
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        body = reply.body[: len(reply.body) // 2] if cut else reply.body
        self.wfile.write(head + body)


def _is_local(peer: str) -> bool:
    return ip_address(peer.partition("%")[0]).is_loopback


def tls_context(beside: Path) -> tuple[ssl.SSLContext, Path]:
    """Return the TLS context and the certificate file that clients must trust."""
    certificate = beside.with_name(f"{beside.stem}-certificate.pem")
    key = beside.with_name(f"{beside.stem}-key.pem")
    if not (certificate.exists() and key.exists()) or _expires_soon(certificate):
        _make(certificate, key)
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.minimum_version = ssl.TLSVersion.TLSv1_2
    served.load_cert_chain(certificate, key)
    return served, certificate


def _expires_soon(certificate: Path) -> bool:
    from cryptography import x509

    loaded = x509.load_pem_x509_certificate(certificate.read_bytes())
    return loaded.not_valid_after_utc < datetime.now(UTC) + timedelta(days=1)


def _make(certificate: Path, key: Path) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    private_key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    known_as = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    moment = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private_key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(moment - _CLOCK_TOLERANCE)
        .not_valid_after(moment + timedelta(days=_DAYS))
        .add_extension(x509.SubjectAlternativeName(known_as), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(private_key, hashes.SHA256())
    )
    key.touch(mode=0o600)
    key.write_bytes(
        private_key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
