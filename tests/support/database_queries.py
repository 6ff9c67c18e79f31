"""Query databases that tests started, as data sources do."""

from typing import Protocol

import pytest

from segments.models import DatabaseEncryption, DatabaseEngine, ImportJob
from segments.sources.databases.actions import QuerySettings, import_query, try_query
from segments.sources.databases.fetch import QueryFailed
from segments.sources.import_job import run_import


class ForeignServer(Protocol):
    """A running database server that is not the product's own."""

    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def database(self) -> str: ...
    @property
    def user(self) -> str: ...
    @property
    def password(self) -> str: ...


def query_settings(server: ForeignServer, engine: DatabaseEngine, query: str = "customers") -> QuerySettings:
    """Return the settings of a query in a server, without encryption."""
    return QuerySettings(
        engine=engine,
        host=server.host,
        port=server.port,
        database=server.database,
        user=server.user,
        password=server.password,
        encryption=DatabaseEncryption.NONE,
        query=query,
    )


def failure_of(entered: QuerySettings) -> str:
    """Try a query that fails. Returns the message for users."""
    with pytest.raises(QueryFailed) as failure:
        try_query(entered, by=None)
    return str(failure.value)


def run_query(entered: QuerySettings, key: str = "id") -> ImportJob:
    """Import a query with all its columns, as the wizard does. Returns the ended import."""
    names = try_query(entered, by=None).names
    job = import_query(entered, source_name="Shop", key_column=key, names=names, by=None)
    ended = run_import(job.pk)
    assert ended is not None
    return ended
