"""A proxy in front of the test database that can be cut off: nothing passes then, and no connection breaks.

::

    with database_proxy() as proxy:
        workers.start("jobs", DATABASE_URL=proxy.url)
        proxy.cut_off()
        …
        proxy.restore()
"""

import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

from django.db import connection

from tests.support.workers import database_url_of_tests

_PORT = 5432
_CHUNK = 65_536


class DatabaseProxy:
    """Forwards each connection to the server's socket, by two threads."""

    def __init__(self, folder: Path) -> None:
        connection.ensure_connection()
        self._server = connection.connection.info  # where the real one listens
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / f".s.PGSQL.{_PORT}"))
        self._listener.listen()
        self._passes = threading.Event()
        self._passes.set()
        account = urlsplit(database_url_of_tests())
        user, _at, _host = account.netloc.rpartition("@")
        self.url = account._replace(netloc=f"{user}@", query=f"host={folder}").geturl()
        threading.Thread(target=self._accept, daemon=True).start()

    def cut_off(self) -> None:
        """Let nothing pass from now on."""
        self._passes.clear()

    def restore(self) -> None:
        """Let everything pass again, also what was held back."""
        self._passes.set()

    def close(self) -> None:
        """Accept no further connection, and let those end that are open."""
        self.restore()
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):  # the listener is closed
            while True:
                client, _address = self._listener.accept()
                server = _connected(self._server.host, self._server.port)
                for source, target in ((client, server), (server, client)):
                    threading.Thread(target=self._forward, args=(source, target), daemon=True).start()

    def _forward(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while received := source.recv(_CHUNK):
                self._passes.wait()
                target.sendall(received)
        self._passes.wait()
        for each in (source, target):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


def _connected(host: str, port: int) -> socket.socket:
    """A connection to a server that listens on TCP, or on a socket in the folder ``host``."""
    if not host.startswith("/"):
        return socket.create_connection((host, port))
    server = socket.socket(socket.AF_UNIX)
    server.connect(f"{host}/.s.PGSQL.{port}")
    return server


@contextmanager
def database_proxy() -> Iterator[DatabaseProxy]:
    """A proxy on a socket of its own, gone with the block."""
    with tempfile.TemporaryDirectory(prefix="db-proxy-") as folder:
        proxy = DatabaseProxy(Path(folder))
        try:
            yield proxy
        finally:
            proxy.close()
