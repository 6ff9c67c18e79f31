"""SECURITY.md and the comparison with OWASP ASVS name tests and files that exist, and leave out no requirement."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ASVS = ROOT / "config" / "security" / "asvs.md"
# The levels of the requirements of each section of ASVS 5.0.0, in their order.
LEVELS = {
    "1.1": "22",
    "1.2": "1111122223",
    "1.3": "112222222223",
    "1.4": "222",
    "1.5": "123",
    "2.1": "122",
    "2.2": "112",
    "2.3": "12223",
    "2.4": "23",
    "3.1": "3",
    "3.2": "113",
    "3.3": "12223",
    "3.4": "11222233",
    "3.5": "11122333",
    "3.6": "3",
    "3.7": "22333",
    "4.1": "12233",
    "4.2": "23333",
    "4.3": "22",
    "4.4": "1222",
    "5.1": "2",
    "5.2": "112333",
    "5.3": "113",
    "5.4": "222",
    "6.1": "122",
    "6.2": "111111112222",
    "6.3": "11223333",
    "6.4": "112233",
    "6.5": "22222333",
    "6.6": "2223",
    "6.7": "33",
    "6.8": "2222",
    "7.1": "222",
    "7.2": "1111",
    "7.3": "22",
    "7.4": "11222",
    "7.5": "223",
    "7.6": "22",
    "8.1": "1233",
    "8.2": "1123",
    "8.3": "133",
    "8.4": "23",
    "9.1": "111",
    "9.2": "1222",
    "10.1": "22",
    "10.2": "223",
    "10.3": "22223",
    "10.4": "1111122222233333",
    "10.5": "22222",
    "10.6": "22",
    "10.7": "222",
    "11.1": "2233",
    "11.2": "22233",
    "11.3": "11233",
    "11.4": "1222",
    "11.5": "23",
    "11.6": "23",
    "11.7": "33",
    "12.1": "12233",
    "12.2": "11",
    "12.3": "22223",
    "13.1": "2333",
    "13.2": "222223",
    "13.3": "2233",
    "13.4": "1222233",
    "14.1": "22",
    "14.2": "12223333",
    "14.3": "122",
    "15.1": "12233",
    "15.2": "12233",
    "15.3": "1222222",
    "15.4": "3333",
    "16.1": "2",
    "16.2": "22222",
    "16.3": "2222",
    "16.4": "222",
    "16.5": "2223",
    "17.1": "23",
    "17.2": "22223333",
    "17.3": "22",
}
REQUIRED = {
    f"{section}.{number}": level
    for section, levels in LEVELS.items()
    for number, level in enumerate(levels, start=1)
    if level in "12"
}
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in ASVS.read_text(encoding="utf-8").splitlines()
    if re.match(r"\| \d+\.\d+\.\d+ \|", line)
]
STATUSES = ("met", "deviation", "not applicable")
DOCUMENTS = [ROOT / "SECURITY.md", ASVS]


def named_tests(text: str) -> set[str]:
    return set(re.findall(r"tests/[\w/]+\.py::test_\w+", text))


def test_the_comparison_has_every_requirement_of_levels_1_and_2_once() -> None:
    assert len(REQUIRED) == 253
    assert [(row[0], row[1]) for row in ROWS] == list(REQUIRED.items())


def test_each_row_has_a_status_and_what_it_asks_for() -> None:
    for number, _level, requirement, status, how, shown_by in ROWS:
        assert status in STATUSES, number
        assert requirement, number
        assert how, number
        assert (shown_by == "–") is (status != "met"), number


def test_the_counts_at_its_top_are_those_of_its_rows() -> None:
    for level in "12":
        counts = [sum(row[1] == level and row[3] == status for row in ROWS) for status in STATUSES]
        assert f"| {level} | {sum(counts)} | {' | '.join(map(str, counts))} |" in ASVS.read_text(encoding="utf-8")


@pytest.mark.parametrize("document", DOCUMENTS, ids=["SECURITY", "ASVS"])
def test_every_test_that_a_document_names_exists(document: Path) -> None:
    missing = []
    for named in sorted(named_tests(document.read_text(encoding="utf-8"))):
        path, _, name = named.partition("::")
        file = ROOT / path
        text = file.read_text(encoding="utf-8") if file.is_file() else ""
        if not re.search(rf"^def {name}\(", text, re.MULTILINE):
            missing.append(named)
    assert missing == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=["SECURITY", "ASVS"])
def test_every_file_that_a_document_names_exists(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:[\w.-]+/)+[\w.-]*)`", text)) | set(re.findall(r"\| (tests/\S+?\.py) \|", text))
    places = {each for each in named if not each.startswith(("var/", "/")) and each != "/hooks/lists/"}
    assert [each for each in sorted(places) if not (ROOT / each).exists()] == []
