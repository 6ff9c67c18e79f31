"""Send requests to the REST API as programs do, from a process of its own: ``python -m tests.benchmark.api_load``
reads a plan from its standard input and writes the latencies to its standard output, both as JSON."""

import http.client
import itertools
import json
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any


class Latencies:
    """The seconds that requests took, and the answers that were no success."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.failed: list[str] = []
        self.ended_at = 0.0

    def request(
        self, connection: http.client.HTTPConnection, asked: dict[str, Any], due: float, token: str
    ) -> None:
        """Send one request and note the time since it was due."""
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        connection.request(asked["method"], asked["path"], asked.get("body"), headers)
        answer = connection.getresponse()
        body = answer.read()
        self.ended_at = time.perf_counter()
        self.seconds.append(self.ended_at - due)
        if answer.status >= 300:
            self.failed.append(f"{answer.status} {asked['path']} {body[:200]!r}")


def at_a_rate(
    host: str, token: str, requests: Sequence[dict[str, Any]], *, per_second: float, seconds: float
) -> Latencies:
    """Send requests at a fixed rate, however long the answers take: late ones count from when they were due."""
    found, numbers, lock = Latencies(), itertools.count(), threading.Lock()
    begun, total = time.perf_counter() + 0.5, int(per_second * seconds)

    def work() -> None:
        connection = http.client.HTTPConnection(host, timeout=60)
        while True:
            with lock:
                number = next(numbers)
            if number >= total:
                return
            due = begun + number / per_second
            time.sleep(max(0.0, due - time.perf_counter()))
            found.request(connection, requests[number % len(requests)], due, token)

    _run([threading.Thread(target=work) for _ in range(16)])
    return found


def all_at_once(host: str, token: str, requests: Sequence[dict[str, Any]]) -> tuple[Latencies, float]:
    """Send each request by a client of its own, all at the same moment. Returns the seconds until the last answer
    as well."""
    found, barrier = Latencies(), threading.Barrier(len(requests) + 1)

    def work(asked: dict[str, Any]) -> None:
        connection = http.client.HTTPConnection(host, timeout=120)
        connection.connect()
        barrier.wait()
        found.request(connection, asked, time.perf_counter(), token)

    threads = [threading.Thread(target=work, args=(asked,)) for asked in requests]
    for thread in threads:
        thread.start()
    barrier.wait()
    begun = time.perf_counter()
    for thread in threads:
        thread.join()
    return found, found.ended_at - begun


def _run(threads: Sequence[threading.Thread]) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main() -> None:
    """Play the plan."""
    plan = json.load(sys.stdin)
    host, token, requests = plan["host"], plan["token"], plan["requests"]
    if plan["at_once"]:
        found, seconds = all_at_once(host, token, requests)
    else:
        seconds = plan["seconds"]
        found = at_a_rate(host, token, requests, per_second=plan["per_second"], seconds=seconds)
    json.dump({"latencies": found.seconds, "failed": found.failed[:5], "seconds": seconds}, sys.stdout)


if __name__ == "__main__":
    main()
