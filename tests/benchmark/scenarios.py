"""What is measured, in order. Everything happens in one run, so that ratios compare like with like."""

import math
from collections.abc import Callable, Mapping
from pathlib import Path

from exports.models import IS_REMOVAL, BatchStatus
from tests.benchmark import machine, measuring
from tests.benchmark.ground import cpu_seconds
from tests.benchmark.measuring import Delivered
from tests.benchmark.people import write_exactly
from tests.benchmark.results import Results
from tests.benchmark.trusted_certificate import trusting
from tests.support.sandbox import RunningSandbox

MAXIMUM = 8
POOL = 8
# The official client is timed over so many calls: its pace does not change.
CALLS_OF_OFFICIAL = {False: 60, True: 200}
FAULTS = [
    {"kind": "error", "path": "/import", "probability": 0.02},
    {"kind": "throttle", "path": "/import", "probability": 0.01},
]
SHARE_OF_PARTIAL_FAILURES = 0.01


class Scenarios:
    """One benchmark. Every first delivery goes to a list of its own, named as its export."""

    def __init__(
        self,
        results: Results,
        sandbox: RunningSandbox,
        folder: Path,
        *,
        rows: int,
        full: bool,
        say: Callable[[str], None],
    ) -> None:
        self._results, self._sandbox, self._folder = results, sandbox, folder
        self._rows, self._full, self._say = rows, full, say
        self._realistic_ms = 1200 if full else 600
        self._trusting: Mapping[str, str] = {}
        self._expected: set[str] = set()
        self._lists: dict[str, str] = {}
        self._peak = self._lost = self._doubled = 0

    def play(self) -> None:
        stolen = machine.stolen_seconds()
        self._prepare()
        self._results.add(
            "machine_postgres_ms", machine.postgres_ms(), "ms", "a fixed piece of work, the best of five"
        )
        self._results.add("machine_python_ms", machine.python_ms(), "ms", "the same")
        self._at_no_latency()
        self._at_latency()
        self._at_realistic_latency()
        if self._full:
            self._with_faults()
        self._second_run()  # the last: it changes the people
        self._results.add("worker_peak_mb", self._peak / 2**20, "MB")
        self._results.add("profiles_lost", self._lost, "people", "on the lists of all deliveries")
        self._results.add("profiles_doubled", self._doubled, "people", "in all deliveries without faults")
        stolen = machine.stolen_seconds() - stolen
        self._results.add("machine_stolen_s", stolen, "s of CPU", "taken by the host of the machine")

    def _prepare(self) -> None:
        self._say(f"Importing {self._rows:,} people and some more …")
        path = self._folder / "people.csv"
        self._expected = write_exactly(path, self._rows)
        self._results.add("import_rows_per_s", measuring.import_profiles(path), "rows/s")
        names = ["plain", "secure", "200 ms", "learned", "unlearned", "four", "clean", "faulty"]
        self._lists = {name: self._new_list(name) for name in names}
        measuring.configure(self._folder, self._lists)
        self._trusting = trusting(self._folder / "trusting", self._sandbox.certificate) | {
            "CAMPAIGN_MONITOR_SANDBOX_URL": self._sandbox.https_url
        }

    def _at_no_latency(self) -> None:
        cpu, calls = cpu_seconds(self._sandbox.pid), self._imports()
        plain = self._deliver("plain", 0)
        cpu, calls = cpu_seconds(self._sandbox.pid) - cpu, self._imports() - calls
        self._results.add("plan_seconds", plain.plan_seconds, "s")
        self._results.add("deliver_0ms_rows_per_s", plain.rows_per_second, "rows/s", _in_flight(MAXIMUM))
        self._results.add("sandbox_ms_per_import", cpu * 1000 / max(calls, 1), "ms of CPU")
        worker = plain.process.cpu_seconds * 1000 / max(calls, 1)
        self._results.add("worker_ms_per_import", worker, "ms of CPU", "its start included")
        secure = self._deliver("secure", 0, environment=self._trusting)
        self._results.add("deliver_0ms_https_rows_per_s", secure.rows_per_second, "rows/s", "over HTTPS")
        self._beside_official(plain, secure)

    def _beside_official(self, plain: Delivered, secure: Delivered) -> None:
        path = self._folder / "official.jsonl"
        measuring.write_batches(plain.run, path, CALLS_OF_OFFICIAL[self._full])
        loop, pool = (self._official(path, threads=threads, secure=True) for threads in (1, POOL))
        plain_loop, plain_pool = (self._official(path, threads=threads) for threads in (1, POOL))
        self._results.add("client_loop_0ms_https_rows_per_s", loop, "rows/s", "createsend as it is, over HTTPS")
        self._results.add("client_pool_0ms_https_rows_per_s", pool, "rows/s", f"the same in {POOL} threads")
        self._results.add("client_loop_0ms_rows_per_s", plain_loop, "rows/s", "createsend over plain HTTP")
        self._results.add("client_pool_0ms_rows_per_s", plain_pool, "rows/s", f"the same in {POOL} threads")
        self._results.add("deliver_vs_client_loop", secure.rows_per_second / loop, "times", "both over HTTPS")
        self._results.add("deliver_vs_client_pool", secure.rows_per_second / pool, "times", "both over HTTPS")
        self._results.add("deliver_vs_client_loop_http", plain.rows_per_second / plain_loop, "times")
        self._results.add("deliver_vs_client_pool_http", plain.rows_per_second / plain_pool, "times")

    def _second_run(self) -> None:
        self._say("A second run: 2 % changed, 1 % gone …")
        changed = measuring.change_some("plain", changed=0.02, gone=0.01)
        measuring.mark_leaving_contacts("plain")
        self._sandbox.clear_faults()
        self._sandbox.clear_requests()
        again = self._run("plain")
        done = again.run.batches.filter(status=BatchStatus.DONE)
        removing = done.filter(IS_REMOVAL).count()
        sending = self._imports() - removing
        self._results.add("second_run_seconds", again.seconds, "s", f"{changed:,} changed")
        self._results.add("second_run_calls_excess", sending - math.ceil(changed / 1000), "calls")
        self._results.add("second_run_removals", again.run.removed, "people", f"marked in {removing} calls")
        assert (again.run.planned, again.run.delivered) == (changed, changed)

    def _at_latency(self) -> None:
        delivered = self._deliver("200 ms", 200)
        self._results.add("deliver_200ms_rows_per_s", delivered.rows_per_second, "rows/s", _in_flight(MAXIMUM))
        path = self._folder / "official.jsonl"
        loop = self._official(path, threads=1)
        self._results.add("client_loop_200ms_rows_per_s", loop, "rows/s", "createsend over plain HTTP")
        self._results.add("deliver_200ms_vs_client_loop", delivered.rows_per_second / loop, "times")

    def _at_realistic_latency(self) -> None:
        latency = self._realistic_ms
        learned = self._vs_ideal("learned", MAXIMUM, learned=MAXIMUM)
        self._results.add("deliver_vs_ideal", learned, "times", f"{latency} ms a call, {_in_flight(MAXIMUM)}")
        unlearned = self._vs_ideal("unlearned", MAXIMUM, learned=0)
        self._results.add(
            "deliver_vs_ideal_unlearned", unlearned, "times", "a connection that has learned nothing"
        )
        four = self._vs_ideal("four", 4, learned=4)
        self._results.add("deliver_vs_ideal_default_maximum", four, "times", _in_flight(4))

    def _vs_ideal(self, name: str, maximum: int, *, learned: int) -> float:
        delivered = self._deliver(name, self._realistic_ms, maximum=maximum, learned=learned)
        ideal = math.ceil(delivered.run.planned / 1000) * self._realistic_ms / 1000 / maximum
        return delivered.seconds / ideal

    def _with_faults(self) -> None:
        clean = self._deliver("clean", 200)
        some = sorted(self._expected)[:: round(1 / SHARE_OF_PARTIAL_FAILURES)]
        partial = {"kind": "refuse_emails", "emails": some[:10_000], "code": 1, "probability": 0.01}
        self._sandbox.faults({"latency_ms": 200, "seed": 1, "rules": [*FAULTS, partial]})
        self._say("The same with 2 % 500s, 1 % 429s, 1 % partial failures …")
        faulty = self._run("faulty")
        self._results.add("faults_vs_clean", faulty.seconds / clean.seconds, "times")
        self._lost += self._not_accounted_for(faulty)

    def _not_accounted_for(self, faulty: Delivered) -> int:
        """Find the addresses that are neither on the list nor among the refused ones."""
        refused = set(faulty.run.outcomes.filter(kind="rejected").values_list("email", flat=True))
        received = self._sandbox.received(self._lists["faulty"]).keys()
        run = faulty.run
        assert run.planned == run.delivered + run.left + run.rejected + run.not_sent
        return len(self._expected - refused - received)

    # -- each of them ------------------------------------------------------------------------------------------

    def _deliver(
        self,
        name: str,
        latency_ms: int,
        *,
        maximum: int = MAXIMUM,
        learned: int = MAXIMUM,
        environment: Mapping[str, str] | None = None,
    ) -> Delivered:
        self._say(f"Delivering to “{name}”, {latency_ms} ms a call …")
        self._sandbox.faults({"latency_ms": latency_ms})
        delivered = self._run(name, maximum=maximum, learned=learned, environment=environment)
        self._peak = max(self._peak, delivered.process.peak_bytes)
        lost, doubled = measuring.lost_and_doubled(self._sandbox, self._lists[name], self._expected)
        self._lost += lost
        self._doubled += doubled
        return delivered

    def _run(
        self,
        name: str,
        *,
        maximum: int = MAXIMUM,
        learned: int = MAXIMUM,
        environment: Mapping[str, str] | None = None,
    ) -> Delivered:
        delivered = measuring.deliver(name, maximum=maximum, learned=learned, environment=environment)
        self._say(f"… {delivered.parts}")
        return delivered

    def _official(self, path: Path, *, threads: int, secure: bool = False) -> float:
        self._say(f"The official client, {threads} at a time, {'HTTPS' if secure else 'HTTP'} …")
        address = self._sandbox.https_url if secure else self._sandbox.url
        environment = self._trusting if secure else None
        list_id = self._new_list(f"Official {threads} {secure} {len(self._results.figures)}")
        return measuring.official(address, list_id, path, threads=threads, environment=environment).rows_per_second

    def _new_list(self, title: str) -> str:
        return self._sandbox.create_list(title, scope="OnlyThisList", fields=measuring.FIELDS)

    def _imports(self) -> int:
        return int(self._sandbox.requests()["totals"]["imports"])


def _in_flight(calls: int) -> str:
    return f"{calls} calls in flight"
