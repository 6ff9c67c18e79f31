"""The documents name only files, commands and decisions that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DECISIONS = ROOT / "config" / "decisions"
INDEX = (DECISIONS / "README.md").read_text(encoding="utf-8").partition("## Numbers used before")[0]
FOLDERS = ("config", "connections", "exports", "segments", "static", "templates", "tests")
FILES = sorted(
    str(path.relative_to(ROOT))
    for place in (ROOT.glob("*"), *((ROOT / folder).rglob("*") for folder in FOLDERS))
    for path in place
    if path.is_file() and "__pycache__" not in path.parts
)
DOCUMENTS = sorted(path for path in FILES if path.endswith(".md") and path != "CHANGELOG.md")
# Made at run time, or not by us.
NOT_IN_THE_TREE = re.compile(r"var/|VAR_DIR/|\.venv/|exports/$|file:|oauth/|application/|[\d.]+/")


def text_of(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def quoted_paths(text: str) -> set[str]:
    """The paths in backticks: with a folder, or with the suffix of a source file."""
    quoted = re.findall(r"`([\w.*-]+(?:/[\w.*-]*)*)`", text)
    looks_like_a_path = re.compile(r".*/|.*\.(?:py|md|toml|html|css|js|yml|lock|po|mo)$")
    return {each for each in quoted if looks_like_a_path.match(each) and not NOT_IN_THE_TREE.match(each)}


def exists(path: str, document: str) -> bool:
    """Whether a path exists from the root or from the document's folder; a bare name, anywhere."""
    places = [ROOT, (ROOT / document).parent]
    if "/" not in path:
        return any(each.rpartition("/")[2] == path for each in FILES)
    return any(list(place.glob(path.rstrip("/"))) for place in places)


def decision_numbers() -> dict[str, str]:
    return {path.name[:4]: path.name for path in DECISIONS.glob("[0-9]*.md")}


def test_paths_are_found_in_backticks_only() -> None:
    text = "See `exports/run/plan.py`, `deadline.py`, `/healthz`, `var/run`, exports/none.py and `manage.py up`."
    assert quoted_paths(text) == {"exports/run/plan.py", "deadline.py"}


def test_a_path_that_leads_nowhere_is_noticed() -> None:
    assert exists("exports/run/plan.py", "README.md")
    assert exists("README.md", "README.md")
    assert not exists("exports/run/no_such_module.py", "README.md")
    assert not exists("no_such_module.py", "README.md")


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_path_in_a_document_exists(document: str) -> None:
    paths = quoted_paths(text_of(document))
    assert [path for path in sorted(paths) if not exists(path, document)] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_link_between_documents_leads_to_a_file(document: str) -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", text_of(document))
    assert [link for link in links if not ((ROOT / document).parent / link).exists()] == []


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md"])
def test_every_command_in_a_document_exists(document: str) -> None:
    text = text_of(document)
    commands = set(re.findall(r"manage\.py ([a-z_]+)", text)) - {"migrate", "collectstatic"}
    defined = {Path(path).stem for path in FILES if "/management/commands/" in path}
    targets = set(re.findall(r"(?:`|^)make ([a-z]+)", text, re.MULTILINE))
    made = set(re.findall(r"^([a-z]+):", text_of("Makefile"), re.MULTILINE))
    assert (sorted(commands - defined), sorted(targets - made)) == ([], [])


def test_decisions_are_numbered_without_gaps() -> None:
    assert sorted(decision_numbers()) == [f"{number:04d}" for number in range(1, len(decision_numbers()) + 1)]


def test_the_index_lists_every_decision_once_with_its_title() -> None:
    rows = re.findall(r"^\| \[(\d{4})\]\(([^)]+)\) \| ([^|]+) \|", INDEX, re.MULTILINE)
    titles = {
        number: text_of(f"config/decisions/{name}").splitlines()[0] for number, name in decision_numbers().items()
    }
    assert [(number, name) for number, name, _title in rows] == sorted(decision_numbers().items())
    assert {number: f"# {number}. {title}" for number, _name, title in rows} == titles


@pytest.mark.parametrize("name", sorted(decision_numbers().values()))
def test_a_decision_has_context_decision_and_consequences_on_one_page(name: str) -> None:
    lines = text_of(f"config/decisions/{name}").splitlines()
    assert [line for line in lines if line.startswith("## ")] == ["## Context", "## Decision", "## Consequences"]
    assert len(lines) <= 45


def test_every_decision_that_code_and_documents_name_exists() -> None:
    sources = [path for path in FILES if path.endswith((".py", ".md", ".html", ".js", ".css", ".toml"))]
    named = {
        (path, number)
        for path in sources
        if path not in ("tests/unit/test_documents.py", "CHANGELOG.md")
        for number in re.findall(r"(?:\b[Dd]ecisions? |decisions/|\bsee )(\d+)\b", text_of(path))
    }
    assert [each for each in sorted(named) if each[1] not in decision_numbers()] == []


def test_the_changelog_has_versions_with_kinds_of_change_in_short_lines() -> None:
    lines = text_of("CHANGELOG.md").splitlines()
    headings = {line for line in lines if line.startswith("#")}
    versions = {heading for heading in headings if re.fullmatch(r"## \d+\.\d+\.\d+( \(unreleased\))?", heading)}
    kinds = {f"### {kind}" for kind in ("Upgrading from 0.1", "Added", "Changed", "Fixed", "Removed")}
    assert headings - versions - kinds == {"# Changelog"}
    assert [line for line in lines if len(line) > 120] == []


def test_the_changelog_lists_each_change_once() -> None:
    entries = [line for line in text_of("CHANGELOG.md").splitlines() if line.startswith("- ")]
    assert sorted(entries) == sorted(set(entries))


def test_the_readme_lists_every_setting_and_no_other() -> None:
    read = set(re.findall(r'environment\.\w+\(\s*"([A-Z_]+)"', text_of("config/settings.py")))
    rows = re.findall(r"^\| (`[A-Z_`, …]+`) \|", text_of("README.md"), re.MULTILINE)
    listed = {name.strip("` ") for row in rows for name in row.split(",")} - {"CREDENTIAL_…"}
    assert read - listed == set()
    sources = [text_of(path) for path in FILES if path.endswith(".py") and not path.startswith("tests/")]
    assert [name for name in sorted(listed) if not any(f'"{name}"' in source for source in sources)] == []


def test_no_file_has_marks_of_a_conflict() -> None:
    marks = re.compile("^(<{7}|>{7}) ", re.MULTILINE)
    texts = [
        path for path in FILES if not path.endswith((".mo", ".png", ".woff2", ".xlsx", ".parquet", ".gz", ".db"))
    ]
    assert [
        path for path in texts if marks.search((ROOT / path).read_text(encoding="utf-8", errors="replace"))
    ] == []
