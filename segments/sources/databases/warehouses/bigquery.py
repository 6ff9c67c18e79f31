"""Open the rows of a query in BigQuery: with a token that only allows reading, page by page."""

import json
from collections.abc import Iterator
from typing import Any

from segments.sources.databases.warehouses.rows import Column, Login, Rows, as_texts, closing

_READ_ONLY = ("https://www.googleapis.com/auth/bigquery.readonly",)
_PAGE = 10_000  # rows; an answer is never larger than some megabytes
_KINDS = {
    "INTEGER": "integer",
    "INT64": "integer",
    "FLOAT": "number",
    "FLOAT64": "number",
    "NUMERIC": "number",
    "BIGNUMERIC": "number",
    "BOOLEAN": "boolean",
    "BOOL": "boolean",
    "DATE": "date",
    "DATETIME": "datetime",
    "TIMESTAMP": "moment",
    "BYTES": "binary",
}


def open_rows(login: Login, query: str) -> Rows:
    """Connect and run the query."""
    from google.cloud import bigquery
    from google.oauth2 import service_account

    credentials = service_account.Credentials.from_service_account_info(
        json.loads(login.password), scopes=_READ_ONLY
    )
    client = bigquery.Client(project=login.database, credentials=credentials)
    limits = bigquery.QueryJobConfig(job_timeout_ms=login.seconds * 1000)
    result = client.query_and_wait(
        query, job_config=limits, page_size=_PAGE, wait_timeout=login.seconds, retry=None, job_retry=None
    )
    columns = [Column(field.name, kind_of(field.field_type, field.mode)) for field in result.schema]
    return as_texts(columns, _pages(result), close=closing(client))


def kind_of(declared: str, mode: str) -> str:
    """Return the kind of the texts of a column by its type and mode in BigQuery."""
    return "list" if mode == "REPEATED" else _KINDS.get(declared, "text")


def _pages(result: Any) -> Iterator[list[tuple[Any, ...]]]:
    for page in result.pages:
        yield [row.values() for row in page]
