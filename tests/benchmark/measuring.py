"""The measurements. Each takes real processes; the product's own rows say when things happened."""

import http.client
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import createsend.createsend
import orjson
from createsend.createsend import CreateSend
from createsend.subscriber import Subscriber
from django.db.models import Min

from config.system.applying.applying import apply
from connections.destinations import registry
from connections.models import Connection
from exports import matching
from exports.converting import convert
from exports.models import Batch, Export, Run
from segments.audience import VALID_EMAIL
from segments.models import ImportJob, Segment
from tests.benchmark.ground import Finished, cpu_seconds, manage
from tests.sandbox import RunningSandbox

IN_FLIGHT = 8
FIELDS = (("City", "Text"), ("Country", "Text"), ("BirthDate", "Date"), ("Language", "Text"))
_FILE = """
connections:
  - name: Bench
    destination: campaign_monitor
    environment: sandbox
    credentials: {{api_key: env:BENCH_KEY}}
segments:
  - {{name: Everyone, rules: {{rules: []}}}}
exports:
{exports}
"""
_EXPORT = """
  - name: {name}
    connection: Bench
    list_id: {list_id}
    segments: [Everyone]
    email: email
    fields:
      {{name: first_name, "[City]": city, "[Country]": country, "[BirthDate]": birth_date, "[Language]": language}}
    answers: {{consent_to_track: unchanged}}
"""


@dataclass(frozen=True)
class Delivered:
    """A first run of an export."""

    run: Run
    plan_seconds: float
    rows_per_second: float
    peak_bytes: int


def import_profiles(path: Path) -> float:
    """Import the file; rows per second."""
    manage("import_profiles", str(path), "--key", "id", "--source", "People")
    job = ImportJob.objects.latest("pk")
    assert job.started_at is not None
    assert job.finished_at is not None
    return job.rows_read / (job.finished_at - job.started_at).total_seconds()


def configure(folder: Path, lists: dict[str, str]) -> None:
    """One export by each name to each list, of everyone, with IN_FLIGHT calls at a time."""
    path = folder / "bench.yaml"
    exports = "".join(_EXPORT.format(name=name, list_id=list_id) for name, list_id in lists.items())
    path.write_text(_FILE.format(exports=exports), encoding="utf-8")
    apply(path, environ={"BENCH_KEY": RunningSandbox.api_key}, ring=False)
    manage("refresh_segments")
    assert Segment.objects.get().refreshed_at is not None
    Connection.objects.update(max_in_flight=IN_FLIGHT)


def run_export(name: str) -> tuple[Run, Finished]:
    """One run, worked on by a process of its own."""
    finished = manage("run_export", name, "--wait", "--json")
    return Export.objects.get(name=name).runs.latest("number"), finished


def deliver(name: str) -> Delivered:
    """The first run of an export: how long it planned, how fast it delivered, what memory its process took."""
    run, finished = run_export(name)
    first_sent = run.batches.aggregate(first=Min("sent_at"))["first"]
    planned_from = run.events.get(to_status="processing").at
    assert run.finished_at is not None
    return Delivered(
        run=run,
        plan_seconds=(first_sent - planned_from).total_seconds(),
        rows_per_second=run.planned / (run.finished_at - first_sent).total_seconds(),
        peak_bytes=finished.peak_bytes,
    )


@dataclass(frozen=True)
class Looped:
    """A plain loop with the official client."""

    rows_per_second: float
    calls: int
    sandbox_cpu_seconds: float


def client_loop(sandbox: RunningSandbox, list_id: str, run: Run) -> Looped:
    """Send what ``run`` planned to another list, one call after the other. Only the client's calls are timed: it
    gets its thousand people ready-made."""
    with _plain_http(sandbox):
        client = Subscriber({"api_key": sandbox.api_key})  # type: ignore[no-untyped-call]
        seconds, rows, calls = 0.0, 0, 0
        cpu = cpu_seconds(sandbox.pid)
        for people in _batches(run):
            started = time.perf_counter()
            answer = client.import_subscribers(list_id, people, False)  # type: ignore[no-untyped-call]
            seconds += time.perf_counter() - started
            rows += len(people)
            calls += 1
            assert not answer.FailureDetails
        return Looped(rows / seconds, calls, cpu_seconds(sandbox.pid) - cpu)


def _batches(run: Run) -> Iterator[list[dict[str, Any]]]:
    prepare = registry.get("campaign_monitor").preparer(matching.send_settings(run.list_id, run.frozen))
    for pk in run.batches.order_by("number").values_list("pk", flat=True):
        batch = Batch.objects.only("emails", "payloads", "converted").get(pk=pk)
        yield [orjson.loads(payload) for payload in convert(batch, prepare, 2**30).payloads]


@contextmanager
def _plain_http(sandbox: RunningSandbox) -> Iterator[None]:
    """The client always speaks TLS; our own senders do not, to this sandbox. So that the comparison is fair its
    connection class is exchanged for the plain one beneath."""
    with (
        patch.object(createsend.createsend, "VerifiedHTTPSConnection", http.client.HTTPConnection),
        patch.object(CreateSend, "base_uri", f"{sandbox.url}/api/v3.3"),
    ):
        yield


def valid_addresses(path: Path) -> set[str]:
    """Every valid address of the file, once, by other means than the product's SQL."""
    valid = re.compile(VALID_EMAIL)
    with path.open(encoding="utf-8") as file:
        next(file)
        addresses = {line.split(",", 2)[1].strip().lower() for line in file}
    return {address for address in addresses if valid.match(address)}


def missing_or_twice(sandbox: RunningSandbox, list_id: str, expected: set[str]) -> int:
    """How many people are not on the list, are there without being expected, or were received more than once."""
    received = sandbox.received(list_id)
    active = sandbox.counts(list_id)["Active"]
    twice = sum(1 for times in received.values() if times != 1)
    return len(expected ^ received.keys()) + twice + abs(active - len(expected))
