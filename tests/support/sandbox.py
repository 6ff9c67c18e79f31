"""The real sandbox, for every tier: started by its command on a free port, told what to do through its doors.

::

    with running_sandbox(tmp_path) as sandbox:
        ...

or, in a conftest.py, ``from tests.support.sandbox import sandbox, sandbox_process`` for the fixture ``sandbox``:
one process for the whole session, as fresh as on its first day for every test.
"""

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from connections.destinations.campaign_monitor.sandbox import model

ROOT = Path(__file__).resolve().parents[2]
_STARTS_WITHIN_SECONDS = 120  # machines are busy


class RunningSandbox:
    """A sandbox process. ``url`` is what a connection is made for; it stays the same over ``restart``."""

    api_key = model.API_KEY
    client_api_key = model.CLIENT_API_KEY
    client_id = model.CLIENT_ID
    list_id = model.LIST_ID

    def __init__(self, folder: Path, *, latency_ms: float = 0, tls: bool = False) -> None:
        self.folder = folder
        self.file = folder / "sandbox.jsonl"
        self.url = ""
        self.https_url = ""
        self.certificate = folder / "sandbox-certificate.pem"
        self._latency_ms = latency_ms
        self._tls = tls
        self._process: subprocess.Popen[bytes] | None = None
        self._session = requests.Session()
        self._session.trust_env = False

    # -- the process -------------------------------------------------------------------------------------------

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it, on the ports that it had before if it ran already, and wait until it answers."""
        output = self.folder / "sandbox.out"
        with output.open("wb") as file:
            self._process = subprocess.Popen(
                self._command(), cwd=ROOT, stdin=subprocess.DEVNULL, stdout=file, stderr=file
            )
        deadline = time.monotonic() + _STARTS_WITHIN_SECONDS
        while not self._ready(output.read_text(encoding="utf-8")):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"The sandbox did not start:\n{output.read_text(encoding='utf-8')}")
            time.sleep(0.02)

    def stop(self) -> None:
        """End it in the ordinary way."""
        self._end(kill=False)

    def kill(self) -> None:
        """End it as a power cut would: at once."""
        self._end(kill=True)

    def restart(self) -> None:
        """Stop it, unless it was killed already, and start it again on the same file and ports."""
        self.stop()
        self.start()

    def close(self) -> None:
        """Done with it."""
        self._end(kill=True)
        self._session.close()

    # -- what it holds -----------------------------------------------------------------------------------------

    def api(self, method: str, path: str, **options: Any) -> requests.Response:
        """One call of the API with the account's key; ``path`` after the version, such as ``/clients.json``."""
        options.setdefault("auth", (self.api_key, "x"))
        version = options.pop("version", "v3.3")
        return self._session.request(method, f"{self.url}/api/{version}{path}", timeout=60, **options)

    def people(self, list_id: str | None = None, state: str = "active") -> list[dict[str, Any]]:
        """Read all subscribers in a state, by email, as the API returns them on all pages."""
        found: list[dict[str, Any]] = []
        page, pages = 1, 1
        while page <= pages:
            options = {"page": page, "orderfield": "email", "includetrackingpreference": "true"}
            options["includesmspreference"] = "true"
            answer = self.api("GET", f"/lists/{list_id or self.list_id}/{state.lower()}.json", params=options)
            answer.raise_for_status()
            found += answer.json()["Results"]
            page, pages = page + 1, answer.json()["NumberOfPages"]
        return found

    def counts(self, list_id: str | None = None) -> dict[str, int]:
        """Count the subscribers in each state: Active, Unconfirmed, Unsubscribed, Bounced, Deleted."""
        return dict(self.door("GET", f"counts/{list_id or self.list_id}"))

    def received(self, list_id: str | None = None) -> dict[str, int]:
        """How often each address (in lower case) was received."""
        return dict(self.door("GET", f"received/{list_id or self.list_id}"))

    def arrivals(self, list_id: str | None = None) -> dict[str, list[str]]:
        """In which ways each address (in lower case) was received."""
        return dict(self.door("GET", f"arrivals/{list_id or self.list_id}"))

    def create_list(
        self,
        title: str,
        *,
        confirmed: bool = False,
        scope: str = "AllClientLists",
        fields: Sequence[tuple[str, str] | tuple[str, str, list[str]]] = (),
    ) -> str:
        """A further list with custom fields (name, data type, options where it has any); gives its id."""
        body = {"Title": title, "ConfirmedOptIn": confirmed, "UnsubscribeSetting": scope}
        answer = self.api("POST", f"/lists/{self.client_id}.json", json=body)
        answer.raise_for_status()
        list_id = str(answer.json())
        for name, data_type, *options in fields:
            field = {"FieldName": name, "DataType": data_type, "Options": options[0] if options else []}
            self.api("POST", f"/lists/{list_id}/customfields.json", json=field).raise_for_status()
        return list_id

    def import_people(self, rows: Sequence[dict[str, Any]], list_id: str | None = None) -> dict[str, Any]:
        """Import as a customer would; rows without consent get Yes. Gives the figures."""
        body = {"Subscribers": [{"ConsentToTrack": "Yes", **row} for row in rows]}
        answer = self.api("POST", f"/subscribers/{list_id or self.list_id}/import.json", json=body).json()
        return dict(answer.get("ResultData", answer))

    def set_state(
        self, emails: Sequence[str], state: str, list_id: str | None = None, *, joined: str = "", since: str = ""
    ) -> None:
        """Put subscribers into a state (or Suppressed), as if they had done so themselves, having ``joined``
        then, and being in the state ``since`` then."""
        body = {"list_id": list_id or self.list_id, "emails": list(emails), "state": state}
        self.door("POST", "states", json=body | {"joined": joined, "since": since})

    # -- its doors ---------------------------------------------------------------------------------------------

    def faults(self, faults: dict[str, Any]) -> None:
        """Exactly this trouble from now on; see the sandbox's README."""
        self.door("PUT", "faults", json=faults)

    def rules(self) -> list[dict[str, Any]]:
        """The rules of trouble, with how often each ``acted``."""
        return list(self.door("GET", "faults")["rules"])

    def clear_faults(self) -> None:
        self.door("DELETE", "faults")

    def requests(self) -> dict[str, Any]:
        """``totals`` (calls, imports, rows), ``statuses`` and the last ``requests``, newest first."""
        return dict(self.door("GET", "requests"))

    def clear_requests(self) -> None:
        """Count from zero again."""
        self.door("DELETE", "requests")

    def reset(self) -> None:
        """As on its first day."""
        self.door("POST", "reset")

    def door(self, method: str, path: str, **options: Any) -> Any:
        answer = self._session.request(method, f"{self.url}/_sandbox/{path}", timeout=60, **options)
        assert answer.status_code == 200, answer.text
        return answer.json()

    # -- inside ------------------------------------------------------------------------------------------------

    def _command(self) -> list[str]:
        command = [sys.executable, str(ROOT / "manage.py"), "run_campaign_monitor_sandbox"]
        command += ["--port", _port(self.url), "--file", str(self.file), "--latency-ms", str(self._latency_ms)]
        if self._tls:
            command += ["--tls-port", _port(self.https_url)]
        return command

    def _ready(self, output: str) -> bool:
        if "list " not in output:
            return False
        addresses = [word.strip(",") for word in output.split() if word.startswith("http")]
        self.url = next(address for address in addresses if address.startswith("http:"))
        self.https_url = next((address for address in addresses if address.startswith("https:")), "")
        return True

    def _end(self, *, kill: bool) -> None:
        if self._process is None:
            return
        if kill:
            self._process.kill()
        else:
            self._process.terminate()
        self._process.wait(timeout=30)
        self._process = None
        # What was kept alive is dead now.
        self._session.close()


def _port(url: str) -> str:
    return url.rpartition(":")[2] if url else "0"


@contextmanager
def running_sandbox(folder: Path, *, latency_ms: float = 0, tls: bool = False) -> Iterator[RunningSandbox]:
    """A sandbox of one's own, which keeps its lists in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    running = RunningSandbox(folder, latency_ms=latency_ms, tls=tls)
    try:
        running.start()
        yield running
    finally:
        running.close()


@pytest.fixture(scope="session")
def sandbox_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    """The one process that a session shares; take ``sandbox`` instead."""
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as running:
        yield running


@pytest.fixture
def sandbox(sandbox_process: RunningSandbox) -> RunningSandbox:
    """A fresh sandbox. Do not stop or kill it: start one of your own for that."""
    sandbox_process.reset()
    return sandbox_process


__all__ = ["RunningSandbox", "running_sandbox", "sandbox", "sandbox_process"]
