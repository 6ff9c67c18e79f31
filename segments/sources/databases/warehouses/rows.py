"""Define what the module of a warehouse gives to the reader: columns with kinds, and batches of texts.

Each module has ``open_rows(login, query) -> Rows``. It connects such that the session only reads, as far as the
warehouse can, and checks that. Imports nothing of this project: see ``reader.py``.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

BATCH = 1_000
_LARGEST_EXACT = 1e15
_MOST_DECIMALS = 15
# Their texts may be those of the driver.
_PLAIN_KINDS = ("text", "number", "integer", "boolean", "date", "datetime")
# A missing element of Snowflake's ARRAY, which is no JSON; texts are matched to be left as they are.
_UNDEFINED = re.compile(r'("(?:[^"\\]|\\.)*")|\bundefined\b', re.DOTALL)
_list_as_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
Text = str | None


@dataclass(frozen=True)
class Login:
    """How to reach a warehouse. ``authorities`` is the file of certificates to verify its server with;
    ``encryption`` is one of DatabaseEncryption; ``seconds`` is how long a query may take."""

    host: str
    port: int
    database: str
    warehouse: str
    user: str
    password: str
    encryption: str
    authorities: str
    seconds: int

    def __repr__(self) -> str:
        return "<login>"

    @property
    def url_host(self) -> str:
        """Return the host as addresses have it: an IPv6 address is in brackets."""
        return f"[{self.host}]" if ":" in self.host else self.host

    @property
    def is_encrypted(self) -> bool:
        return self.encryption != "none"

    @property
    def is_verified(self) -> bool:
        return self.encryption == "verify"

    @property
    def catalog_and_schema(self) -> tuple[str, str]:
        """Return both parts of a database such as ``catalog.schema``; the second may be empty."""
        catalog, _dot, schema = self.database.partition(".")
        return catalog, schema


@dataclass(frozen=True)
class Column:
    """A column of a query. ``kind`` says what its texts are, as in ``column_types.py``."""

    name: str
    kind: str


@dataclass(frozen=True)
class Rows:
    """The columns of a query, and its rows batch by batch, as texts. ``close`` ends the query and the
    connection."""

    columns: Sequence[Column]
    batches: Iterator[list[list[Text]]]
    close: Callable[[], None] = lambda: None


def fetched(cursor: Any) -> Iterator[Sequence[Sequence[Any]]]:
    """Iterate over the rows of a cursor of Python's database API, batch by batch."""
    while batch := cursor.fetchmany(BATCH):
        yield batch


def closing(*opened: Any) -> Callable[[], None]:
    """Return a function that closes cursors and connections, in this order."""

    def close() -> None:
        for each in opened:
            with suppress(Exception):  # no more rows are wanted
                each.close()

    return close


def as_texts(
    columns: Sequence[Column],
    batches: Iterable[Sequence[Sequence[Any]]],
    convert: Callable[[Any, str], Text] | None = None,
    close: Callable[[], None] = lambda: None,
) -> Rows:
    """Return the rows with each value as a text of the kind of its column. ``convert`` is the function of a module
    for values that its driver gives otherwise."""
    kinds = [column.kind for column in columns]
    text = convert or text_of
    return Rows(columns, (_converted(kinds, batch, text) for batch in batches), close)


def _converted(
    kinds: Sequence[str], batch: Sequence[Sequence[Any]], text: Callable[[Any, str], Text]
) -> list[list[Text]]:
    """Convert a batch column by column: texts and whole numbers take no call for each value."""
    converted: list[list[Text]] = []
    for kind, values in zip(kinds, zip(*batch, strict=True), strict=True):
        types = set(map(type, values)) - {type(None)}
        if kind in _PLAIN_KINDS and types <= {str} and not any("\0" in value for value in values if value):
            converted.append([value or None for value in values])
        elif kind == "integer" and types <= {int}:
            converted.append([None if value is None else str(value) for value in values])
        else:
            converted.append([text(value, kind) for value in values])
    return [list(row) for row in zip(*converted, strict=True)]


def text_of(value: Any, kind: str) -> Text:
    """Return the text of a value, such that a value of the type of that kind gives the text back."""
    if value is None or kind == "binary":
        return None
    return _list_text(value) if kind == "list" else _scalar_text(value, kind)


def number_kind(scale: int | None) -> str:
    """Return the kind of numbers with so many decimals."""
    if scale == 0:
        return "integer"
    return f"number {scale}" if scale is not None and 0 < scale <= _MOST_DECIMALS else "number"


def _list_text(value: Any) -> Text:
    if isinstance(value, str):  # JSON, as Snowflake gives it
        try:
            value = json.loads(_UNDEFINED.sub(lambda found: found[1] or "null", value))
        except ValueError:
            return _scalar_text(value, "text")
    if not isinstance(value, list | tuple):
        return _scalar_text(value, "text")
    return _list_as_json([None if each is None else _scalar_text(each, "") for each in value])


def _scalar_text(value: Any, kind: str) -> Text:
    match value:
        case str():
            text = value.replace("\0", "")
        case bool():
            text = "true" if value else "false"
        case float() if abs(value) < _LARGEST_EXACT and value.is_integer():
            text = str(int(value))
        case Decimal():
            text = format(value, "f")
        case datetime():
            text = _moment_text(value, kind)
        case date():
            text = value.isoformat()
        case bytes() | bytearray():
            text = ""
        case dict() | list() | tuple():
            text = json.dumps(value, ensure_ascii=False, default=str)
        case _:
            text = str(value)
    return text or None


def _moment_text(value: datetime, kind: str) -> str:
    if value.tzinfo is not None and kind != "datetime":
        value = value.astimezone(UTC)
    return value.replace(tzinfo=None).isoformat(" ")
