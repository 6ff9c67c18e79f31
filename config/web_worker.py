"""A gunicorn worker class that reads requests with waitress.

Gunicorn manages the processes: it binds the socket, forks, and starts a process again that ends or falls silent.
Inside each process waitress accepts connections and reads requests in one event loop, and hands a request to a
thread only when all of it has arrived. A client that sends half a request holds a socket, not a thread.
"""

import logging
import os
import time
from typing import Any

from django.conf import settings
from gunicorn.workers.base import Worker
from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.server import create_server

# Seconds without a byte after which a connection with no request under way is closed.
IDLE_SECONDS = 30
# Connections that one process holds open at most; each takes a file descriptor.
CONNECTION_LIMIT = 900
# Bytes of a request's headers at most; waitress answers 431 above it.
HEADER_BYTES = 32 * 1024
# How often the loop tells gunicorn that this process is alive, in seconds.
_LOOP_SECONDS = 1.0


class WaitressWorker(Worker):  # type: ignore[misc]  # gunicorn ships no types
    """Serve the pages in one process, with as many requests at a time as gunicorn's setting ``threads`` says."""

    def run(self) -> None:
        """Serve until gunicorn asks this process to end, then finish the requests under way."""
        # A queue is normal when pages load their pictures; it is no warning for the log.
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)
        channels: dict[int, Any] = {}
        server = create_server(
            self.wsgi,
            map=channels,
            sockets=[listener.sock for listener in self.sockets],
            threads=self.cfg.threads,
            connection_limit=CONNECTION_LIMIT,
            channel_timeout=IDLE_SECONDS,
            cleanup_interval=5,
            max_request_header_size=HEADER_BYTES,
            max_request_body_size=settings.MAX_REQUEST_BYTES,
            # Django decides which proxies may set forwarded headers.
            clear_untrusted_proxy_headers=False,
            ident="",
        )
        while self.alive and self.ppid == os.getppid():
            self._serve(channels)
        self._drain(channels)
        server.task_dispatcher.shutdown(timeout=1)
        wasyncore.close_all(channels)

    def _serve(self, channels: dict[int, Any]) -> None:
        self.notify()
        wasyncore.loop(timeout=_LOOP_SECONDS, map=channels, use_poll=True, count=1)

    def _drain(self, channels: dict[int, Any]) -> None:
        """Accept no further connection, and answer what has arrived, within gunicorn's ``graceful_timeout``."""
        deadline = time.monotonic() + self.cfg.graceful_timeout
        for listener in [channel for channel in channels.values() if channel.accepting]:
            listener.accepting = False
        while time.monotonic() < deadline and any(_is_busy(channel) for channel in channels.values()):
            self._serve(channels)


def _is_busy(channel: Any) -> bool:
    """Return whether a request of this connection is being answered, or its answer has not left completely."""
    return isinstance(channel, HTTPChannel) and bool(channel.requests or channel.total_outbufs_len)
