"""Ports: whether they are free before the start, and who answers on them after it."""

import errno
import http.client
import json
import socket
from contextlib import closing, suppress

from django.conf import settings

from config.standalone.folders import CannotStart

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def check_ports() -> None:
    """Raise CannotStart when a port that we need is not to be had."""
    _check_port(settings.HOST, settings.PORT, "PORT")
    if settings.DEMO:
        _check_port("127.0.0.1", settings.SANDBOX_PORT, "SANDBOX_PORT")


def _check_port(host: str, port: int, setting: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with closing(socket.socket(family)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            problem = f"is taken; choose another with {setting}" if taken else f"cannot be used: {error.strerror}"
            raise CannotStart(f"Port {port} of {host} {problem}.") from error


class Readiness:
    """Asks the pages whether all parts are ready; ``missing`` keeps the last answer, in words."""

    missing = ""

    def __call__(self) -> bool:
        return self._pages() and (not settings.DEMO or _accepts("127.0.0.1", settings.SANDBOX_PORT))

    def _pages(self) -> bool:
        connection = http.client.HTTPConnection(_reachable_host(), settings.PORT, timeout=5)
        try:
            connection.request("GET", "/readyz", headers={"Host": "localhost"})
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
        with suppress(ValueError, KeyError, TypeError, AttributeError):
            found = json.loads(body)["checks"]
            self.missing = " ".join(f"{name}: {it['message']}" for name, it in found.items() if not it["ok"])
        return answer.status == http.client.OK


def _accepts(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


def _reachable_host() -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.HOST, settings.HOST)  # noqa: S104


def shown_host() -> str:
    """Return what a person on this machine types."""
    return "localhost" if settings.HOST in _LOOPBACK else _reachable_host()
