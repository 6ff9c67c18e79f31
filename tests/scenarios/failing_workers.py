"""Workers that meet trouble at one of their requests: they die, stand still, or never get the answer."""

import io
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import Any
from unittest import mock
from urllib.parse import parse_qs, urlsplit

import orjson
import requests
from django.db import connection as database
from urllib3.exceptions import ProtocolError

from config.platform.jobs import leases
from config.platform.jobs.leases import HeldLease
from exports.delivery import loop
from exports.models import Run
from exports.results import unknown_results
from exports.run import pipeline
from tests.scenarios.model import LateRequest

_FIELDS = {"[City]": "city", "[Left]": "mark"}
_SECONDS = 60


class Killed(BaseException):
    """A worker dies here: only the scenario catches it."""


class Trouble(Enum):
    """What a worker meets at a request."""

    DIES_BEFORE = "dies before the request"
    DIES_AFTER = "dies after the request, before its answer"
    ANSWER_LOST = "never gets the answer to a request"
    ANSWER_IS_AN_ERROR = "gets an error as the answer to a request that took effect"
    REFUSED_FOR_NOW = "is asked to wait instead of being answered"
    STANDS_STILL = "stands still with a request in hand, and goes on later"
    DIES_AND_LANDS_LATE = "dies, and its request reaches the list later"


HELD = (Trouble.STANDS_STILL, Trouble.DIES_AND_LANDS_LATE)


@dataclass
class HeldWorker:
    """A worker that holds a request, and with it its threads."""

    run: Run
    trouble: Trouble
    request: LateRequest = field(default_factory=lambda: LateRequest(""))
    attempt: int = 0
    has_stopped: threading.Event = field(default_factory=threading.Event)
    may_go_on: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None

    def start(self) -> bool:
        """Work on the run in a thread; whether it has stopped at a request instead of ending its work."""
        self.thread = threading.Thread(target=self._work, name=f"held-{self.run.pk}", daemon=True)
        self.thread.start()
        for _look in range(_SECONDS * 100):
            if self.has_stopped.wait(0.01) or not self.thread.is_alive():
                self.attempt = Run.objects.values_list("attempt", flat=True).get(pk=self.run.pk)
                return self.has_stopped.is_set()
        raise AssertionError("The worker neither ended nor stopped.")

    def go_on(self) -> None:
        """Let the request reach the list, and the worker find out what it may still do."""
        self.may_go_on.set()
        assert self.thread is not None
        self.thread.join(_SECONDS)
        assert not self.thread.is_alive(), "The worker that went on did not end."

    def _work(self) -> None:
        try:
            pipeline.run_slice(self.run.pk)
        except Killed:
            pass
        finally:
            database.close()


class Requests:
    """Every request of a worker about subscribers passes here."""

    def __init__(self) -> None:
        self._real = requests.Session.request
        self._beat, self._keep = leases.extend_or_log, unknown_results.record_landed
        self._lock = threading.Lock()
        self._trouble: Trouble | None = None
        self._skip = 0
        self._held: HeldWorker | None = None
        self._all_held: list[HeldWorker] = []
        self._has_died = False

    def meet(self, trouble: Trouble, skip: int, held: HeldWorker | None = None) -> None:
        """Let the next worker meet trouble after so many requests."""
        self._trouble, self._skip, self._held = trouble, skip, held
        self._has_died = False

    def calm(self) -> None:
        """Let every request pass from now on."""
        self._trouble = self._held = None
        self._has_died = False

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Watch requests, and the threads of workers that stand still, within the block."""
        with (
            mock.patch.object(requests.Session, "request", _as_method(self._request)),
            mock.patch.object(leases, "extend_or_log", self._hold_heartbeat),
            mock.patch.object(loop, "wait", self._hold_main_thread),
            mock.patch.object(unknown_results, "record_landed", self._keep_landed),
        ):
            try:
                yield
            finally:
                for held in self._all_held:
                    held.may_go_on.set()
                    if held.thread is not None:
                        held.thread.join(_SECONDS)

    def _request(self, session: requests.Session, method: str, url: str, **named: Any) -> requests.Response:
        trouble, held = self._due(url)
        match trouble:
            case Trouble.DIES_BEFORE:
                raise Killed
            case Trouble.DIES_AFTER:
                self._real(session, method, url, **named)
                raise Killed
            case Trouble.ANSWER_LOST:
                self._real(session, method, url, **named).close()
                raise requests.ConnectionError(ProtocolError("the answer is lost"))
            case Trouble.ANSWER_IS_AN_ERROR:
                self._real(session, method, url, **named).close()
                return _empty_answer(500)
            case Trouble.REFUSED_FOR_NOW:
                return _empty_answer(429)
        if held is not None:
            self._hold_request(held, read(method, url, named.get("data")))
            if held.trouble == Trouble.DIES_AND_LANDS_LATE:
                self._real(session, method, url, **named).close()
                raise Killed
        return self._real(session, method, url, **named)

    def _due(self, url: str) -> tuple[Trouble | None, HeldWorker | None]:
        with self._lock:
            if self._trouble is None or "/subscribers/" not in url:
                return None, None
            self._skip -= 1
            if self._skip >= 0:
                return None, None
            due = self._trouble, self._held
            self._trouble = self._held = None
            self._has_died = due[0] in {Trouble.DIES_BEFORE, Trouble.DIES_AFTER}
            return due

    def _hold_request(self, held: HeldWorker, request: LateRequest) -> None:
        held.request = request
        self._all_held.append(held)
        held.has_stopped.set()
        held.may_go_on.wait()

    def _hold_heartbeat(self, leases_of_run: Sequence[HeldLease]) -> None:
        (lease,) = leases_of_run
        for held in self._all_held:
            if (lease._job.pk, lease._job.attempt) == (held.run.pk, held.attempt):
                held.may_go_on.wait()
        self._beat(leases_of_run)

    def _hold_main_thread(self, *args: Any, **named: Any) -> Any:
        found = wait(*args, **named)
        for held in self._all_held:
            if threading.current_thread() is held.thread and held.has_stopped.is_set():
                held.may_go_on.wait()
        return found

    def _keep_landed(self, run: Run, late: Any) -> None:
        """A worker that has died writes nothing."""
        if self._has_died:
            raise Killed
        for held in self._all_held:
            if threading.current_thread() is held.thread and held.trouble == Trouble.DIES_AND_LANDS_LATE:
                raise Killed
        self._keep(run, late)


def _empty_answer(status: int) -> requests.Response:
    answer = requests.Response()
    answer.status_code, answer.raw = status, io.BytesIO()
    return answer


def _as_method(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a plain function, which a class binds to its instances."""

    def method(*args: Any, **named: Any) -> Any:
        return function(*args, **named)

    return method


def read(method: str, url: str, body: bytes | None) -> LateRequest:
    """What a request about subscribers does."""
    address = urlsplit(url)
    if method == "GET":
        return LateRequest("")
    if method == "DELETE":
        return LateRequest("delete", {parse_qs(address.query)["email"][0]: {}})
    sent = orjson.loads(body or b"{}")
    if address.path.endswith("/unsubscribe.json"):
        return LateRequest("unsubscribe", {sent["EmailAddress"]: {}})
    rows = {person["EmailAddress"]: _values(person) for person in sent["Subscribers"]}
    return LateRequest("import", rows, resubscribe=bool(sent.get("Resubscribe")))


def _values(person: dict[str, Any]) -> dict[str, str]:
    values = {_FIELDS[entry["Key"]]: entry["Value"] for entry in person.get("CustomFields", ())}
    return values | ({"name": person["Name"]} if person.get("Name") is not None else {})
