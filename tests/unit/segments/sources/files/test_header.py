"""Names of columns: cleaned, completed and numbered; too many are refused."""

import pytest
from pytest_django import Settings

from segments.sources.files.file_format import FileRefused
from segments.sources.files.header import clean_names


def test_names_are_trimmed_completed_and_numbered() -> None:
    assert clean_names(["\ufeffid", " first\nname ", "", "ID", "id 2", ""]) == (
        "id", "first name", "column 3", "ID 3", "id 2",
    )  # fmt: skip


@pytest.mark.parametrize("names", [[], ["", " "]])
def test_a_header_without_a_name_is_refused(names: list[str]) -> None:
    with pytest.raises(FileRefused, match="no header line"):
        clean_names(names)


def test_a_file_with_too_many_columns_is_refused(settings: Settings) -> None:
    settings.MAX_COLUMNS = 3
    with pytest.raises(FileRefused, match="has 4 columns"):
        clean_names(["a", "b", "c", "d"])
