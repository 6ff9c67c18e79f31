"""The package of the command line client: its version, and what it imports."""

import ast
import sys
import tomllib
from typing import Any

from django.conf import settings

from config.client.runs import exit_code
from tests.support.client_program import PACKAGE, SOURCE


def package() -> dict[str, Any]:
    return tomllib.loads((SOURCE / "pyproject.toml").read_text(encoding="utf-8"))


def test_its_version_is_that_of_the_program() -> None:
    assert package()["project"]["version"] == settings.VERSION


def test_it_imports_the_standard_library_and_what_it_declares() -> None:
    imported: set[str] = set()
    for module in SOURCE.glob("*.py"):
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                imported.add((node.module or "").partition(".")[0])
    others = imported - set(sys.stdlib_module_names)
    assert others == {"requests", "urllib3", "click"}  # urllib3 comes with requests
    assert [each.partition(">")[0] for each in package()["project"]["dependencies"]] == ["requests", "click"]


def test_the_console_script_is_in_the_package() -> None:
    assert package()["project"]["scripts"] == {"segment-exports": f"{PACKAGE}.commands:main"}


def test_of_several_runs_the_one_counts_that_most_needs_attention() -> None:
    def begun(*codes: int) -> list[dict[str, object]]:
        return [{"id": number, "exit_code": code} for number, code in enumerate(codes)]

    assert [exit_code(begun(*codes)) for codes in ((), (0, 4), (4, 2), (2, 3, 0), (3, 1))] == [0, 4, 2, 3, 1]
    assert exit_code([*begun(0, 3), {"export": "Readers", "reason": "Another run is in progress."}]) == 1
