"""Post a message to the receiver of a webhook: to a checked address, without redirects, within a time limit.

An address that an administrator enters must not lead inside the network, so it is resolved and checked at each
request, and the connection goes to the checked address.
"""

import socket
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from ipaddress import ip_address
from typing import Any
from urllib.parse import SplitResult, urlsplit

import requests
from django.conf import settings
from django.utils.translation import gettext as _
from urllib3.exceptions import HTTPError

from config.platform.checked_address import CheckedAddress
from config.platform.hosts import HostRefused, resolve_host

_CONNECT_SECONDS = 5.0
_MOST_BYTES = 4096
_LONGEST_RETRY_AFTER = 3600


class WrongAddress(Exception):
    """Nothing can be sent to the address of a webhook; the message says why, for users."""


@dataclass(frozen=True)
class Answer:
    """The result of a request: the status of the receiver, if it answered, or why it did not."""

    http_status: int | None
    problem: str
    duration_ms: int
    retry_after: int = 0

    @property
    def is_accepted(self) -> bool:
        return not self.problem

    @property
    def is_gone(self) -> bool:
        """Whether the receiver says that nothing must be sent there again."""
        return self.http_status == HTTPStatus.GONE


def check_address(address: str) -> list[str]:
    """Return the addresses of the host of a webhook. Raises WrongAddress for one that is no web address, is
    internal and not listed, or is not encrypted though it is public."""
    parts = _parts(address)
    name = parts.hostname or ""
    try:
        found = resolve_host(name, allowed=settings.EVENT_WEBHOOK_HOSTS, setting="EVENT_WEBHOOK_HOSTS")
    except HostRefused as refusal:
        raise WrongAddress(str(refusal)) from refusal
    if parts.scheme == "http" and any(ip_address(each).is_global for each in found):
        raise WrongAddress(_("Enter an address that begins with https://."))
    return found


def post(address: str, body: bytes, headers: Mapping[str, str], *, seconds: float) -> Answer:
    """Post a message and return the answer, within ``seconds`` whatever the receiver does."""
    began = time.monotonic()
    try:
        addresses = check_address(address)
        status, retry_after = _post(address, addresses[0], body, headers, seconds)
    except WrongAddress as refusal:
        return Answer(None, str(refusal), _since(began))
    except requests.exceptions.SSLError:
        return Answer(None, _("The certificate of the receiver is not valid."), _since(began))
    except requests.Timeout:
        return Answer(None, _("The receiver did not answer in time."), _since(began))
    except (requests.RequestException, OSError):
        in_time = time.monotonic() - began < seconds
        words = _("The receiver could not be reached.") if in_time else _("The receiver did not answer in time.")
        return Answer(None, words, _since(began))
    return Answer(status, _problem_of(status), _since(began), retry_after)


def _problem_of(status: int) -> str:
    if 200 <= status < 300:
        return ""
    if 300 <= status < 400:
        return _("The receiver redirects (HTTP %(status)d). Enter the final address.") % {"status": status}
    if status == HTTPStatus.GONE:
        return _("The receiver no longer takes events (HTTP 410).")
    return _("The receiver answered with HTTP %(status)d.") % {"status": status}


def _post(address: str, checked: str, body: bytes, headers: Mapping[str, str], seconds: float) -> tuple[int, int]:
    limit = _TimeLimit(urlsplit(address).hostname or "", checked)
    timer = threading.Timer(seconds, limit.cut)
    timer.daemon = True
    timer.start()
    try:
        with requests.Session() as session:
            session.trust_env = False
            session.mount("https://", limit)
            session.mount("http://", limit)
            answer = session.post(
                address,
                data=body,
                headers={**headers, "User-Agent": f"{settings.PRODUCT_NAME}/{settings.VERSION}"},
                timeout=(min(_CONNECT_SECONDS, seconds), seconds),
                allow_redirects=False,
                stream=True,
            )
            if limit.is_cut:  # what came until then looks like an answer
                raise requests.Timeout
            with suppress(HTTPError, OSError):  # read, so that the receiver is not cut off in a short answer
                answer.raw.read(_MOST_BYTES)
            return answer.status_code, _retry_after(answer)
    finally:
        timer.cancel()
        limit.close_sockets()


class _TimeLimit(CheckedAddress):
    """Connects to a checked address, and can cut the connection: the timeouts of requests count each read alone,
    so that a receiver that answers byte by byte would hold a worker for hours."""

    def __init__(self, name: str, address: str) -> None:
        super().__init__(name, address)
        self._sockets: list[socket.socket] = []
        self.is_cut = False

    def get_connection_with_tls_context(self, *given: Any, **named: Any) -> Any:
        """Return a connection whose socket is noted."""
        pool = super().get_connection_with_tls_context(*given, **named)
        pool.ConnectionCls = _noting(pool.ConnectionCls, self._sockets)
        return pool

    def cut(self) -> None:
        """End the connection now, whatever it waits for."""
        self.is_cut = True
        for each in list(self._sockets):
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:  # it has ended
                continue

    def close_sockets(self) -> None:
        """Close the copies of the sockets."""
        for each in self._sockets:
            each.close()


def _noting(usual: Any, sockets: list[socket.socket]) -> type:
    """Return a class of connections like ``usual`` that adds a copy of each socket to ``sockets``."""

    def new_conn(connection: Any) -> socket.socket:
        made: socket.socket = usual._new_conn(connection)
        sockets.append(made.dup())
        return made

    return type("NotedConnection", (usual,), {"_new_conn": new_conn})


def _parts(address: str) -> SplitResult:
    try:
        parts = urlsplit(address)
        _port = parts.port
    except ValueError:
        raise _no_web_address() from None
    is_plain = parts.username is None and not parts.fragment and address.isascii() and address.isprintable()
    if parts.scheme not in ("http", "https") or not parts.hostname or not is_plain or " " in address:
        raise _no_web_address()
    return parts


def _no_web_address() -> WrongAddress:
    return WrongAddress(_("Enter a web address without a username, such as https://example.com/events."))


def _retry_after(answer: requests.Response) -> int:
    text = answer.headers.get("Retry-After", "")
    return min(int(text), _LONGEST_RETRY_AFTER) if text.isascii() and text.isdigit() and len(text) < 9 else 0


def _since(began: float) -> int:
    return int((time.monotonic() - began) * 1000)
