"""The command `import_profiles`."""

from pathlib import Path

import pytest
import yaml
from django.core.management import CommandError, call_command

from config.platform.jobs.models import JobStatus
from segments.management.commands import import_profiles
from segments.models import DataSource, ImportJob
from tests.support.profiles import get_profile, profile_count

pytestmark = pytest.mark.django_db


def test_it_reads_a_file_and_prints_the_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "shop.csv"
    path.write_text("id;name\n1;Aino\n2\n3;Jan\n")
    call_command("import_profiles", str(path), "--key", "id")
    assert capsys.readouterr().out.splitlines() == [
        "line 3: Too few columns: 1 instead of 2.",
        "shop.csv: 3 rows read, 2 created, 0 updated, 0 unchanged, 1 rejected.",
    ]
    assert profile_count() == 2
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


def test_it_first_ends_an_import_that_died(tmp_path: Path) -> None:
    path = tmp_path / "shop.csv"
    path.write_text("id\n1\n")
    source = DataSource.objects.create(name="shop", key_column="id")
    dead = ImportJob.objects.create(
        source=source, file_name="shop.csv", path=str(path), status=JobStatus.PROCESSING, attempt=1
    )
    call_command("import_profiles", str(path), "--key", "id")
    dead.refresh_from_db()
    assert (dead.status, dead.rows_created) == (JobStatus.SUCCESSFUL, 1)
    assert ImportJob.objects.latest("id").rows_unchanged == 1


def test_it_is_canceled_by_control_c(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "shop.csv"
    path.write_text("id\n1\n")

    def interrupt(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(import_profiles, "run_import", interrupt)
    with pytest.raises(CommandError, match="No rows were imported"):
        call_command("import_profiles", str(path), "--key", "id")
    assert ImportJob.objects.get().status == JobStatus.CANCELED


def test_it_prints_a_plan_that_it_then_imports_by(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, plan = tmp_path / "shop.csv", tmp_path / "plan.yaml"
    path.write_text("id;points;joined\n1;05;1.2.2024\n2;x;13.2.2024\n", encoding="utf-8")
    call_command("import_profiles", str(path), "--key", "id", "--print-plan")
    printed = capsys.readouterr().out
    assert yaml.safe_load(printed) == {
        "format": {},
        "columns": [
            {"column": "id"},
            {"column": "points"},
            {"column": "joined", "type": "date", "format": {"date_format": "%d.%m.%Y"}},
        ],
    }
    assert not ImportJob.objects.exists()
    changed = printed.replace("column: points", "column: points\n  attribute: Score\n  type: integer")
    plan.write_text(changed.replace("{}", "{delimiter: ;}"), encoding="utf-8")
    call_command("import_profiles", str(path), "--key", "id", "--plan", str(plan))
    assert get_profile("1").attributes == {"id": "1", "Score": 5, "joined": "2024-02-01"}
    assert get_profile("2").originals["Score"] == "x"
    assert DataSource.objects.get().file_format == {"delimiter": ";"}


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        ("columns: [{column: id, type: animal}]", "animal"),
        ("columns: [{column: id, is_email: 'no'}]", "“is_email” is not a bool"),
        ("columns: [{column: id, kind: text}]", "unknown keys: kind"),
        ("columns: [7]", "cannot be read"),
        ("format: {quote: x}", "can have the keys encoding, delimiter"),
        ("other: 1", "other keys"),
        ("columns: [", "cannot be read"),
    ],
)
def test_it_says_what_is_wrong_with_a_plan(tmp_path: Path, plan: str, words: str) -> None:
    path = tmp_path / "shop.csv"
    path.write_text("id\n1\n")
    (tmp_path / "plan.yaml").write_text(plan, encoding="utf-8")
    with pytest.raises(CommandError, match=words):
        call_command("import_profiles", str(path), "--key", "id", "--plan", str(tmp_path / "plan.yaml"))
    assert not ImportJob.objects.exists()
