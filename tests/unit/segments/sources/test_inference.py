"""Types are proposed as a person would choose them: text unless every value survives."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from segments.sources.column_plan import ColumnFormat, ColumnType
from segments.sources.files.detect import detect
from segments.sources.files.read import load
from segments.sources.files.regular_csv import literal
from segments.sources.inference import ColumnGuess, GuessHint, infer
from tests.support.case_files import READABLE_FILES, CaseFile


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:", config={"threads": 2}) as opened:
        yield opened


@pytest.fixture
def table(connection: duckdb.DuckDBPyConnection) -> "Table":
    return Table(connection)


class Table:
    """Infers the columns of a table of given texts."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection

    def guesses(self, **columns: list[str]) -> list[ColumnGuess]:
        rows = [
            ", ".join([str(line), *(f"nullif({literal(text)}, '')" for text in row)])
            for line, row in enumerate(zip(*columns.values(), strict=True), start=2)
        ]
        self._fill(f"VALUES ({'), ('.join(rows)})", len(columns))
        return infer(self.connection, "p", list(columns))

    def guess_of(self, query: str) -> ColumnGuess:
        """Infer one column of texts that a query gives."""
        self._fill(f"SELECT row_number() OVER () + 1, * FROM ({query})", 1)
        return infer(self.connection, "p", ["x"])[0]

    def _fill(self, query: str, width: int) -> None:
        names = ", ".join(f"t{position}" for position in range(width))
        self.connection.execute(
            f"CREATE OR REPLACE TEMPORARY TABLE p AS SELECT * FROM ({query}) AS p(_line, {names})"
        )

    def guess(self, name: str, *values: str) -> ColumnGuess:
        (found,) = self.guesses(**{name: list(values)})
        return found


@pytest.mark.parametrize("case", READABLE_FILES, ids=str)
def test_the_columns_of_each_file_get_the_types_that_a_person_would_choose(
    case: CaseFile, connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    loaded = load(case.path, detect(case.path, name=case.name), connection, "p", folder=tmp_path)
    plans = {guess.plan.column: guess.plan for guess in infer(connection, "p", loaded.names, loaded.declared)}
    types = {name: str(plan.type) for name, plan in plans.items() if plan.type is not ColumnType.TEXT}
    assert types == case.types
    assert [name for name, plan in plans.items() if plan.is_email] == case.email
    for name, expected in case.formats.items():
        plan = plans[name]
        found = {**vars(plan.format), "null_words": list(plan.null_words)}
        assert {key: found[key] for key in expected} == expected


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("x", ["1", "20", "-3", "0"], "integer"),
        ("x", ["1", "007"], "text"),
        ("x", ["1", "+5"], "text"),
        ("x", ["1", "1e5"], "text"),
        ("x", ["1234567890123456"], "text"),
        ("x", ["19.90", "7.50", "12"], "number"),
        ("x", ["0.5", "12.25", "-3"], "number"),
        ("x", ["1047.0", "12.25", "0.1"], "number"),  # as programs write all floating-point numbers
        ("x", ["1047,0", "12,25", "0,1"], "number"),
        ("x", ["1.10", "1.9"], "text"),  # versions
        ("app version", ["1.10", "1.20"], "text"),
        ("x", ["19,90", "7,50"], "number"),
        ("x", ["45.000", "1.250"], "text"),  # thousands, or not
        ("x", ["1,234", "12,500"], "text"),
        ("x", ["12%", "3%"], "text"),
        ("zip", ["10001", "90210"], "text"),
        ("Postal Code", ["10001"], "text"),
        ("billingPostcode", ["10001"], "text"),
        ("customer_no", ["12"], "text"),
        ("phone2", ["15551234567"], "text"),
        ("Postinumero", ["10001"], "text"),
        ("Asiakasnumero", ["17"], "text"),
        ("kod pocztowy", ["10001"], "text"),
        ("număr telefon", ["721123456"], "text"),
        ("nomor hp", ["81234"], "text"),
        ("邮政编码", ["100001"], "text"),
        ("手机号码", ["13800138000"], "text"),
        ("Number of orders", ["3", "17"], "integer"),
        ("积分", ["3", "17"], "integer"),
        ("country", ["NO", "SE"], "text"),
        ("country", ["NO", "NO"], "text"),
        ("initials", ["N", "Y"], "text"),
        ("x", ["no", "no"], "text"),
        ("x", ["Yes", "no", "YES"], "boolean"),
        ("x", ["kyllä", "ei"], "boolean"),
        ("x", ["Ja", "Nein"], "boolean"),
        ("x", ["tak", "nie"], "boolean"),
        ("x", ["da", "nu"], "boolean"),
        ("x", ["ya", "tidak"], "boolean"),
        ("x", ["是", "否"], "boolean"),
        ("opt_in", ["1", "0", ""], "boolean"),
        ("orders", ["1", "0"], "integer"),
        ("opt_in", ["1", "1"], "integer"),
        ("x", ["yes", "no", "maybe"], "text"),
        ("x", ["2024-02-29", "2024-02-30"], "text"),
        ("x", ["2024-02-29", "2024-03-01"], "date"),
        ("x", ["20240229", "20240301"], "integer"),
        ("birth date", ["20240229", "20240301"], "date"),
        ("x", ["29.02.2024", "5.1.2024"], "date"),
        ("x", ["12.31.2024"], "text"),
        ("x", ["05/06/2024", "01/02/2024"], "text"),
        ("x", ["05/06/2024", "01/22/2024"], "date"),
        ("x", ["5-Jan-2023", "29-Feb-2024"], "date"),
        ("x", ["05 Jan 2023"], "date"),
        ("x", ["January 5, 2023", "May 29, 2024"], "date"),
        ("x", ["2024年2月29日"], "date"),
        ("x", ["03/14", "12/01"], "text"),  # birthdays of Mailchimp
        ("x", ["2024-02-29 10:00"], "datetime"),
        ("x", ["2024-02-29T10:00:00Z", "2024-02-29T10:00:00.123+02:00"], "datetime"),
        ("x", ["2024-01-05 10:00:00 +0200"], "datetime"),
        ("x", ["2024-02-29 10:00:00 UTC"], "datetime"),
        ("x", ["2024-02-29", "2024-02-29 10:00:00"], "datetime"),
        ("x", ["29.02.2024 10:00", "05.01.2024 23:59"], "datetime"),
        ("x", ["2/29/2024 9:05 AM", "1/5/2024 11:59 PM"], "datetime"),
        ("x", ["2024-02-29 25:00:00"], "text"),
        ("tags", ["VIP, new", "old"], "list"),
        ("Kiinnostukset", ["golf;purjehdus"], "list"),
        ("标签", ["a|b"], "list"),
        ("x", ['["a","b"]', "[]"], "list"),
        ("city", ["Springfield, IL", "Portland, OR"], "text"),
        ("x", ["", ""], "text"),
    ],
)
def test_a_type_is_proposed_where_all_values_survive(
    table: Table, name: str, values: list[str], expected: str
) -> None:
    assert table.guess(name, *values).plan.type == expected


def test_values_that_repeat_items_are_lists(table: Table) -> None:
    values = [f"{a};{b}" for a in ("golf", "sailing", "chess") for b in ("music", "film", "food")]
    assert table.guess("x", *values).plan.format == ColumnFormat(separator=";")
    assert table.guess("x", *(f"{n} Main St; Door {n}" for n in range(20))).plan.type is ColumnType.TEXT


def test_the_last_row_of_a_million_counts(table: Table) -> None:
    numbers = "SELECT range::VARCHAR FROM range(20000)"
    assert table.guess_of(numbers).plan.type is ColumnType.INTEGER
    found = table.guess_of(f"{numbers} UNION ALL SELECT 'K1A 0B1'")
    assert found.plan.type is ColumnType.TEXT
    assert (found.hint, found.misfits) == (GuessHint.SOME_MISFIT, ("K1A 0B1",))
    assert found.instead is not None
    assert found.instead.type is ColumnType.INTEGER
    assert found.fit_instead == pytest.approx(1 - 1 / 20_001)


def test_decimals_that_differ_far_below_are_numbers_too(table: Table) -> None:
    found = table.guess_of("SELECT CASE range WHEN 5001 THEN '1.5' ELSE '1.25' END FROM range(20000)")
    assert found.plan.format == ColumnFormat()
    assert found.plan.type is ColumnType.NUMBER


@pytest.mark.parametrize(
    ("values", "expected", "words"),
    [
        (["1", "N/A", "2"], "integer", ("N/A",)),
        (["1.5", "-", "NULL"], "number", ("-", "NULL")),
        (["2024-01-01", "0000-00-00"], "date", ("0000-00-00",)),
        (["yes", "no", r"\N"], "boolean", (r"\N",)),
        (["Ann", r"\N", "NULL"], "text", ("NULL", r"\N")),
        (["Ann", "Null", "None", "-"], "text", ()),  # Null is a name
        (["N/A"], "text", ()),
    ],
)
def test_words_for_missing_values_are_found(
    table: Table, values: list[str], expected: str, words: tuple[str, ...]
) -> None:
    plan = table.guess("x", *values).plan
    assert (plan.type, plan.null_words) == (expected, words)


def test_a_null_word_may_be_beyond_the_sample(table: Table) -> None:
    plan = table.guess_of("SELECT CASE range WHEN 5001 THEN 'N/A' ELSE range::VARCHAR END FROM range(20000)").plan
    assert (plan.type, plan.null_words) == (ColumnType.INTEGER, ("N/A",))


def test_one_column_shows_the_order_of_dates_in_the_others(table: Table) -> None:
    guesses = table.guesses(seen=["1/5/2023", "1/6/2023"], born=["3/14/1980", ""], when=["1/5/2023 10:00", ""])
    assert [guess.plan.format.date_format for guess in guesses] == ["%m/%d/%Y", "%m/%d/%Y", "%m/%d/%Y %H:%M"]


def test_an_ambiguous_order_of_dates_stays_text_with_a_hint(table: Table) -> None:
    found = table.guess("seen", "1/5/2023", "1/6/2023")
    assert (found.plan.type, found.hint) == (ColumnType.TEXT, GuessHint.DATE_ORDER)
    both = table.guesses(seen=["1/5/2023", ""], us=["3/14/1980", ""], eu=["14/3/1980", ""])
    assert [str(guess.plan.type) for guess in both] == ["text", "date", "date"]


def test_one_word_of_yes_and_no_stays_text_with_a_hint(table: Table) -> None:
    found = table.guess("agreed", "yes", "yes")
    assert found.hint is GuessHint.ONE_WORD
    assert found.instead is not None
    assert found.instead.type is ColumnType.BOOLEAN


def test_addresses_are_recognized_by_their_values(table: Table) -> None:
    mixed = ["ann@example.com", "bob@example.com", "cid@example.com", "dee@example.com", "no address"]
    assert table.guess("contact", *mixed).plan.is_email
    assert not table.guess("email", "none", "unknown").plan.is_email


def test_filled_values_are_counted(table: Table) -> None:
    assert table.guess("x", "1", "", "  ", "2").filled == 2


def test_a_long_name_is_cut_for_the_attribute(table: Table) -> None:
    plan = table.guess("x" * 200, "1").plan
    assert (len(plan.column), len(plan.attribute)) == (200, 120)
