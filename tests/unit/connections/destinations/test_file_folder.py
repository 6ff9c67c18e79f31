"""Parts and files in a folder: all or nothing, and nothing twice."""

from pathlib import Path

import pytest

from connections.destinations.errors import NeedsAdministrator, PermanentError
from connections.destinations.file.destination import Folder, line

HEADER = ["email", "name"]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path.as_uri())


def published(folder: Folder, run: str = "7") -> list[str]:
    return (folder.path / "news" / f"news-run-{run}.csv").read_text(encoding="utf-8").splitlines()


def test_parts_become_one_file(folder: Folder) -> None:
    assert folder.write_part("news", "7", ["b@x.example,B"])
    assert folder.write_part("news", "7", ["a@x.example,A"])
    folder.publish("news", "7", HEADER)
    assert published(folder) == ["email,name", "a@x.example,A", "b@x.example,B"]
    assert [entry.name for entry in (folder.path / "news").iterdir()] == ["news-run-7.csv"]


def test_a_batch_that_comes_again_replaces_itself(folder: Folder) -> None:
    assert folder.write_part("news", "7", ["a@x.example,A"])
    assert not folder.write_part("news", "7", ["a@x.example,A"])
    folder.publish("news", "7", HEADER)
    folder.publish("news", "7", HEADER)
    assert len(published(folder)) == 2


def test_publishing_again_loses_no_row(folder: Folder) -> None:
    folder.write_part("news", "7", ["a@x.example,A", "b@x.example,B"])
    folder.publish("news", "7", HEADER)
    folder.write_part("news", "7", ["a@x.example,A"])
    folder.publish("news", "7", HEADER)
    assert published(folder) == ["email,name", "a@x.example,A", "b@x.example,B"]


def test_runs_have_files_of_their_own(folder: Folder) -> None:
    for run in ("7", "8"):
        folder.write_part("news", run, ["a@x.example,A"])
        folder.publish("news", run, HEADER)
    assert published(folder, "7") == published(folder, "8")
    assert folder.names() == ["news"]


def test_cells_survive_commas_quotes_and_new_lines(folder: Folder) -> None:
    folder.write_part("news", "7", [line(["a@x.example", 'A, "the\nfirst"'])])
    folder.publish("news", "7", HEADER)
    assert published(folder)[1:] == ['a@x.example,"A, ""the', 'first"""']


@pytest.mark.parametrize("name", ["..", "../x", "a/b", "", "A", ".hidden", "a\n"])
def test_it_never_leaves_its_folder(folder: Folder, name: str) -> None:
    with pytest.raises(PermanentError):
        folder.write_part(name, "7", ["a"])
    assert not list(folder.path.iterdir())


@pytest.mark.parametrize("address", ["", "exports", "https://example.com/", "file:relative"])
def test_it_wants_the_address_of_a_folder(address: str) -> None:
    with pytest.raises(NeedsAdministrator):
        Folder(address)


class Expired(Exception):
    """The lease deadline has passed."""


def refuse_to_send() -> None:
    raise Expired


def test_no_file_appears_once_the_lease_deadline_has_passed(folder: Folder, tmp_path: Path) -> None:
    folder.write_part("news", "7", ["a@x.example,A"])
    before = {path: path.read_text() for path in tmp_path.rglob("*.csv")}
    late = Folder(tmp_path.as_uri(), refuse_to_send)
    with pytest.raises(Expired):
        late.write_part("news", "7", ["b@x.example,B"])
    with pytest.raises(Expired):
        late.publish("news", "7", HEADER)
    assert {path: path.read_text() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_formulas_in_cells_are_defused_and_numbers_stay(folder: Folder) -> None:
    folder.write_part("news", "7", [line(["a@x.example", "=1+1"]), line(["b@x.example", "-5"])])
    folder.publish("news", "7", HEADER)
    assert published(folder)[1:] == ["a@x.example,'=1+1", "b@x.example,-5"]
