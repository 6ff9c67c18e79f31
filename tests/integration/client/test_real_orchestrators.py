"""Drill: the examples in the real orchestrators that pip installs, each in an environment of its own, with the
client as pip installs it. It needs a package index, and takes two minutes."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from exports.models import Export
from tests.integration.client.test_examples import EXAMPLES, assert_sent, example, shop_of
from tests.support.client_program import SOURCE, ClientProgram
from tests.support.sandbox import RunningSandbox
from tests.support.workers import worker_processes

pytestmark = [pytest.mark.drill, pytest.mark.django_db(transaction=True), pytest.mark.processes]

_PROJECT = {"name": "shop", "version": "1.0", "profile": "shop", "model-paths": ["models"]}
_PROFILES = {"shop": {"target": "dev", "outputs": {"dev": {"type": "duckdb", "path": "shop.duckdb"}}}}
# Written to the file that the data source reads.
_MODEL = "{{ config(materialized='external', location='customers.csv', format='csv') }} "
_NEW = "select 1 as id, 'ann@example.com' as email union all select {} as id, 'new@example.com' as email"
_TESTS = {"models": [{"name": "customers", "columns": [{"name": "id", "data_tests": ["unique", "not_null"]}]}]}


class Environment:
    """A virtual environment with packages, and the values by which the client finds the server."""

    def __init__(self, folder: Path, server: Mapping[str, str], *packages: str, client: bool = True) -> None:
        self.folder, self.bin = folder, folder / "venv" / "bin"
        subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
        copy = folder / "client"  # pip builds inside the folder
        shutil.copytree(SOURCE, copy, ignore=shutil.ignore_patterns("__pycache__"))
        self.client = copy
        wanted = [*packages, str(copy)] if client else list(packages)
        if wanted:
            uv = [
                str(Path(sys.executable).with_name("uv")),
                "pip",
                "install",
                "--quiet",
                "--python",
                str(self.bin / "python"),
            ]
            subprocess.run([*uv, *wanted], check=True, timeout=900)
        kept = {
            name: value
            for name, value in os.environ.items()
            if name.startswith(("PIP_", "UV_", "SSL_", "REQUESTS_"))
        }
        self.environment = {
            **kept,
            "PATH": f"{self.bin}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(folder),
            **server,
        }

    def run(self, command: list[str], **more: str) -> subprocess.CompletedProcess[str]:
        """Run a command until it ends."""
        return subprocess.run(
            command,
            env=self.environment | more,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )


@pytest.fixture
def server(client_program: ClientProgram, newsletter: Export, tmp_path: Path) -> Iterator[dict[str, str]]:
    with worker_processes(tmp_path / "var"):
        yield {name: value for name, value in client_program.environment.items() if name.startswith("SEGMENT_")}


def test_airflow_runs_the_dag(server: dict[str, str], account: RunningSandbox, tmp_path: Path) -> None:
    airflow = Environment(tmp_path / "airflow", {}, "apache-airflow>=3")
    dags = airflow.folder / "dags"
    dags.mkdir()
    (dags / "segment_exports.py").write_text(example("airflow_dag.py"), encoding="utf-8")
    connection = {
        "conn_type": "http",
        "host": server["SEGMENT_EXPORTS_URL"],
        "password": server["SEGMENT_EXPORTS_TOKEN"],
    }
    airflow.environment |= {
        "AIRFLOW_HOME": str(airflow.folder),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW_CONN_SEGMENT_EXPORTS": json.dumps(connection),
    }
    migrated = airflow.run(["airflow", "db", "migrate"])
    assert migrated.returncode == 0, migrated.stderr[-3000:]
    ended = airflow.run(["airflow", "dags", "test", "segment_exports", "2026-12-01"])
    assert ended.returncode == 0, ended.stdout[-3000:] + ended.stderr[-3000:]
    assert "Newsletter readers: run" in ended.stdout + ended.stderr
    assert_sent(account)
    assert server["SEGMENT_EXPORTS_TOKEN"] not in ended.stdout + ended.stderr


def test_dbt_builds_before_the_exports_run(
    server: dict[str, str], account: RunningSandbox, tmp_path: Path
) -> None:
    # Newer versions need a compiler of Rust where no wheel fits.
    dbt = Environment(tmp_path / "dbt", server, "dbt-core<1.12", "dbt-duckdb")
    (dbt.folder / "models").mkdir()
    for name, content in {
        "dbt_project.yml": _PROJECT,
        "profiles.yml": _PROFILES,
        "models/schema.yml": _TESTS,
    }.items():
        (dbt.folder / name).write_text(yaml.safe_dump(content), encoding="utf-8")
    shop_of(dbt.folder)
    model = dbt.folder / "models" / "customers.sql"
    script = ["/bin/sh", str(EXAMPLES / "dbt_build.sh")]
    model.write_text(_MODEL + _NEW.format(1), encoding="utf-8")  # not unique: the test of dbt fails
    assert dbt.run(script).returncode == 1
    assert not Export.objects.get().runs.exists()
    model.write_text(_MODEL + _NEW.format(2), encoding="utf-8")
    ended = dbt.run(script)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "Completed successfully" in ended.stdout
    assert_sent(account, 22)


def test_the_workflow_fits_the_schema_of_github_and_its_steps_run(
    server: dict[str, str], account: RunningSandbox, tmp_path: Path
) -> None:
    """All ``run`` steps, installing included. The runner of GitHub itself is not installed by pip."""
    checks = Environment(tmp_path / "checks", {}, "check-jsonschema", client=False)
    schema = ["check-jsonschema", "--builtin-schema", "vendor.github-workflows"]
    checked = checks.run([*schema, str(EXAMPLES / "github-actions.yml")])
    assert checked.returncode == 0, checked.stdout
    runner = Environment(tmp_path / "runner", server, client=False)
    workflow: dict[Any, Any] = yaml.safe_load(example("github-actions.yml"))
    values = {
        "GITHUB_RUN_ID": "77",
        "GITHUB_RUN_ATTEMPT": "1",
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
    }
    for step in workflow["jobs"]["exports"]["steps"]:
        if "run" in step:
            script = tmp_path / "step.sh"
            script.write_text(step["run"], encoding="utf-8")
            ended = runner.run(["bash", "-e", str(script)], SEGMENT_EXPORTS_CLIENT=str(runner.client), **values)
            assert ended.returncode == 0, ended.stdout + ended.stderr
    assert_sent(account)
    assert "Newsletter readers  Successful" in (tmp_path / "summary.md").read_text(encoding="utf-8")
