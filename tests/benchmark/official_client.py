"""``python official_client.py ADDRESS KEY LIST FILE THREADS``: send contacts with the vendor's official client.

FILE holds a thousand contacts a line, ready-made; only the calls are timed. Prints rows, calls and seconds as
JSON. An address of plain HTTP is reached by exchanging the class beneath, since the client itself always speaks
TLS.
"""

import http.client
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import createsend.createsend
from createsend.createsend import CreateSend
from createsend.subscriber import Subscriber


def main(address: str, key: str, list_id: str, path: str, threads: str) -> None:
    CreateSend.base_uri = f"{address}/api/v3.3"
    if address.startswith("http:"):
        vars(createsend.createsend)["VerifiedHTTPSConnection"] = http.client.HTTPConnection
    batches = [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]

    def send(people: list[dict[str, Any]]) -> None:
        client = Subscriber({"api_key": key})  # type: ignore[no-untyped-call]
        assert not client.import_subscribers(list_id, people, False).FailureDetails  # type: ignore[no-untyped-call]

    started = time.perf_counter()
    if int(threads) == 1:
        for people in batches:
            send(people)
    else:
        with ThreadPoolExecutor(int(threads)) as pool:
            list(pool.map(send, batches))
    seconds = time.perf_counter() - started
    told = {"rows": sum(map(len, batches)), "calls": len(batches), "seconds": seconds}
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
