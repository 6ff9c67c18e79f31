"""Encrypt the socket of a server of a test, with a certificate of localhost that certifies itself."""

import socket
import ssl
from pathlib import Path

from tests.support.foreign_mariadb import write_certificate


def encrypted(listening: socket.socket, folder: Path) -> ssl.SSLSocket:
    """Return the socket with TLS; the certificate is ``server.crt`` in the folder."""
    write_certificate(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.crt", folder / "server.key")
    return context.wrap_socket(listening, server_side=True)
