"""What is measured of several hosts of workers, in order: one host, three, and three of which one is lost."""

import os
import time
from collections.abc import Callable
from pathlib import Path

from config.console.manifest.apply import apply
from config.platform.jobs.models import JobStatus
from exports.actions.runs import start_run
from exports.models import Export, Run, Trigger
from tests.benchmark import measuring
from tests.benchmark.ground import manage
from tests.benchmark.people import write_exactly
from tests.benchmark.results import Results
from tests.support.sandbox import RunningSandbox
from tests.support.waiting import wait_until
from tests.support.workers import Workers, worker_processes

_MORE_HOSTS = ("host2", "host3")
_KEY = "CREDENTIAL_BENCH_KEY"
_CONNECTION = """
  - name: Bench {number}
    destination: campaign_monitor
    environment: sandbox
    credentials: {{api_key: env:{key}}}
"""
_EXPORT = """
  - name: {name}
    connection: Bench {number}
    list_id: {list_id}
    segments: [Everyone]
    email: email
    fields: {{name: first_name}}
    answers: {{consent_to_track: unchanged}}
"""


class HostsScenarios:
    """One benchmark: the same exports, each time to lists of their own, by more hosts."""

    def __init__(
        self,
        results: Results,
        sandbox: RunningSandbox,
        folder: Path,
        *,
        exports: int,
        rows: int,
        latency_ms: int,
        say: Callable[[str], None],
    ) -> None:
        self._results, self._sandbox, self._folder, self._say = results, sandbox, folder, say
        self._exports, self._rows, self._latency_ms = exports, rows, latency_ms
        self._expected: set[str] = set()
        self._lost = 0

    def play(self) -> None:
        self._prepare()
        one = self._deliver("One", hosts=1)
        three = self._deliver("Three", hosts=3)
        lost = self._deliver("Lost", hosts=3, lost_after=three / 2)
        self._results.add("hosts_1_seconds", one, "s")
        self._results.add("hosts_3_seconds", three, "s")
        self._results.add("hosts_scale", one / three, "times", "three hosts instead of one")
        self._results.add("hosts_killed_seconds", lost, "s", "three hosts, one killed at half the time")
        self._results.add("hosts_lost", self._lost, "people", "on the lists of all deliveries")

    def _prepare(self) -> None:
        self._say(f"Importing {self._rows:,} people …")
        os.environ[_KEY] = RunningSandbox.api_key
        path = self._folder / "people.csv"
        self._expected = write_exactly(path, self._rows)
        measuring.import_profiles(path)

    def _deliver(self, name: str, *, hosts: int, lost_after: float | None = None) -> float:
        """Run all exports at once, and check the lists. Returns the seconds that they took in all."""
        exports = self._configure(name)
        self._sandbox.faults({"latency_ms": self._latency_ms})
        self._say(f"{len(exports)} exports, {hosts} hosts …")
        with worker_processes(self._folder / f"workers-{name}", broker="redis") as workers:
            for host in _MORE_HOSTS[: hosts - 1]:
                workers.add_host(host)
            begun = time.perf_counter()
            runs = [start_run(export, trigger=Trigger.MANUAL, by=None) for export in exports]
            if lost_after is not None:
                self._lose(workers, _MORE_HOSTS[0], lost_after)
            ids = [run.pk for run in runs]
            wait_until(lambda: not Run.objects.filter(pk__in=ids, finished_at=None).exists(), seconds=3600)
            seconds = time.perf_counter() - begun
        self._sandbox.clear_faults()
        self._check(ids, exports)
        self._say(f"… {seconds:.1f} s")
        return seconds

    def _lose(self, workers: Workers, host: str, after: float) -> None:
        time.sleep(after)
        workers.kill_host(host)

    def _check(self, runs: list[int], exports: list[Export]) -> None:
        ended = set(Run.objects.filter(pk__in=runs).values_list("status", flat=True))
        self._say(f"… ended as {', '.join(sorted(ended))}")
        for export in exports:
            lost, _doubled = measuring.lost_and_doubled(self._sandbox, export.list_id, self._expected)
            self._lost += lost
        assert ended <= {JobStatus.SUCCESSFUL, JobStatus.WARNINGS}, ended

    def _configure(self, name: str) -> list[Export]:
        """Make exports to lists of their own, each over a connection of its own."""
        numbers = range(1, self._exports + 1)
        connections = "".join(_CONNECTION.format(number=number, key=_KEY) for number in numbers)
        exports = "".join(
            _EXPORT.format(
                name=f"{name} {number}",
                number=number,
                list_id=self._sandbox.create_list(f"{name} {number}"),
            )
            for number in numbers
        )
        path = self._folder / "hosts.yaml"
        path.write_text(
            f"connections:{connections}\nsegments: [{{name: Everyone, rules: {{rules: []}}}}]\nexports:{exports}",
            encoding="utf-8",
        )
        apply(path, environ={_KEY: RunningSandbox.api_key}, wake_worker=False)
        manage("refresh_segments")
        return list(Export.objects.filter(name__startswith=f"{name} ").order_by("pk"))
