"""Query databases that tests started, as data sources do."""

from typing import Protocol

import pytest

from segments.models import DatabaseEncryption, DatabaseEngine
from segments.sources.databases.actions import QuerySettings, try_query
from segments.sources.databases.fetch import QueryFailed


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
