"""Run a server of Trino's protocol over a shop in DuckDB: it runs queries that are written for Trino."""

import base64
import json
import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import duckdb
import sqlglot

from tests.support.serving import serving
from tests.support.tls_server import encrypted

PASSWORD = "Zürich 'n\\ more"
_PAGE = 1_000
_SHOP = """
CREATE TABLE customers (
  id bigint, zip varchar, name varchar, email varchar, age integer, spent decimal(12,2), score double, ok boolean,
  born date, seen timestamp, "at" timestamptz, tags varchar[], raw blob);
INSERT INTO customers VALUES
  (1, '01234', 'Aino', 'aino@example.com', 30, 12.50, 0.1, true, '1990-02-28', '2024-02-29 10:00:00.5',
   '2024-02-29 08:00:00.25+00', ['a', 'b;c'], 'AB'),
  (2, '99', 'Väinö😀', NULL, NULL, NULL, 2e3, false, NULL, NULL, NULL, [], NULL),
  (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
"""
_TYPES = {
    "BIGINT": "bigint",
    "INTEGER": "integer",
    "VARCHAR": "varchar",
    "DOUBLE": "double",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "TIMESTAMP": "timestamp(3)",
    "TIMESTAMP WITH TIME ZONE": "timestamp(3) with time zone",
    "VARCHAR[]": "array(varchar)",
    "BLOB": "varbinary",
}


@dataclass
class TrinoServer:
    """The server, and what it was asked. ``next_page`` may lead a client elsewhere."""

    port: int = 0
    certificate: str = ""
    next_page: str = ""
    canceled: int = 0
    host: str = "localhost"
    user: str = "reader"
    password: str = ""
    database: str = "shop.main"
    statements: list[tuple[str, str]] = field(default_factory=list)  # transaction and text
    headers: list[dict[str, str]] = field(default_factory=list)


@contextmanager
def trino_server(folder: Path | None = None) -> Iterator[TrinoServer]:
    """Run the server until the block ends; with TLS and a password where it has a folder for its certificate."""
    found = TrinoServer(password=PASSWORD if folder else "")
    connection = duckdb.connect()
    connection.execute("SET timezone = 'UTC'")
    connection.execute(_SHOP)
    handler = type("_Handler", (_Handler,), {"server_of": found, "database": connection, "results": {}})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    found.port = server.server_port
    if folder is not None:
        server.socket = encrypted(server.socket, folder)
        found.certificate = str(folder / "server.crt")
    with closing(connection), serving(server):
        yield found


class _Handler(BaseHTTPRequestHandler):
    server_of: TrinoServer
    database: duckdb.DuckDBPyConnection
    results: dict[str, list[dict[str, Any]]]
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        text = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if not self._is_authorized():
            return
        transaction = self.headers.get("X-Trino-Transaction-Id", "NONE")
        self.server_of.statements.append((transaction, text))
        if text.startswith("START TRANSACTION"):
            started = "read-only" if text == "START TRANSACTION READ ONLY" else "writing"
            self._answer({"stats": {"state": "FINISHED"}}, {"X-Trino-Started-Transaction-Id": started})
            return
        name = str(len(self.server_of.statements))
        self.results[name] = self._pages(text)
        self._answer({"stats": {"state": "QUEUED"}, "nextUri": self._address(name, 0)})

    def do_GET(self) -> None:
        if not self._is_authorized():
            return
        name, _slash, number = self.path.removeprefix("/v1/statement/").partition("/")
        pages = self.results[name]
        page = {"stats": {"state": "RUNNING"}, **pages[int(number)]}
        if int(number) + 1 < len(pages):
            page["nextUri"] = self.server_of.next_page or self._address(name, int(number) + 1)
        self._answer(page)

    def do_DELETE(self) -> None:
        self.server_of.canceled += 1
        self.send_response(204)
        self.end_headers()

    def _pages(self, text: str) -> list[dict[str, Any]]:
        """Return the pages of a query, or one with the error."""
        if "sleep" in text:  # a query that never ends
            return [{}] * 100_000
        if "large()" in text:  # a page that is larger than the memory of a reader
            return [{"columns": [_column("id", "VARCHAR")], "data": [["x" * 120_000_000]]}]
        try:
            translated = sqlglot.transpile(text, read="trino", write="duckdb")[0]
            result = self.database.cursor().execute(translated)
        except (duckdb.Error, sqlglot.ParseError) as error:
            return [{"error": _error(str(error))}]
        columns = [_column(name, str(declared)) for name, declared, *_rest in result.description or []]
        pages: list[dict[str, Any]] = [{"columns": columns}]
        while rows := result.fetchmany(_PAGE):
            data = [
                [_value(value, each["type"]) for value, each in zip(row, columns, strict=True)] for row in rows
            ]
            pages.append({"columns": columns, "data": data})
        return pages

    def _is_authorized(self) -> bool:
        self.server_of.headers.append(dict(self.headers))
        if not self.server_of.password:
            return True
        expected = f"{self.server_of.user}:{self.server_of.password}"
        given = self.headers.get("Authorization", "").removeprefix("Basic ")
        if base64.b64decode(given).decode("latin-1") == expected:
            return True
        self.send_response(401)
        self.send_header("Content-Length", "0")
        self.end_headers()
        return False

    def _address(self, name: str, number: int) -> str:
        scheme = "https" if self.server_of.certificate else "http"
        return f"{scheme}://localhost:{self.server_of.port}/v1/statement/{name}/{number}"

    def _answer(self, content: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        body = json.dumps({"id": "q", "infoUri": "http://localhost/ui", **content}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Log nothing."""


def _column(name: str, declared: str) -> dict[str, Any]:
    given = declared.lower() if declared.startswith("DECIMAL") else _TYPES.get(declared, "varchar")
    raw = re.sub(r"\([^)]*\)", "", given)
    numbers = re.findall(r"\d+", given) or ["2147483647"]  # the length of a text without a limit
    arguments = [{"kind": "LONG", "value": int(each)} for each in numbers]
    return {"name": name, "type": given, "typeSignature": {"rawType": raw, "arguments": arguments}}


def _value(value: Any, declared: str) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if declared.endswith("time zone") and value is not None:  # as Trino writes them
        return value.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3] + " UTC"
    return value if value is None or isinstance(value, bool | int | float | list) else str(value)


def _error(message: str) -> dict[str, Any]:
    """Return the error of Trino for one of DuckDB."""
    known = (
        (
            r"Table with name (\S+) does not exist",
            "TABLE_NOT_FOUND",
            "line 1:15: Table 'shop.main.{}' does not exist",
        ),
        (r'column "(\S+)" not found', "COLUMN_NOT_FOUND", "line 2:2: Column '{}' cannot be resolved"),
    )
    for pattern, name, text in known:
        if found := re.search(pattern, message):
            return {"message": text.format(found[1]), "errorCode": 1, "errorName": name, "errorType": "USER_ERROR"}
    return {"message": message, "errorCode": 1, "errorName": "GENERIC", "errorType": "INTERNAL_ERROR"}
