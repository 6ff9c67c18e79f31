"""The command line client, as an own process without Django, on a running server."""

import json
import signal
import subprocess
import time
from typing import Any

import pytest

from config.platform.accounts.models import User
from config.platform.accounts.scopes import Scope
from config.platform.jobs import clock
from config.platform.jobs.models import JobStatus
from exports.actions import runs
from exports.models import Export, Run, Trigger
from exports.run.final_status import exit_code
from segments.models import DataSource, Segment, SegmentRefresh
from tests.support.api import token_of
from tests.support.client_program import ClientProgram

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]


def read(ended: subprocess.CompletedProcess[str]) -> Any:
    """Parse what it has printed as JSON."""
    return json.loads(ended.stdout)


def ended_run(export: Export, status: JobStatus, **counts: int) -> Run:
    number = export.runs.count() + 1
    times = {"finished_at": clock.now(), "trigger": Trigger.MANUAL}
    return Run.objects.create(export=export, number=number, status=status, **times, **counts)


def test_it_runs_without_the_program(client_program: ClientProgram) -> None:
    helped = client_program("--help")
    assert helped.returncode == 0, helped.stderr
    for command in ("status", "run", "import", "plan", "logs", "completion"):
        assert f"  {command} " in helped.stdout
    assert "..." not in helped.stdout.partition("Commands:")[2]  # no text is cut
    for scope in ("Run exports", "Create segments", "Push customer profiles"):
        assert f"“{scope}”" in " ".join(helped.stdout.split())
    found = client_program.run_command([str(client_program.bin / "segment-exports"), "status", "--json"])
    assert read(found) == {"exports": []}


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"SEGMENT_EXPORTS_URL": ""}, "Set SEGMENT_EXPORTS_URL to the address of the server"),
        ({"SEGMENT_EXPORTS_TOKEN": ""}, "Set SEGMENT_EXPORTS_TOKEN"),
        ({"SEGMENT_EXPORTS_TOKEN": "sgx_wrong"}, "It is wrong, expired or revoked: correct"),
        ({"SEGMENT_EXPORTS_TOKEN": "", "SEGMENT_EXPORTS_TOKEN_FILE": "missing"}, "missing cannot be read"),
    ],
)
def test_it_says_what_is_wrong_with_the_environment(
    client_program: ClientProgram, environment: dict[str, str], said: str
) -> None:
    ended = client_program("status", **environment)
    assert ended.returncode == 1
    assert said in ended.stderr
    assert not ended.stdout


def test_it_reads_the_token_from_a_file_and_not_from_netrc(client_program: ClientProgram, bob: User) -> None:
    (client_program.home / "token").write_text(token_of(bob) + "\n", encoding="utf-8")
    netrc = client_program.home / ".netrc"
    netrc.write_text("machine localhost login x password y\n", encoding="utf-8")
    netrc.chmod(0o600)
    ended = client_program("status", SEGMENT_EXPORTS_TOKEN="", SEGMENT_EXPORTS_TOKEN_FILE="~/token")
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["run"],
        ["run", "X", "--all"],
        ["run", "X", "--key", "é€"],
        ["run", "X", "--key", "a b"],
        ["run", "--tag", "x", "--all"],
        ["status", "X", "--failed"],
        ["go"],
    ],
)
def test_a_command_line_that_cannot_be_read_ends_with_64(
    client_program: ClientProgram, arguments: list[str]
) -> None:
    ended = client_program(*arguments)
    assert ended.returncode == 64
    assert "Usage: segment-exports" in ended.stderr


def test_status_lists_exports(client_program: ClientProgram, newsletter: Export) -> None:
    shown = client_program("status").stdout.splitlines()
    assert shown[0].split() == ["EXPORT", "LAST", "STATUS", "LAST", "RUN", "NEXT", "RUN", "TAGS"]
    assert shown[1].startswith("Newsletter readers  Not started")
    assert shown[1].endswith("morning, nightly, dbt")
    assert read(client_program("status", "newsletter READERS", "--json"))["exports"][0]["id"] == newsletter.pk
    assert not read(client_program("status", "--failed", "--json"))["exports"]
    ended_run(newsletter, JobStatus.FAILURE)
    assert (
        read(client_program("status", "--failed", "--tag", "dbt", "--json"))["exports"][0]["last_status"]
        == "failure"
    )
    unknown = client_program("status", "--tag", "other")
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert unknown.stderr == "segment-exports: No export has the tag “other”.\n"


def test_a_key_starts_one_run_however_often_it_is_sent(client_program: ClientProgram, newsletter: Export) -> None:
    first, second = (read(client_program("run", "Newsletter readers", "--key", "a", "--json")) for _ in range(2))
    assert first["runs"][0]["id"] == second["runs"][0]["id"] == newsletter.runs.get().pk
    assert first["runs"][0]["trigger"] == "api"
    assert (first["not_started"], first["exit_code"]) == ([], 0)


def test_a_run_that_is_refused_ends_with_1(client_program: ClientProgram, newsletter: Export, bob: User) -> None:
    runs.start_run(newsletter, by=bob)
    ended = client_program("run", "--all", "--json")
    assert ended.returncode == 1
    (refused,) = read(ended)["not_started"]
    assert refused["export"] == "Newsletter readers"
    assert "Newsletter readers: not started. " in client_program("run", "--tag", "dbt").stderr
    readers = token_of(bob, scopes=[Scope.READ])
    ended = client_program("run", "--tag", "dbt", SEGMENT_EXPORTS_TOKEN=readers)
    assert (ended.returncode, newsletter.runs.count()) == (1, 1)
    assert "The token lacks the scope “Run exports”." in ended.stderr


@pytest.mark.parametrize(
    "arguments",
    [["run", "--tag", "other"], ["run", "other"], ["logs", "other"], ["plan", "other"], ["logs", "999"]],
)
def test_what_is_not_there_ends_with_1(
    client_program: ClientProgram, newsletter: Export, arguments: list[str]
) -> None:
    ended = client_program(*arguments)
    assert ended.returncode == 1
    assert arguments[-1] in ended.stderr


def test_nothing_that_failed_is_no_error(client_program: ClientProgram, newsletter: Export) -> None:
    ended = client_program("run", "--failed", "--wait")
    assert (ended.returncode, ended.stderr.strip()) == (0, "No export has failed.")


ENDED = [
    *((status, {}) for status in JobStatus if status not in (JobStatus.QUEUED, JobStatus.PROCESSING)),
    (JobStatus.WARNINGS, {"unchanged": 1, "members": 1}),
]


def test_exit_codes_are_those_of_run_export(client_program: ClientProgram, newsletter: Export) -> None:
    seen = []
    for status, counts in ENDED:
        run = ended_run(newsletter, status, **counts)
        ended = client_program("logs", str(run.pk), "--json")
        seen.append(ended.returncode)
        assert ended.returncode == read(ended)["exit_code"] == exit_code(status, sum(counts.values()) // 2)
    assert set(seen) == {0, 1, 2, 3, 4}


def test_a_data_source_that_cannot_be_imported_is_an_error(
    client_program: ClientProgram, newsletter: Export
) -> None:
    source = DataSource.objects.get()
    missing = client_program("import", source.name, "Shop")
    assert (missing.returncode, missing.stderr.strip()) == (1, "segment-exports: There is no data source “Shop”.")
    refused = client_program("import", source.name, "--wait", "--json")
    assert refused.returncode == 1
    assert "uploaded files are not stored" in refused.stderr


def test_a_refresh_that_may_have_read_older_profiles_is_waited_for(
    client_program: ClientProgram, newsletter: Export, everyone: Segment
) -> None:
    reading = SegmentRefresh.objects.create(segment=everyone, status=JobStatus.PROCESSING)
    running = subprocess.Popen(
        [str(client_program.bin / "segment-exports"), "run", "Newsletter readers", "--refresh"],
        env=client_program.environment,
    )
    time.sleep(2.5)
    assert (running.poll(), newsletter.runs.count()) == (None, 0)
    SegmentRefresh.objects.filter(pk=reading.pk).update(status=JobStatus.SUCCESSFUL, finished_at=clock.now())
    assert running.wait(timeout=60) == 0
    assert everyone.refreshes.latest("pk").status == JobStatus.QUEUED
    assert newsletter.runs.count() == 1


def test_ctrl_c_stops_the_waiting_and_not_the_run(client_program: ClientProgram, newsletter: Export) -> None:
    waiting = subprocess.Popen(
        [str(client_program.bin / "segment-exports"), "run", "Newsletter readers", "--wait"],
        env=client_program.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert waiting.stdout is not None
    assert "Queued" in waiting.stdout.readline()
    time.sleep(0.3)
    waiting.send_signal(signal.SIGINT)
    _out, errors = waiting.communicate(timeout=20)
    assert waiting.returncode == 130
    assert "Stopped waiting. The runs continue." in errors
    run = newsletter.runs.get()
    assert (run.is_open, run.cancel_requested_at) == (True, None)


def test_a_shell_completes_commands_tags_and_names(client_program: ClientProgram, newsletter: Export) -> None:
    for shell in ("bash", "zsh", "fish"):
        assert "_SEGMENT_EXPORTS_COMPLETE" in client_program("completion", shell).stdout
    asked = (
        'eval "$(segment-exports completion bash)"; COMP_WORDS=(segment-exports run --tag mo); COMP_CWORD=3; '
        '_segment_exports_completion segment-exports mo --tag; echo "${COMPREPLY[@]}"'
    )
    shown = client_program.run_command(["bash", "-c", asked])
    assert shown.stdout.strip() == "morning", shown.stderr
    names = {
        "_SEGMENT_EXPORTS_COMPLETE": "zsh_complete",
        "COMP_WORDS": "segment-exports plan news",
        "COMP_CWORD": "2",
    }
    assert "Newsletter readers" in client_program(**names).stdout
