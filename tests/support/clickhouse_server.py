"""Run a server of ClickHouse's HTTP protocol. It answers with what ClickHouse's engine answered when the answers
were recorded, byte by byte.

The engine is the package chdb-core-lite, which is too large to install for tests. Where it can be imported,
queries that are not recorded yet are run and recorded; delete the file of answers to record all again.
"""

import base64
import json
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.support.serving import serving
from tests.support.tls_server import encrypted

ANSWERS = Path(__file__).with_name("clickhouse_answers.json")
PASSWORD = "Zürich 'n\\ more"
_SHOP = (
    "CREATE DATABASE shop",
    "CREATE TABLE shop.customers (id UInt64, zip Nullable(String), name LowCardinality(Nullable(String)), "
    "email Nullable(String), age Nullable(UInt8), spent Nullable(Decimal(12, 2)), score Nullable(Float64), "
    "ok Nullable(Bool), born Nullable(Date32), seen Nullable(DateTime64(3, 'Europe/Helsinki')), "
    "tags Array(Nullable(String)), code Nullable(FixedString(2)), doc Map(String, String), ref Nullable(UUID)) "
    "ENGINE = MergeTree ORDER BY id",
    "INSERT INTO shop.customers VALUES "
    "(1, '01234', 'Aino', 'aino@example.com', 30, 12.5, 0.1, true, '1931-02-28', '2024-02-29 10:00:00.5', "
    "['a', 'b;c'], 'AB', {'a': '1'}, '00000000-0000-0000-0000-000000000001'), "
    "(2, '99', 'Väinö😀', '', 0, -0.05, 2000, false, '1990-02-28', '2024-06-30 10:00:00', [], NULL, {}, NULL), "
    "(3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, [NULL], NULL, {}, NULL)",
)
_SETTINGS = re.compile(r"FROM system\.settings LIMIT 10000")
_FEW_SETTINGS = (
    "FROM system.settings WHERE name IN ('readonly', 'max_execution_time', 'enable_http_compression', "
    "'cancel_http_readonly_queries_on_client_close', 'send_progress_in_http_headers')"
)
_FORMAT = re.compile(r"\s+FORMAT (\w+)\s*$")


@dataclass
class ClickhouseServer:
    """The server, and the settings that each request came with. ``redirect`` may lead a client elsewhere. With
    ``writes`` the server ignores the setting that only lets it read; with ``is_restricted`` the user may only
    read, and change no setting."""

    port: int = 0
    host: str = "localhost"
    user: str = "reader"
    password: str = PASSWORD
    database: str = "shop"
    redirect: str = ""
    certificate: str = ""
    writes: bool = False
    is_restricted: bool = False
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)


@contextmanager
def clickhouse_server(folder: Path | None = None, address: str = "127.0.0.1") -> Iterator[ClickhouseServer]:
    """Run the server until the block ends; with TLS where it has a folder for its certificate."""
    found = ClickhouseServer()
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    made = type("_Server", (ThreadingHTTPServer,), {"address_family": family})
    server = made((address, 0), type("_Handler", (_Handler,), {"server_of": found}))
    found.port = server.server_port
    if folder is not None:
        server.socket = encrypted(server.socket, folder)
        found.certificate = str(folder / "server.crt")
    with serving(server):
        yield found


class _Handler(BaseHTTPRequestHandler):
    server_of: ClickhouseServer
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        query = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        given = {name: values[-1] for name, values in parse_qs(urlsplit(self.path).query).items()}
        self.server_of.requests.append((query, given))
        if self.server_of.redirect:
            self.send_response(307)
            self.send_header("Location", self.server_of.redirect)
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif self.headers.get("Authorization") != self._authorization():
            self._answer("Code: 516. DB::Exception: reader: Authentication failed: password is incorrect.", b"")
        else:
            self._answer(*self._answer_of(query, given))

    def _answer_of(self, query: str, given: dict[str, str]) -> tuple[str, bytes]:
        if self.server_of.is_restricted:
            if changed := given.keys() & {"readonly", "max_execution_time"}:
                return (
                    f"Code: 164. DB::Exception: Cannot modify '{changed}' setting in readonly mode. (READONLY)",
                    b"",
                )
            return _answer_of(query, "1")
        return _answer_of(query, "0" if self.server_of.writes else given.get("readonly", "0"))

    def _authorization(self) -> str:
        pair = f"{self.server_of.user}:{self.server_of.password}"
        return f"Basic {base64.b64encode(pair.encode()).decode()}"

    def _answer(self, error: str, content: bytes) -> None:
        body = error.encode() if error else content
        self.send_response(500 if error else 200)
        self.send_header("X-ClickHouse-Timezone", "UTC")
        if found := re.match(r"Code: (\d+)", error):
            self.send_header("X-ClickHouse-Exception-Code", found[1])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Log nothing."""


def _answer_of(query: str, readonly: str) -> tuple[str, bytes]:
    """Return the error, or else the content that ClickHouse answers a query with."""
    query = " ".join(_SETTINGS.sub(_FEW_SETTINGS, query).split(" "))
    key = f"readonly={readonly} {query}"
    known = json.loads(ANSWERS.read_text(encoding="utf-8")) if ANSWERS.exists() else {}
    if key not in known:
        known[key] = _recorded(query, readonly)
        ANSWERS.write_text(
            json.dumps(known, indent=1, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8"
        )
    error, content = known[key]
    return error, base64.b64decode(content)


def _recorded(query: str, readonly: str) -> tuple[str, str]:
    output = found[1] if (found := _FORMAT.search(query)) else "TabSeparated"
    text = f"{_FORMAT.sub('', query)}\n SETTINGS readonly = {readonly}"
    try:
        content = _engine().query(text, output).bytes()
    except RuntimeError as error:  # of the engine
        return str(error), ""
    return "", base64.b64encode(content).decode()


@cache
def _engine() -> Any:
    from chdb import session  # type: ignore[import-not-found, unused-ignore]

    engine = session.Session()
    for statement in _SHOP:
        engine.query(statement)
    engine.query("USE shop")
    return engine
