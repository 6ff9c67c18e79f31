"""Describe the format of a file: kind, compression, encoding, delimiter, quotation mark, line of the header."""

from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from typing import Any


class FileRefused(Exception):
    """The file cannot be used as a whole; the message is one sentence for users."""


class FileKind(StrEnum):
    """The kinds of files that can be imported."""

    CSV = "csv"
    XLSX = "xlsx"
    PARQUET = "parquet"
    JSON_LINES = "json lines"


class Compression(StrEnum):
    """How a file is compressed."""

    NONE = "none"
    GZIP = "gzip"


@dataclass(frozen=True)
class FileFormat:
    """How a file is read. It is detected, shown, and can be changed.

    ``encoding`` is a codec name of Python. ``quote`` is empty when quotation marks are part of the values.
    ``header_line`` is the line of the column names, counted from 1 with blank lines and titles; the rows begin
    after it. ``sheet`` is the name of a sheet of a workbook; empty for the first.
    """

    kind: FileKind = FileKind.CSV
    compression: Compression = Compression.NONE
    encoding: str = "utf-8"
    delimiter: str = ","
    quote: str = '"'
    header_line: int = 1
    sheet: str = ""

    def as_plain_text(self) -> "FileFormat":
        """Return the format of the same text, unpacked and in UTF-8."""
        return replace(self, compression=Compression.NONE, encoding="utf-8")

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON and YAML."""
        return {key: str(value) if isinstance(value, StrEnum) else value for key, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "FileFormat":
        """Read what ``to_dict`` wrote; keys that are missing get their default. Raises ValueError."""
        unknown = values.keys() - {field.name for field in fields(cls)}
        if unknown:
            raise ValueError(f"unknown keys of a file format: {', '.join(sorted(unknown))}")
        given = dict(values)
        if "kind" in given:
            given["kind"] = FileKind(given["kind"])
        if "compression" in given:
            given["compression"] = Compression(given["compression"])
        return cls(**given)
