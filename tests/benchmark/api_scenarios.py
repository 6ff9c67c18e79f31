"""What is measured of the REST API, with the web server and the workers as they run in production."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.platform.accounts import api_tokens
from config.platform.accounts.models import User
from config.platform.accounts.permissions import Role
from config.platform.accounts.scopes import Scope
from config.platform.jobs import clock
from config.platform.jobs.models import JobStatus
from exports.models import Export, Run, Trigger
from segments.models import Segment
from segments.sources.column_plan import ColumnType
from segments.sources.push import actions as push
from segments.store.profiles import Condition, count_profiles
from tests.benchmark.ground import ROOT, cpu_seconds
from tests.benchmark.results import Results
from tests.support.waiting import wait_until
from tests.support.workers import environment_of_processes, free_port, worker_processes

EXPORTS = 1_000
PER_SECOND = 50
CLIENTS = 100
PROFILES = 1_000  # of each client
COLUMNS = {
    "id": ColumnType.TEXT,
    "email": ColumnType.TEXT,
    "first_name": ColumnType.TEXT,
    "last_name": ColumnType.TEXT,
    "city": ColumnType.TEXT,
    "country": ColumnType.TEXT,
    "age": ColumnType.INTEGER,
    "spent": ColumnType.NUMBER,
    "vip": ColumnType.BOOLEAN,
    "born": ColumnType.DATE,
    "seen": ColumnType.DATETIME,
    "tags": ColumnType.LIST,
}


class ApiScenarios:
    """One benchmark of the REST API."""

    def __init__(self, results: Results, folder: Path, *, seconds: float, say: Callable[[str], None]) -> None:
        self._results, self._folder, self._seconds, self._say = results, folder, seconds, say
        user = User.objects.create_user("bench", "a-long-password", role=Role.ADMINISTRATOR)
        _token, self._token = api_tokens.create_token(
            user=user, name="Benchmark", scopes=Scope.values, days=1, by=user
        )
        self._user = user

    def play(self) -> None:
        with worker_processes(self._folder / "workers"), _web_server(self._folder / "workers") as server:
            self._read(server)
            self._push(server)

    def _read(self, server: "WebServer") -> None:
        self._say(f"Creating {EXPORTS:,} exports …")
        paths = _create_exports()
        requests = [{"method": "GET", "path": path} for path in paths]
        self._load(server, {"requests": requests, "at_once": False, "per_second": PER_SECOND, "seconds": 1})
        self._say(f"Reading at {PER_SECOND} requests a second …")
        plan = {"requests": requests, "at_once": False, "per_second": PER_SECOND, "seconds": self._seconds}
        cpu = server.cpu_seconds()
        latencies = sorted(self._load(server, plan)["latencies"])
        cpu = (server.cpu_seconds() - cpu) / len(latencies)
        self._results.add("api_p50_ms", _share(latencies, 0.5) * 1000, "ms", f"at {EXPORTS:,} exports")
        self._results.add("api_p95_ms", _share(latencies, 0.95) * 1000, "ms", f"at {PER_SECOND} requests/s")
        self._results.add("api_cpu_ms", cpu * 1000, "ms of CPU", "of the web server for a request")

    def _push(self, server: "WebServer") -> None:
        self._say(f"Pushing {CLIENTS} × {PROFILES:,} profiles at once …")
        source = push.create_source(name="Pushed", key_columns=["id"], columns=COLUMNS, by=self._user)
        path = f"/api/v1/sources/{source.pk}/profiles"
        requests = [
            {"method": "POST", "path": path, "body": json.dumps({"profiles": _profiles(at)})}
            for at in range(CLIENTS)
        ]
        begun = time.perf_counter()
        cpu = server.cpu_seconds()
        found = self._load(server, {"requests": requests, "at_once": True})
        cpu = (server.cpu_seconds() - cpu) / CLIENTS
        accepted = CLIENTS * PROFILES
        self._results.add("push_rows_per_s", accepted / found["seconds"], "profiles/s", "accepted")
        self._results.add("push_cpu_ms", cpu * 1000, "ms of CPU", f"of the web server for {PROFILES:,} profiles")
        wait_until(lambda: _merged(source.pk) == accepted, seconds=300)
        self._results.add("push_merged_seconds", time.perf_counter() - begun, "s", "with the start of the clients")
        self._results.add("push_lost", accepted - _merged(source.pk), "profiles")

    def _load(self, server: "WebServer", plan: dict[str, Any]) -> dict[str, Any]:
        plan = plan | {"host": server.host, "token": self._token}
        command = [sys.executable, "-m", "tests.benchmark.api_load"]
        done = subprocess.run(
            command, cwd=ROOT, input=json.dumps(plan), stdout=subprocess.PIPE, text=True, check=True
        )
        found: dict[str, Any] = json.loads(done.stdout)
        assert not found["failed"], found["failed"]
        return found


@dataclass(frozen=True)
class WebServer:
    """The web server: its host and port, and the number of its first process."""

    host: str
    pid: int

    def cpu_seconds(self) -> float:
        """Return the processor time that its processes have used so far."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return sum(cpu_seconds(int(pid)) for pid in children)


def _create_exports() -> list[str]:
    """Create exports with a segment and ten runs each. Returns addresses of the API to read."""
    segment = Segment.objects.create(name="Everyone")
    exports = Export.objects.bulk_create(
        Export(name=f"Export {number}", list_id="a" * 32, email_attribute="email") for number in range(EXPORTS)
    )
    links = Export.segments.through
    links.objects.bulk_create(links(export_id=each.pk, segment_id=segment.pk) for each in exports)
    runs = Run.objects.bulk_create(
        [
            Run(
                export=each,
                number=number,
                trigger=Trigger.SCHEDULE,
                status=JobStatus.SUCCESSFUL,
                finished_at=clock.now(),
            )
            for each in exports
            for number in range(1, 11)
        ],
        batch_size=2000,
    )
    ids = [each.pk for each in exports[:: EXPORTS // 20]]
    paths = ["/api/v1/exports", "/api/v1/runs", f"/api/v1/exports?cursor={ids[10]}", "/api/v1/segments"]
    paths += [f"/api/v1/exports/{pk}" for pk in ids]
    paths += [f"/api/v1/runs?export_id={pk}" for pk in ids]
    return paths + [f"/api/v1/runs/{each.pk}" for each in runs[:: len(runs) // 20]]


def _profiles(client: int) -> list[dict[str, Any]]:
    first = client * PROFILES
    return [
        {
            "id": f"P{number:09}",
            "email": f"person.{number}@example.com",
            "first_name": "Aleksandra",
            "last_name": f"Number {number}",
            "city": "Helsinki",
            "country": "Finland",
            "age": number % 90,
            "spent": number / 7,
            "vip": number % 10 == 0,
            "born": f"19{number % 90 + 10}-03-14",
            "seen": "2026-03-14T15:09:26Z",
            "tags": ["newsletter", "shop"],
        }
        for number in range(first, first + PROFILES)
    ]


def _merged(source_id: int) -> int:
    return count_profiles(Condition("source_id = ?", [source_id]))


def _share(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


@contextmanager
def _web_server(var_dir: Path) -> Iterator[WebServer]:
    """Serve the API as `up` does."""
    port = free_port()
    environment = environment_of_processes(var_dir, "") | {
        "PORT": str(port),
        "API_REQUESTS_PER_MINUTE": "1000000",
        "STATIC_ROOT": str(var_dir / "static"),
    }
    (var_dir / "static").mkdir(parents=True, exist_ok=True)
    gunicorn = Path(sys.executable).with_name("gunicorn")
    command = [str(gunicorn), "--config", "config/gunicorn.py", "config.wsgi"]
    with (var_dir / "web.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environment}, stdout=log, stderr=log)
    host = f"127.0.0.1:{port}"
    try:
        wait_until(lambda: _answers(host), seconds=60)
        yield WebServer(host, process.pid)
    finally:
        process.terminate()
        process.wait(timeout=30)


def _answers(host: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://{host}/healthz", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
