"""The files that tools and hosts of repositories expect agree with the project."""

import json
import re
import runpy
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
HOOKS = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]


def text_of(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


LOCKS = sorted(str(path.relative_to(ROOT)) for path in (*ROOT.glob("*.lock"), *ROOT.glob("drivers/*.lock")))


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_package_has_hashes(lock: str) -> None:
    packages = re.split(r"\n(?=[a-z0-9])", text_of(lock).strip())
    assert len(packages) > 1
    assert [package.split("==")[0] for package in packages if "--hash=sha256:" not in package] == []


def test_no_lock_file_names_the_host_of_an_index() -> None:
    assert [lock for lock in LOCKS if re.search("https?://", text_of(lock))] == []


def test_hooks_are_local_and_call_what_lint_calls() -> None:
    assert {repo["repo"] for repo in HOOKS} == {"local"}
    lint = text_of("Makefile").partition("\nlint:")[2].partition("\n\n")[0].replace("$(VENV)", ".venv/bin")
    called = [hook["entry"] for repo in HOOKS for hook in repo["hooks"] if hook["entry"] != "make lint"]
    assert called
    assert [entry for entry in called if entry not in lint] == []


@pytest.mark.parametrize("form", sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"), key=str))
def test_a_form_for_issues_has_what_its_host_asks_for(form: Path) -> None:
    content: dict[str, Any] = yaml.safe_load(form.read_text(encoding="utf-8"))
    if form.name == "config.yml":
        assert content == {"blank_issues_enabled": False}
        return
    assert content["name"]
    assert content["description"]
    fields = [field for field in content["body"] if field["type"] != "markdown"]
    assert [field["id"] for field in fields if not field["attributes"]["label"]] == []
    assert len({field["id"] for field in fields}) == len(fields)


def test_the_development_container_has_the_programs_of_checks_and_tests() -> None:
    machine = runpy.run_path(str(ROOT / "config/standalone/setup_machine.py"), run_name="imported")
    wanted = set(machine["FOR_TESTS"].values())
    installed = set(re.findall(r"[a-z][a-z-]+", text_of(".devcontainer/Dockerfile")))
    assert wanted - installed == set()
    container = json.loads(text_of(".devcontainer/devcontainer.json"))
    assert container["postCreateCommand"] == "make setup"
    assert container["forwardPorts"] == [8000, 8001]


def test_every_development_tool_that_lint_calls_is_locked() -> None:
    names = {re.split(r"[\[<>=~ ]", each)[0] for each in PROJECT["dependency-groups"]["dev"]}
    assert {"detect-secrets", "pip-licenses", "pip-audit", "cyclonedx-bom"} <= names


def test_an_allowed_license_is_named_once() -> None:
    allowed = PROJECT["tool"]["pip-licenses"]["allow-only"].split(";")
    assert len(allowed) == len(set(allowed))
    assert not any(re.search("AGPL|Affero|Proprietary|UNKNOWN", each) for each in allowed)


def test_the_image_has_no_history_and_no_tests() -> None:
    left_out = set(text_of(".dockerignore").split())
    assert {".git", "tests", "var", ".env", ".venv"} <= left_out
    copied = set(re.findall(r"^COPY (?!--from)(.+) \S+$", text_of("Dockerfile"), re.MULTILINE))
    assert not [each for each in copied if each.split()[0] in (".", "tests", ".git")]
