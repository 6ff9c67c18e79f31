"""Cases 23, 24, 25, 28 and 29: types that destroyed values or customers, with the command."""

from pathlib import Path

import pytest
from django.core.management import call_command

from segments.catalog import types_by_name
from segments.models import ImportJob
from tests.support.profiles import get_profile

pytestmark = pytest.mark.django_db


def import_file(tmp_path: Path, text: str, *, encoding: str = "utf-8") -> ImportJob:
    path = tmp_path / "shop.csv"
    path.write_bytes(text.encode(encoding))
    call_command("import_profiles", str(path), "--key", "id")
    return ImportJob.objects.latest("pk")


def test_23_zeros_survive_and_a_misfit_costs_no_customer(tmp_path: Path) -> None:
    import_file(tmp_path, "id,zip,price,points\n00000012,10001,19.90,5\n")
    job = import_file(tmp_path, "id,zip,price,points\n00000012,00501,5.00,many\n13,K1A 0B1,1.10,7\n")
    assert get_profile("00000012").attributes == {"id": "00000012", "zip": "00501", "price": 5}
    assert get_profile("00000012").originals == {"points": "many"}
    assert get_profile("13").attributes["zip"] == "K1A 0B1"
    assert (job.rows_refused, job.misfits) == (0, {"points": 1})


def test_24_country_codes_and_initials_are_no_answers(tmp_path: Path) -> None:
    import_file(tmp_path, "id,country,initial,answer\n1,NO,N,no\n2,NO,Y,no\n")
    assert {types_by_name()[name] for name in ("country", "initial", "answer")} == {"text"}


def test_25_words_for_no_value_do_not_make_numbers_text(tmp_path: Path) -> None:
    rows = "".join(f"{n},{n}\n" for n in range(10))
    job = import_file(tmp_path, f"id,points\n{rows}a,N/A\nb,NULL\nc,-\nd,\\N\n")
    assert types_by_name()["points"] == "integer"
    assert job.misfits == {}
    assert "points" not in get_profile("a").attributes


@pytest.mark.parametrize("encoding", ["cp1252", "cp1250"])
def test_28_accents_of_windows_are_read(tmp_path: Path, encoding: str) -> None:
    name = "Müller" if encoding == "cp1252" else "Wiśniewska"
    rows = "".join(f"{n},{name},{'Łódź' if encoding == 'cp1250' else 'Orléans'}\n" for n in range(20))
    assert import_file(tmp_path, f"id,name,city\n{rows}", encoding=encoding).rows_created == 20
    assert get_profile("7").attributes["name"] == name


def test_29_dates_decimals_and_answers_of_other_programs_have_types(tmp_path: Path) -> None:
    import_file(
        tmp_path,
        "id;seen;born;spent;agreed\n"
        "a;2024-02-29T10:00:00Z;28/02/1990;1,50;Ja\n"
        "b;2024-03-01T11:30:00Z;01/03/1991;20,25;Nein\n",
    )
    found = {name: str(kind) for name, kind in types_by_name().items()}
    assert found == {"id": "text", "seen": "datetime", "born": "date", "spent": "number", "agreed": "boolean"}
    assert get_profile("b").attributes == {
        "id": "b",
        "seen": "2024-03-01T11:30:00+00:00",
        "born": "1991-03-01",
        "spent": 20.25,
        "agreed": False,
    }
