"""The command `import_profiles`."""

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from segments.models import DataSource, ImportJob, Profile

pytestmark = pytest.mark.django_db


def test_it_reads_a_file_and_tells_the_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "shop.csv"
    path.write_text("id;name\n1;Aino\n2\n3;Jan\n")
    call_command("import_profiles", str(path), "--key", "id")
    assert capsys.readouterr().out.splitlines() == [
        "line 3: Too few columns: 1 instead of 2.",
        "shop.csv: 3 rows read, 2 created, 0 updated, 0 unchanged, 1 refused.",
    ]
    assert Profile.objects.count() == 2
    assert DataSource.objects.get().name == "shop"
    assert path.exists()


def test_it_names_the_source(tmp_path: Path) -> None:
    path = tmp_path / "shop.csv"
    path.write_text("id\n1\n")
    call_command("import_profiles", str(path), "--key", "ID", "--source", "Web shop")
    assert DataSource.objects.get().name == "Web shop"


@pytest.mark.parametrize(("content", "words"), [("name\nAino\n", "no column “id”"), ("", "empty")])
def test_it_refuses_a_file_in_a_sentence(tmp_path: Path, content: str, words: str) -> None:
    path = tmp_path / "shop.csv"
    path.write_text(content)
    with pytest.raises(CommandError, match=words) as refusal:
        call_command("import_profiles", str(path), "--key", "id")
    assert refusal.value.returncode == 1
    assert not ImportJob.objects.exists()


def test_it_refuses_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="No such file"):
        call_command("import_profiles", str(tmp_path / "nothing.csv"), "--key", "id")
