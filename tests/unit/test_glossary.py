"""The names of the product keep to GLOSSARY.md."""

import ast
import re
import subprocess
import tokenize
from collections.abc import Iterator
from functools import cache
from io import StringIO
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "GLOSSARY.md").read_text(encoding="utf-8")
PACKAGES = ("config", "connections", "segments", "exports", "tests")


def modules() -> list[Path]:
    found = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    return [path for path in found if "migrations" not in path.parts]


def forbidden(heading: str = "Words that names do not use") -> set[str]:
    """The words in the first column of a table of GLOSSARY.md."""
    rows = PAGE.partition(f"## {heading}")[2].partition("\n## ")[0].splitlines()
    cells = [row.split("|")[1] for row in rows if row.startswith("| ") and not row.startswith("| Not ")]
    return {word.strip() for cell in cells for word in cell.split(",")}


@cache
def names(path: Path) -> frozenset[str]:
    """The names that a module defines, and its own."""
    return frozenset(_names(path))


def _names(path: Path) -> Iterator[str]:
    yield path.stem
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.FunctionDef() | ast.ClassDef():
                yield node.name
            case ast.arg():
                yield node.arg
            case ast.Name(ctx=ast.Store()):
                yield node.id


def words(name: str) -> set[str]:
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)}


def test_words_of_names_are_told_apart() -> None:
    assert words("_HeldLease") == {"held", "lease"}
    assert words("MAX_IN_FLIGHT") == {"max", "in", "flight"}


def test_the_page_lists_words_that_names_do_not_use() -> None:
    assert {"deed", "doorbell", "spared"} <= forbidden()


@pytest.mark.parametrize("package", PACKAGES)
def test_no_name_uses_a_forbidden_word(package: str) -> None:
    unwanted = forbidden()
    found = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in modules()
        if path.relative_to(ROOT).parts[0] == package
        for name in names(path)
        if words(name) & unwanted
    }
    assert not found


DOCUMENTS = ("*.md", "*.html", "*.css", "*.js", "*.yaml", "*.toml", "Makefile")


def texts(wanted: re.Pattern[str]) -> Iterator[tuple[str, str]]:
    """The documents, and the comments and docstrings of modules, that have a wanted word."""
    listed = subprocess.run(["git", "ls-files", *DOCUMENTS, "*.py"], cwd=ROOT, capture_output=True, check=True)
    for name in listed.stdout.decode().split():
        path = ROOT / name
        if name == "GLOSSARY.md" or "migrations" in path.parts or not path.exists():
            continue
        text = path.read_text(encoding="utf-8")
        if wanted.search(" ".join(text.split())):  # to find comments takes long
            yield name, "\n".join(prose(text)) if path.suffix == ".py" else text


def prose(source: str) -> Iterator[str]:
    """The comments and docstrings of a module."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            yield ast.get_docstring(node) or ""
    for token in tokenize.generate_tokens(StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.string


def test_comments_and_docstrings_are_found() -> None:
    source = '"""A module."""\nx = "a text"  # a comment\ndef y():\n    """A function."""\n'
    assert "".join(prose(source)) == "A module.A function.# a comment"


def test_no_comment_or_document_uses_a_forbidden_word() -> None:
    unwanted = forbidden("Words that comments and documents do not use")
    assert {"whoever", "by hand"} <= unwanted
    pattern = re.compile(rf"\b({'|'.join(sorted(unwanted))})\b(?!@)", re.IGNORECASE)
    found = {
        f"{name}: {match[0]}"
        for name, text in texts(pattern)
        for match in pattern.finditer(" ".join(text.split()))
    }
    assert sorted(found) == []


def test_every_name_of_code_in_the_glossary_exists() -> None:
    quoted = set(re.findall(r"`([A-Za-z_./]+)`", PAGE.partition("## Words that names")[0]))
    paths = {each for each in quoted if "/" in each}
    assert [each for each in sorted(paths) if not (ROOT / each).exists()] == []
    missing = {each.rpartition(".")[2] for each in quoted - paths}
    for path in modules():
        text = path.stem + path.read_text(encoding="utf-8")
        if any(name in text for name in missing):  # parsing takes long
            missing -= names(path)
    assert sorted(missing) == []
