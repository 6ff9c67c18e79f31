"""The sockets: requests in, replies out, and the trouble that only a socket can make."""

import socket
import ssl
import threading
import time
import traceback
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from typing import Any

from connections.destinations.campaign_monitor.sandbox import control, dispatch, fault_answers, pages
from connections.destinations.campaign_monitor.sandbox.answers import Answer, ApiError
from connections.destinations.campaign_monitor.sandbox.calls import Caller
from connections.destinations.campaign_monitor.sandbox.faults import Rule
from connections.destinations.campaign_monitor.sandbox.http_messages import Reply, Request
from connections.destinations.campaign_monitor.sandbox.log import Entry
from connections.destinations.campaign_monitor.sandbox.model import clock, now
from connections.destinations.campaign_monitor.sandbox.oauth import TOKEN_PATH
from connections.destinations.campaign_monitor.sandbox.sandbox import Sandbox

# This share of a call's latency passes first; the rest once it has done what was asked, and counts that in.
_BEFORE_IT_TAKES_EFFECT = 0.5
_WORTH_COMPRESSING = 1_400
_LARGEST_BODY = 64 * 1024 * 1024
_IDLE_SECONDS = 300


class SandboxServer(ThreadingHTTPServer):
    """One port, a thread for each connection. With ``tls`` it speaks HTTPS; hands are shaken in those threads."""

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
        """Callers come and go as they like; that is not worth a line."""

    def serve_in_background(self) -> threading.Thread:
        thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
        thread.start()
        return thread


class Handler(BaseHTTPRequestHandler):
    """One connection, kept alive."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = _IDLE_SECONDS
    server: SandboxServer

    def handle_any(self) -> None:
        """Answer whatever came, by where it goes."""
        path, _, query = self.path.partition("?")
        if path.lower().startswith("/api/") or path == TOKEN_PATH:
            self._api(path, query)
            return
        request = self._request(path, query)
        if path.startswith(control.PREFIX):
            self._send(control.through(self.server.sandbox, request))
        else:
            self._send(pages.through(self.server.sandbox, request))

    do_GET = do_POST = do_PUT = do_DELETE = handle_any

    def log_message(self, format: str, *args: Any) -> None:
        """The log of calls is on its page, not on the terminal."""

    def _api(self, path: str, query: str) -> None:
        rule = self.server.sandbox.faults.on_the_wire(self.command, path)
        with self.server.sandbox.log.one_more_under_way():
            reply = self._take(path, query, rule)
        if reply is None:
            self.close_connection = True
        else:
            self._deliver(reply, rule)

    def _take(self, path: str, query: str, rule: Rule | None) -> Reply | None:
        """Do what is asked for, and note it; None when the line ends instead."""
        sandbox, started = self.server.sandbox, time.perf_counter()
        entry = Entry(at=now(), method=self.command, path=f"{path}?{query}" if query else path)
        entry.fault = rule.kind if rule else ""
        if rule and rule.kind == "drop" and not rule.applied:
            sandbox.log.add(entry)
            return None
        request = self._request(path, query)
        takes = sandbox.faults.seconds(rule)
        time.sleep(takes * _BEFORE_IT_TAKES_EFFECT)
        answer, caller = self._answer(request, rule)
        reply = self._reply(answer, request, rule)
        time.sleep(max(0.0, started + takes - time.perf_counter()))
        answered = rule is None or rule.kind not in {"drop", "hang"}
        entry.rows, entry.caller = answer.rows, caller.kind if caller else ""
        entry.status, entry.bytes_out = (answer.status, len(reply.body)) if answered else (0, 0)
        entry.code = answer.code if answered else 0
        entry.bytes_in = len(request.body)
        entry.ms = round((time.perf_counter() - started) * 1000, 2)
        # Before the answer leaves, so that whoever has it finds the call in the log.
        sandbox.log.add(entry)
        return reply

    def _answer(self, request: Request, rule: Rule | None) -> tuple[Answer, Caller | None]:
        """The API's answer, or what trouble makes of it. What is not to be applied never reaches the API."""
        spoils = rule is not None and (rule.kind in fault_answers.REFUSING or rule.kind == "foreign")
        caller, answer = None, Answer()
        if not spoils or (rule and rule.applied):
            try:
                answer, caller = dispatch.through(self.server.sandbox, request)
            except Exception as error:
                traceback.print_exception(error)  # a mistake of ours: to the terminal
                answer = ApiError(500, status=500).answer
        if rule and spoils:
            answer = fault_answers.refusal(rule, rows=answer.rows)
        elif rule and rule.kind == "rewrite_answer":
            answer = fault_answers.rewrite(answer, rule.values)
        return answer, caller

    def _reply(self, answer: Answer, request: Request, rule: Rule | None) -> Reply:
        if rule and (rule.kind == "foreign" or (rule.kind == "error" and rule.html)):
            return fault_answers.page(answer.status, answer.headers)
        reply = Reply(answer.status, answer.body(pretty="pretty=true" in request.query.lower()))
        if rule and rule.kind == "byte_order_mark":
            reply.body = fault_answers.BYTE_ORDER_MARK + reply.body
        reply.headers |= answer.headers
        if len(reply.body) > _WORTH_COMPRESSING and "gzip" in request.headers.get("accept-encoding", ""):
            reply.body = zlib.compress(reply.body, 1, wbits=31)
            reply.headers["Content-Encoding"] = "gzip"
        return reply

    def _deliver(self, reply: Reply, rule: Rule | None) -> None:
        """Send the reply, as far as trouble lets it."""
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
        """Head and body in one write, so that they travel in one packet where they fit."""
        lines = [f"HTTP/1.1 {reply.status} {self.responses.get(reply.status, ('',))[0]}"]
        if reply.body:
            lines.append(f"Content-Type: {reply.content_type}")
        lines += [f"{name}: {value}" for name, value in reply.headers.items()]
        lines += [
            f"Content-Length: {len(reply.body)}",
            f"Date: {self.date_time_string(time.time() + clock.ahead.total_seconds())}",
        ]
        lines.append(f"Connection: {'close' if self.close_connection else 'keep-alive'}")
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        body = reply.body[: len(reply.body) // 2] if cut else reply.body
        self.wfile.write(head + body)


def _is_local(peer: str) -> bool:
    return ip_address(peer.partition("%")[0]).is_loopback
