"""Run a PostgreSQL server that is not the product's own: reached by TCP with a password, with a shop in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg2

from config.standalone.postgres import NAME, PostgresProcess, make_cluster
from tests.support.workers import free_port

PASSWORD = "Zürich 'n\\ more"
_SHOP = """
CREATE ROLE reader LOGIN PASSWORD %(password)s;
CREATE TABLE customers (
  id bigint PRIMARY KEY, zip text, name varchar(50), email text, age int, spent numeric(12,2), score real,
  ok boolean, born date, seen timestamp, at timestamptz, tags text[], doc jsonb, raw bytea);
INSERT INTO customers VALUES
  (1, '01234', 'Aino', 'aino@example.com', 30, 12.50, 0.1, true, '1990-02-28', '2024-02-29 10:00:00.5',
   '2024-02-29 10:00:00.25+02', ARRAY['a', 'b;c'], '{"a": 1}', '\\x00ff'),
  (2, '99', 'Väinö', 'vaino@example.com', 2147483647, 99999.99, 2, false, '0999-01-01', '2024-07-01',
   '2024-07-01 00:00:00Z', '{}', NULL, NULL),
  (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
CREATE SEQUENCE orders;
CREATE TABLE salaries (id int, amount int);
GRANT SELECT ON customers TO reader;
GRANT USAGE ON SEQUENCE orders TO reader;
"""


@dataclass(frozen=True)
class ForeignPostgres:
    """The server; ``reader`` may read the table ``customers`` of the database ``shop``."""

    server: PostgresProcess
    port: int
    user: str = "reader"
    password: str = PASSWORD
    host: str = "127.0.0.1"
    database: str = "shop"

    def execute(self, sql: str, *parameters: object) -> list[tuple[object, ...]]:
        """Run a statement as the owner of everything; return its rows."""
        connection = psycopg2.connect(host=str(self.server.socket_dir), port=self.port, user=NAME, dbname="shop")
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(sql, parameters or None)
            rows = cursor.fetchall() if cursor.description else []
        connection.close()
        return rows


@contextmanager
def foreign_postgres(folder: Path) -> Iterator[ForeignPostgres]:
    """Run the server in a folder until the block ends."""
    server, port = PostgresProcess.in_folder(folder), free_port()
    folder.mkdir(parents=True, exist_ok=True)
    make_cluster(server.data)
    hba = "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
    (server.data / "pg_hba.conf").write_text(hba, encoding="utf-8")
    server.start(listen_addresses="127.0.0.1", port=str(port))
    try:
        connection = psycopg2.connect(host=str(server.socket_dir), port=port, user=NAME, dbname="postgres")
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("CREATE DATABASE shop")
        connection.close()
        foreign = ForeignPostgres(server, port)
        foreign.execute(_SHOP.replace("%(password)s", "%s"), PASSWORD)
        yield foreign
    finally:
        server.stop()
