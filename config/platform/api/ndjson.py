"""Stream rows as JSON, one object a line, so that they are never all in memory."""

from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from itertools import islice
from typing import Any

import orjson
from django.http import StreamingHttpResponse

NDJSON = "application/x-ndjson"
_ROWS_AT_ONCE = 500


def ndjson(rows: Iterable[Mapping[str, Any]]) -> StreamingHttpResponse:
    """Return a response that streams ``rows``."""
    return StreamingHttpResponse(_lines(iter(rows)), content_type=NDJSON)


def documented(description: str) -> dict[str, Any]:
    """Return what OpenAPI says of an operation that streams rows."""
    content = {NDJSON: {"schema": {"type": "string", "description": "One JSON object a line."}}}
    return {"responses": {int(HTTPStatus.OK): {"description": description, "content": content}}}


def _lines(rows: Iterator[Mapping[str, Any]]) -> Iterator[bytes]:
    while some := list(islice(rows, _ROWS_AT_ONCE)):
        yield b"".join(orjson.dumps(row, default=str, option=orjson.OPT_APPEND_NEWLINE) for row in some)
