"""Run a MariaDB server with a shop in it, where the program is on this machine; and a server that wants files."""

import shutil
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support.workers import free_port

PASSWORD = "Zürich 'n\\ more"
_SHOP = """
CREATE DATABASE shop CHARACTER SET utf8mb4; USE shop;
DROP USER IF EXISTS ''@'localhost';
CREATE TABLE customers (
  id bigint PRIMARY KEY, zip varchar(10), name varchar(50), email varchar(80) COLLATE utf8mb4_bin,
  age int unsigned, spent decimal(12,2), ok tinyint(1), born date, seen datetime(3), doc json);
INSERT INTO customers VALUES
  (1, '01234', 'Väinö😀', 'vaino@example.com', 30, 12.50, 1, '1990-02-28', '2024-02-29 10:00:00.5', '{"a":1}'),
  (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
CREATE TABLE salaries (id int);
CREATE TABLE orders (id int PRIMARY KEY);
INSERT INTO orders VALUES (1);
SET sql_mode = '';
CREATE TABLE shapes (
  id int PRIMARY KEY, day date, moment datetime, part date, big bigint unsigned, flag tinyint(1), tiny tinyint,
  bit_flag bit(1), price decimal(38,10), ratio float, lasts time, made year, one enum('a','b'), some set('x','y'),
  bytes varbinary(8), notes longtext, stamped timestamp NULL, doc json);
INSERT INTO shapes VALUES
  (1, '0000-00-00', '0000-00-00 00:00:00', '2024-00-15', 18446744073709551615, 2, -5, b'1',
   1234567890123456789012345678.0123456789, 1.1, '-838:59:59', 2024, 'b', 'x,y', 'AB', 'Łódź 😀',
   '2024-06-01 10:00', '{"a": [1, "ż"]}'),
  (2, '2024-02-29', '9999-12-31 23:59:59', '1000-01-01', 9223372036854775807, 1, 127, b'0', -0.05, 0, '10:00:00',
   1901, 'a', '', '', '', NULL, 'null');
DELIMITER //
CREATE FUNCTION wipe() RETURNS int MODIFIES SQL DATA BEGIN DELETE FROM orders; RETURN 1; END//
CREATE FUNCTION shortened(t text) RETURNS text NO SQL RETURN left(t, 3)//
DELIMITER ;
CREATE USER reader@'%%' IDENTIFIED BY '%s';
GRANT SELECT ON shop.customers TO reader@'%%';
GRANT SELECT ON shop.shapes TO reader@'%%';
GRANT EXECUTE, DELETE ON shop.* TO reader@'%%';
"""


@dataclass(frozen=True)
class ForeignMariadb:
    """The server; ``reader`` may read the table ``customers`` of the database ``shop``."""

    port: int
    certificate: str = ""
    user: str = "reader"
    password: str = PASSWORD
    host: str = "127.0.0.1"
    database: str = "shop"
    socket: str = ""

    def execute(self, sql: str) -> str:
        """Execute a statement as root. Returns the rows as text."""
        client = ["mariadb", "--no-defaults", "-u", "root", "-S", self.socket, "-N", "-e", sql, self.database]
        return subprocess.run(client, capture_output=True, check=True, text=True).stdout.strip()


@dataclass
class FileThief:
    """How often a server asked for a file, and what it got."""

    port: int
    asked: int = 0
    stolen: list[bytes] = field(default_factory=list)


def is_installed() -> bool:
    """Say whether this machine has the server's programs."""
    return all(map(shutil.which, ("mariadbd", "mariadb-install-db", "mariadb")))


@contextmanager
def foreign_mariadb(folder: Path) -> Iterator[ForeignMariadb]:
    """Run the server in a folder until the block ends."""
    port, data, path = free_port(), folder / "data", folder / "socket"
    write_certificate(folder)
    install = [
        "mariadb-install-db",
        "--no-defaults",
        f"--datadir={data}",
        "--auth-root-authentication-method=normal",
    ]
    subprocess.run([*install, "--skip-test-db"], capture_output=True, check=True)
    command = ["mariadbd", "--no-defaults", f"--datadir={data}", f"--socket={path}", f"--port={port}"]
    encrypted = [f"--ssl-cert={folder / 'server.crt'}", f"--ssl-key={folder / 'server.key'}"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--bind-address=127.0.0.1", "--user=root", *encrypted],
            stdout=log,
            stderr=log,
        )
    try:
        deadline = time.monotonic() + 30
        while not path.exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        client = ["mariadb", "--no-defaults", "--default-character-set=utf8mb4", "-u", "root", "-S", str(path)]
        shop = _SHOP % PASSWORD.replace("\\", "\\\\").replace("'", "\\'")
        subprocess.run(client, input=shop.encode(), capture_output=True, check=True)
        yield ForeignMariadb(port, str(folder / "server.crt"), socket=str(path))
    finally:
        process.terminate()
        process.wait(timeout=30)


def write_certificate(folder: Path) -> None:
    """Write a certificate of localhost that certifies itself, ``server.crt``, and its key ``server.key``."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "server.crt").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    (folder / "server.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    )


@contextmanager
def file_thief(path: Path) -> Iterator["FileThief"]:
    """Run a server of the protocol of MySQL that answers every statement with the request to send it a file (LOCAL
    INFILE)."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _address = listener.accept()
                with suppress(OSError, struct.error), connection:
                    _steal(connection, path, thief)

    thief = FileThief(listener.getsockname()[1])
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield thief
    finally:
        listener.close()


def _steal(connection: socket.socket, path: Path, thief: FileThief) -> None:
    connection.settimeout(10)
    capabilities = 0x000FA28D | 0x0080  # with LOCAL FILES
    greeting = (
        b"\x0a8.0.36\0" + struct.pack("<I", 1) + b"12345678\0" + struct.pack("<H", capabilities & 0xFFFF)
        + b"\x2d" + struct.pack("<H", 2) + struct.pack("<H", capabilities >> 16) + b"\x15" + b"\0" * 10
        + b"123456789012\0mysql_native_password\0"
    )  # fmt: skip
    _send(connection, 0, greeting)
    _receive(connection)
    _send(connection, 2, b"\0\0\0\x02\0\0\0")  # signed in
    while True:
        _number, packet = _receive(connection)
        if packet[:1] != b"\x03":  # no statement, such as COM_INIT_DB
            _send(connection, 1, b"\0\0\0\x02\0\0\0")
            continue
        thief.asked += 1
        _send(connection, 1, b"\xfb" + str(path).encode())
        number, content = _receive(connection)
        while content:
            thief.stolen.append(content)
            number, content = _receive(connection)
        _send(connection, number + 1, b"\0\0\0\x02\0\0\0")


def _send(connection: socket.socket, number: int, payload: bytes) -> None:
    connection.sendall(struct.pack("<I", len(payload))[:3] + bytes([number % 256]) + payload)


def _receive(connection: socket.socket) -> tuple[int, bytes]:
    head = _exactly(connection, 4)
    return head[3], _exactly(connection, int.from_bytes(head[:3], "little"))


def _exactly(connection: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        piece = connection.recv(size - len(found))
        if not piece:
            raise OSError("the client has left")
        found += piece
    return found
