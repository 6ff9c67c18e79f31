"""What is cheap to know of the lines of a CSV file."""

from pathlib import Path

import pytest

from segments.sources.files import regular_csv
from segments.sources.files.regular_csv import scan_lines


@pytest.mark.parametrize("blank", [" ", "\t", "\u00a0", "\u200b", "\ufeff"])
@pytest.mark.parametrize("chunk_bytes", [1, 2, 3, 4, 1024])
def test_blanks_are_found_where_a_chunk_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, blank: str, chunk_bytes: int
) -> None:
    monkeypatch.setattr(regular_csv, "CHUNK_BYTES", chunk_bytes)
    path = tmp_path / "x.csv"
    path.write_text(f"id\n1{blank}\n", encoding="utf-8")
    found = scan_lines(path)
    assert found is not None
    assert (found.lines, found.blanks) == (2, blank)
