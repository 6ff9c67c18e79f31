"""Names of files to import, and the private folders of imports."""

import os
import stat
from pathlib import Path

import pytest
from pytest_django import Settings

from segments.sources.file_names import delete_abandoned_folders, suffix_of, temporary_folder


@pytest.fixture(autouse=True)
def uploads_folder(tmp_path: Path, settings: Settings) -> Path:
    settings.UPLOAD_DIR = tmp_path / "uploads"
    return tmp_path / "uploads"


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        ("people.csv", ".csv"),
        ("People.CSV.GZ", ".csv.gz"),
        ("a.b.xlsx", ".xlsx"),
        ("x.parquet", ".parquet"),
        ("x.jsonl", ".jsonl"),
        ("x.xlsx.gz", ""),
        ("people.pdf", ""),
        ("csv", ""),
    ],
)
def test_the_suffix_of_a_file_that_can_be_imported(name: str, suffix: str) -> None:
    assert suffix_of(name) == suffix


def test_a_folder_is_private_and_deleted(uploads_folder: Path) -> None:
    with temporary_folder("7-1") as folder:
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        (folder / "loaded.csv").write_text("x")
    assert list(uploads_folder.iterdir()) == []


def test_only_old_folders_that_no_import_uses_are_deleted(uploads_folder: Path) -> None:
    for name in ("import-7-1-abc", "import-7-2-abc", "import-preview-abc", "import-9-1-new"):
        (uploads_folder / name).mkdir(parents=True)
        (uploads_folder / name / "loaded.csv").write_text("x")
        if not name.endswith("new"):
            os.utime(uploads_folder / name, (0, 0))
    delete_abandoned_folders(frozenset({"7-2"}))
    assert {path.name for path in uploads_folder.iterdir()} == {"import-7-2-abc", "import-9-1-new"}
