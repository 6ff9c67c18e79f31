"""One sandbox process, from its first moment to its last."""

import contextlib
import gc
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from connections.destinations.campaign_monitor.sandbox import certificate
from connections.destinations.campaign_monitor.sandbox.sandbox import Sandbox
from connections.destinations.campaign_monitor.sandbox.server import SandboxServer


@dataclass(frozen=True)
class Addresses:
    """Where a running sandbox answers; ``certificate`` is what a client of ``https`` must trust."""

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
    tell: Callable[[Addresses], None],
) -> None:
    """Serve until SIGINT or SIGTERM. Port 0 takes any free one; ``tell`` hears which, once it answers. Raises
    OSError when a port is taken and journal.FileInUse when the file is."""
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: ended.set())
    sandbox = Sandbox.on(path, latency_ms=latency_ms, open_doors=open_doors)
    _exempt_from_garbage_collection()
    with contextlib.closing(sandbox.store), _serving(sandbox, path, host, port, tls_port) as addresses:
        tell(addresses)
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
        context, trusted = certificate.context(path)
        secure = stack.enter_context(SandboxServer((host, tls_port), sandbox, context))
        secure.serve_in_background()
        stack.callback(secure.shutdown)
        yield Addresses(http, f"https://localhost:{secure.server_address[1]}", trusted)


def _exempt_from_garbage_collection() -> None:
    """People make no cycles, so that looking through a million of them again and again finds nothing."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
