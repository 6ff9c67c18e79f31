"""The command `import_profiles`."""

import json
from pathlib import Path

import pytest
import yaml
from django.core.management import CommandError, call_command
from pytest_django import Settings

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
        ("format: {quote: x}", "can contain only the keys encoding, delimiter"),
        ("other: 1", "can contain only the keys “key”"),
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


@pytest.fixture
def forty(tmp_path: Path, settings: Settings) -> Path:
    """Return a file of 40 people that is imported."""
    settings.UPLOAD_DIR = tmp_path / "uploads"
    path = tmp_path / "shop.csv"
    path.write_text("id\n" + "".join(f"{key}\n" for key in range(40)))
    call_command("import_profiles", str(path), "--key", "id", "--mode", "snapshot")
    return path


def test_it_removes_who_is_not_in_the_file(forty: Path, capsys: pytest.CaptureFixture[str]) -> None:
    forty.write_text("id\n" + "".join(f"{key}\n" for key in range(38)))
    capsys.readouterr()
    call_command("import_profiles", str(forty), "--key", "id", "--json")
    assert json.loads(capsys.readouterr().out) == {
        "import": ImportJob.objects.latest("pk").pk,
        "status": "successful",
        "mode": "snapshot",
        "message": "",
        "rows_read": 38,
        "created": 0,
        "updated": 0,
        "unchanged": 38,
        "removed": 2,
        "rejected": 0,
        "misfits": {},
        "to_remove": 0,
        "removal_guard": "",
    }
    assert profile_count() == 38
    call_command("import_profiles", str(forty), "--key", "id")
    assert capsys.readouterr().out.splitlines() == [
        "shop.csv: 38 rows read, 0 created, 0 updated, 38 unchanged, 0 removed, 0 rejected."
    ]


def test_it_asks_before_it_removes_many(forty: Path, capsys: pytest.CaptureFixture[str]) -> None:
    forty.write_text("id\n1\n")
    capsys.readouterr()
    with pytest.raises(CommandError) as refusal:
        call_command("import_profiles", str(forty), "--key", "id", "--json")
    assert refusal.value.returncode == 3
    assert str(refusal.value) == (
        "39 of 40 customers are not in the file and would be removed. At least half of the "
        "customers of the data source are not in the file. Nothing was changed. To confirm, open"
        " the page of the import, or run held_import with --confirm-removals 39."
    )
    facts = json.loads(capsys.readouterr().out)
    assert (facts["status"], facts["to_remove"], facts["removal_guard"]) == ("needs_confirmation", 39, "halved")
    assert profile_count() == 40
    call_command("import_profiles", str(forty), "--key", "id", "--confirm-removals", "39")
    assert profile_count() == 1
    statuses = ImportJob.objects.order_by("pk").values_list("status", flat=True)
    assert list(statuses) == ["successful", "canceled", "successful"]


@pytest.mark.parametrize("count", ["-1", "many", "²"])
def test_it_confirms_a_number(forty: Path, count: str) -> None:
    with pytest.raises(CommandError, match="a number of profiles"):
        call_command("import_profiles", str(forty), "--key", "id", f"--confirm-removals={count}")


def test_it_previews_who_would_leave(forty: Path, capsys: pytest.CaptureFixture[str]) -> None:
    forty.write_text("id\n" + "".join(f"{key}\n" for key in range(28)))
    capsys.readouterr()
    call_command("import_profiles", str(forty), "--key", "ID", "--preview")
    assert capsys.readouterr().out.splitlines() == [
        (
            "12 of 40 customers are not in the file and would be removed. More than a fifth of the "
            "customers of the data source are not in the file."
        ),
        *(f"  {key}" for key in range(28, 38)),
        "  … and 2 more.",
    ]
    call_command("import_profiles", str(forty), "--key", "id", "--preview", "--json")
    facts = json.loads(capsys.readouterr().out)
    assert facts == {
        "mode": "snapshot",
        "to_remove": 12,
        "profiles": 40,
        "removal_guard": "many",
        "first_keys": [str(key) for key in range(28, 38)],
    }
    call_command("import_profiles", str(forty), "--key", "id", "--preview", "--mode", "upsert")
    assert capsys.readouterr().out == "No customers would be removed.\n"
    assert (ImportJob.objects.count(), profile_count()) == (1, 40)
    assert DataSource.objects.get().mode == "snapshot"


def test_a_held_import_is_shown_and_confirmed_by_command(forty: Path, capsys: pytest.CaptureFixture[str]) -> None:
    forty.write_text("id\n" + "".join(f"{key}\n" for key in range(18)))
    with pytest.raises(CommandError):
        call_command("import_profiles", str(forty), "--key", "id")
    capsys.readouterr()
    with pytest.raises(
        CommandError, match="22 of 40 customers are not in the file and would be removed"
    ) as refusal:
        call_command("held_import", "SHOP")
    assert refusal.value.returncode == 3
    assert capsys.readouterr().out.split() == [str(key) for key in range(18, 28)]
    with pytest.raises(CommandError, match="more customers to remove than were confirmed"):
        call_command("held_import", "shop", "--confirm-removals", "21")
    assert profile_count() == 40
    call_command("held_import", "shop", "--confirm-removals", "22", "--json")
    facts = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (facts["status"], facts["removed"], profile_count()) == ("successful", 22, 18)
    with pytest.raises(CommandError, match="No import of “shop” needs confirmation"):
        call_command("held_import", "shop")


def test_a_held_import_is_canceled_by_command(forty: Path, capsys: pytest.CaptureFixture[str]) -> None:
    forty.write_text("id\n1\n")
    with pytest.raises(CommandError):
        call_command("import_profiles", str(forty), "--key", "id")
    call_command("held_import", "shop", "--cancel")
    assert "is canceled" in capsys.readouterr().out
    assert ImportJob.objects.latest("pk").status == JobStatus.CANCELED
    assert profile_count() == 40
    with pytest.raises(CommandError, match="There is no data source “web”"):
        call_command("held_import", "web")
