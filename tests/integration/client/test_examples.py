"""Each example for orchestrators, word for word, on a running server with workers and the sandbox. Without the
orchestrators themselves: the drill in test_real_orchestrators.py has those that pip installs."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import call_command

from exports.models import Export
from tests.support.client_program import SOURCE, ClientProgram
from tests.support.sandbox import RunningSandbox
from tests.support.workers import worker_processes

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]

EXAMPLES = SOURCE / "examples"


@pytest.fixture
def ready(client_program: ClientProgram, newsletter: Export, tmp_path: Path) -> Iterator[ClientProgram]:
    with worker_processes(tmp_path / "var"):
        yield client_program


def example(name: str) -> str:
    return (EXAMPLES / name).read_text(encoding="utf-8")


def assert_sent(account: RunningSandbox, contacts: int = 20) -> None:
    """The run has ended before the example did."""
    assert account.counts()["Active"] == contacts
    assert Export.objects.get().runs.get().status == "successful"


def shop_of(folder: Path) -> Path:
    """Create the data source of the example for dbt, with one customer. Returns its file."""
    customers = folder / "customers.csv"
    customers.write_text("id,email\n1,ann@example.com\n", encoding="utf-8")
    call_command("import_profiles", str(customers), source="Shop", key=["id"])
    return customers


def command_of_crontab(line: str) -> str:
    """Return the command of a line as cron runs it: without its time, and with ``%`` for ``\\%``."""
    command = line.split(maxsplit=5)[5]
    assert "%" not in command.replace(r"\%", ""), "cron ends the command there"
    return command.replace(r"\%", "%")


def test_cron(ready: ClientProgram, account: RunningSandbox) -> None:
    settings = ready.home / ".segment-exports"
    names = ("SEGMENT_EXPORTS_URL", "SEGMENT_EXPORTS_TOKEN")
    settings.write_text("".join(f"{name}={ready.environment.pop(name)}\n" for name in names), encoding="utf-8")
    (line,) = [line for line in example("crontab").splitlines() if line and not line.startswith("#")]
    ready.environment["PATH"] = "/usr/bin:/bin"  # of cron
    ended = ready.run_command(["/bin/sh", "-c", command_of_crontab(line)])
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    assert_sent(account)
    log = ready.home / "exports.log"
    assert "Successful" in log.read_text(encoding="utf-8")
    Export.objects.update(tags=[])
    assert (
        "No export has the tag “morning”." in ready.run_command(["/bin/sh", "-c", command_of_crontab(line)]).stdout
    )


def test_github_actions(ready: ClientProgram, account: RunningSandbox, tmp_path: Path) -> None:
    """All steps that are not about installing, as the runner of Linux does: bash -e on the text of each."""
    workflow: dict[Any, Any] = yaml.safe_load(example("github-actions.yml"))
    job = workflow["jobs"]["exports"]
    assert {name for name in job["env"] if name in ready.environment} == {
        "SEGMENT_EXPORTS_URL",
        "SEGMENT_EXPORTS_TOKEN",
    }
    summary = tmp_path / "summary.md"
    runner = {"GITHUB_RUN_ID": "77", "GITHUB_RUN_ATTEMPT": "1", "GITHUB_STEP_SUMMARY": str(summary)}
    for step in job["steps"]:
        if "run" in step and not step["name"].startswith("Install"):
            script = tmp_path / "step.sh"
            script.write_text(step["run"], encoding="utf-8")
            ended = ready.run_command(["bash", "-e", str(script)], runner)
            assert ended.returncode == 0, ended.stderr
    assert_sent(account)
    assert "Newsletter readers  Successful" in summary.read_text(encoding="utf-8")


def test_airflow(ready: ClientProgram, account: RunningSandbox) -> None:
    """The command of the task as bash gets it, with the values of its templates."""
    (operator,) = [
        node
        for node in ast.walk(ast.parse(example("airflow_dag.py")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "BashOperator"
    ]
    task = {each.arg: ast.literal_eval(each.value) for each in operator.keywords}
    assert set(task["env"]) <= set(ready.environment)
    templates = {"{{ run_id }}": "scheduled__2026-12-01T02:15:00+00:00", "{{ ti.try_number }}": "1"}
    command = task["bash_command"]
    for written, value in templates.items():
        command = command.replace(written, value)
    ended = ready.run_command(["bash", "-c", command])
    assert ended.returncode == 0, ended.stderr
    assert_sent(account)
    again = ready.run_command(["bash", "-c", command])  # the same try: no second run
    assert again.returncode == 0
    assert_sent(account)


def test_dbt(ready: ClientProgram, account: RunningSandbox) -> None:
    """The script with a dbt that adds a customer to the file of a data source; nothing is sent when it fails."""
    customers = shop_of(ready.home)
    dbt = ready.bin / "dbt"
    dbt.write_text(
        f'#!/bin/sh\necho "$1" >> dbt.log\necho 2,new@example.com >> {customers}\nexit "${{DBT_ENDS_WITH:-0}}"\n'
    )
    dbt.chmod(0o755)
    script = ["/bin/sh", str(EXAMPLES / "dbt_build.sh")]
    customers_before = customers.read_text(encoding="utf-8")
    assert ready.run_command(script, {"DBT_ENDS_WITH": "1"}).returncode == 1
    assert not Export.objects.get().runs.exists()
    customers.write_text(customers_before, encoding="utf-8")
    ended = ready.run_command(script)
    assert ended.returncode == 0, ended.stderr
    assert (ready.home / "dbt.log").read_text(encoding="utf-8") == "build\nbuild\n"
    assert "Shop: import" in ended.stdout
    assert_sent(account, 22)


def test_a_plan_counts_and_sends_nothing(ready: ClientProgram, account: RunningSandbox) -> None:
    counted = json.loads(ready("plan", "newsletter readers", "--json").stdout)
    assert (counted["status"], counted["counts"]["to_add"], counted["calls"]) == ("successful", 20, 1)
    assert account.counts()["Active"] == 0
    shown = ready("plan", "Newsletter readers").stdout
    assert "preview only, nothing is sent" in shown
    assert "To send: 20 (20 To add)" in shown
    ran = json.loads(ready("run", "--all", "--wait", "--json").stdout)
    assert (ran["exit_code"], ran["runs"][0]["counts"]["delivered"]) == (0, 20)
    shown = ready("logs", "Newsletter readers").stdout
    assert "Newsletter readers, run " in shown
    assert "Successful" in shown
