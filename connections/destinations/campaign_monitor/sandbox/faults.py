"""Inject faults into API calls: latency, refusals, dropped connections, answers of proxies, changed answers.

Rules are tried in order for each call; the first that matches and has turns left acts. They are held in memory, so
a restart clears them.
"""

import random
import threading
import time
from collections.abc import Container
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from email.utils import formatdate
from typing import Any

from connections.destinations.campaign_monitor.sandbox.http_messages import (
    MESSAGES,
    NOTHING,
    Answer,
    ApiError,
    Reply,
)
from connections.destinations.campaign_monitor.sandbox.model import clock, key_of

# What happens to a whole call …
CALL_KINDS = (
    *("throttle", "error", "drop", "cut_short", "hang", "slow", "refuse_credential", "plan_full"),
    *("foreign", "byte_order_mark", "rewrite_answer"),
)
# … and what happens to its rows.
ROW_KINDS = ("refuse_emails", "refuse_batch", "rewrite_failures", "add_failures")
KINDS = CALL_KINDS + ROW_KINDS
# How waits are written into headers: in seconds, as the date of an HTTP header, in seconds since 1970.
WAITS_AS = ("seconds", "date", "epoch")
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# Kinds whose answer is not the API's own.
REFUSING = frozenset({"throttle", "error", "refuse_credential", "plan_full", "hang"})
_ELSEWHERE = "https://sign-in.example/"
# What programs between a caller and the API answer, by status: title and heading of a page.
_PAGES = {
    200: ("Welcome", "Sign in to use this network"),
    302: ("Found", "The document has moved"),
    403: ("Blocked", "Your request was blocked by a firewall"),
    404: ("Not found", "The requested URL was not found on this server"),
    407: ("Proxy authentication required", "The proxy asks for a sign-in"),
    413: ("Request entity too large", "The request is larger than this server takes"),
}
_HEADERS = {407: {"Proxy-Authenticate": 'Basic realm="proxy"'}}


class BadFaults(Exception):
    """Report faults that cannot be read; the message says why."""


@dataclass
class Rule:
    """A fault rule. It acts on calls whose method and path contain ``method`` and ``path``: not on the first
    ``skip`` of them, then on ``times`` of them (None: all), each with ``probability``."""

    kind: str
    method: str = ""
    path: str = ""
    skip: int = 0
    times: int | None = None
    probability: float = 1.0
    status: int = 500  # error, foreign (403 unless said)
    code: int | None = None  # error, refuse_emails, refuse_batch, refuse_credential
    message: str = ""
    html: bool = False  # error: the body of a proxy instead of the API's envelope
    applied: bool = False  # throttle, error, foreign, drop, hang: whether the call still takes effect
    retry_after: float | str | None = None  # throttle, error: seconds for Retry-After, or its text
    rate_limit_reset: float | str | None = None  # throttle, error: the same for X-RateLimit-Reset
    waits_as: str = "seconds"  # throttle, error: how seconds are written into these headers
    seconds: float = 60.0  # hang: silence before the connection is dropped; slow: so much longer
    emails: list[str] = field(default_factory=list)  # refuse_emails, refuse_batch, rewrite_failures
    row: dict[str, Any] = field(default_factory=dict)  # rewrite_failures: what the failure rows say instead
    rows: list[Any] = field(default_factory=list)  # add_failures: further failure rows
    values: dict[str, Any] = field(default_factory=dict)  # rewrite_answer: by name, at any depth
    seen: int = 0
    acted: int = 0

    @classmethod
    def read(cls, value: Any) -> "Rule":
        """Read a rule from JSON. Raises BadFaults."""
        if not isinstance(value, dict):
            raise BadFaults("A rule is an object.")
        unknown = value.keys() - {each.name for each in fields(cls)}
        if unknown:
            raise BadFaults(f"A rule knows no “{', '.join(sorted(unknown))}”.")
        if value.get("kind") not in KINDS:
            raise BadFaults(f"“kind” is one of {', '.join(KINDS)}.")
        if value.get("waits_as", "seconds") not in WAITS_AS:
            raise BadFaults(f"“waits_as” is one of {', '.join(WAITS_AS)}.")
        if value["kind"] == "foreign":
            value = {"status": 403} | value
        rule = cls(**{name: each for name, each in value.items() if name not in {"seen", "acted"}})
        if not all(isinstance(email, str) for email in rule.emails):
            raise BadFaults("“emails” is a list of addresses.")
        rule.emails = [key_of(email) for email in rule.emails]
        return rule

    def matches(self, method: str, path: str) -> bool:
        return self.method.upper() in method and self.path.lower() in path.lower()

    def should_act(self, chance: random.Random) -> bool:
        """Decide whether the rule acts on a matching call, and count the call."""
        if self.times is not None and self.acted >= self.times:
            return False
        self.seen += 1
        if self.seen <= self.skip or chance.random() >= self.probability:
            return False
        self.acted += 1
        return True


class Faults:
    """The active faults. ``base_latency_ms`` comes from the command line and survives ``clear``."""

    def __init__(self, base_latency_ms: float = 0) -> None:
        self.base_latency_ms = base_latency_ms
        self._lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        """Remove all faults."""
        self.latency_ms: float | None = None
        self.jitter_ms = 0.0
        self.same_address_seconds = 0.0
        self.seed: int | None = None
        self.rules: list[Rule] = []
        self._chance = random.Random()  # noqa: S311 - which call fails is no secret

    def replace(self, value: Any) -> None:
        """Set exactly the faults of ``value``, counted from now. Raises BadFaults."""
        if not isinstance(value, dict):
            raise BadFaults("Faults are an object.")
        unknown = value.keys() - self.as_json().keys()
        if unknown:
            raise BadFaults(f"Faults know no “{', '.join(sorted(unknown))}”.")
        rules = [Rule.read(each) for each in value.get("rules") or []]
        with self._lock:
            self.clear()
            self.latency_ms = value.get("latency_ms")
            self.jitter_ms = value.get("jitter_ms") or 0.0
            self.same_address_seconds = value.get("same_address_seconds") or 0.0
            self.seed = value.get("seed")
            self.rules = rules
            self._chance = random.Random(self.seed)  # noqa: S311

    def add(self, rule: Rule) -> None:
        with self._lock:
            self.rules.append(rule)

    def remove(self, number: int) -> None:
        """Remove the rule at a position, if there is one."""
        with self._lock:
            self.rules = [rule for place, rule in enumerate(self.rules) if place != number]

    def set_latency(self, latency_ms: float, jitter_ms: float) -> None:
        """Set the latency that is added to every call, and its jitter."""
        self.latency_ms, self.jitter_ms = max(latency_ms, 0.0), max(jitter_ms, 0.0)

    def as_json(self) -> dict[str, Any]:
        """Return the active faults, with how often each rule saw a call and acted."""
        return {
            "latency_ms": self.latency_ms,
            "base_latency_ms": self.base_latency_ms,
            "jitter_ms": self.jitter_ms,
            "same_address_seconds": self.same_address_seconds,
            "seed": self.seed,
            "rules": [asdict(rule) for rule in self.rules],
        }

    def seconds(self, rule: Rule | None = None) -> float:
        """Return the latency of a call, including what ``rule`` adds."""
        wanted = self.base_latency_ms if self.latency_ms is None else self.latency_ms
        if self.jitter_ms:
            wanted += self._chance.uniform(-self.jitter_ms, self.jitter_ms)
        if rule and rule.kind == "slow":
            wanted += rule.seconds * 1000
        return max(wanted, 0.0) / 1000

    def rule_for_call(self, method: str, path: str) -> Rule | None:
        """Return the rule that acts on this whole call, or None."""
        if not self.rules:
            return None
        with self._lock:
            for rule in self.rules:
                if rule.kind in CALL_KINDS and rule.matches(method, path) and rule.should_act(self._chance):
                    return rule
        return None

    def refuse_batch(self, keys: Container[str]) -> None:
        """Raise the refusal of a whole batch because of one of its addresses."""
        for rule in self._rules_about("refuse_batch", keys):
            code = rule.code or 400
            raise ApiError(code, message=rule.message or MESSAGES.get(code, "This batch was refused"))

    def refused_emails(self, keys: Container[str]) -> dict[str, tuple[int, str]]:
        """Return the addresses to refuse, with code and message."""
        refused: dict[str, tuple[int, str]] = {}
        for rule in self._rules_about("refuse_emails", keys):
            code = rule.code or 1
            for email in rule.emails:
                if email in keys:
                    refused.setdefault(email, (code, rule.message or MESSAGES.get(code, "Refused")))
        return refused

    def rewrite_failures(self, failures: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Rewrite failure rows by the rules: with other addresses, or without a code."""
        keys = [key_of(row["EmailAddress"]) for row in failures]
        for rule in self._rules_about("rewrite_failures", keys):
            failures = [
                row | rule.row if key in rule.emails else row for key, row in zip(keys, failures, strict=True)
            ]
        return failures

    def added_failures(self, method: str, path: str) -> list[Any]:
        """Return failure rows to add to an import, such as for addresses that were not sent."""
        if not self.rules:
            return []
        with self._lock:
            acting = [
                rule
                for rule in self.rules
                if rule.kind == "add_failures" and rule.matches(method, path) and rule.should_act(self._chance)
            ]
        return [row for rule in acting for row in rule.rows]

    def is_too_soon(self, last_arrival: str, moment: str) -> bool:
        """Tell whether an address is written again too soon, if that fault is active."""
        if not self.same_address_seconds:
            return False
        passed = datetime.fromisoformat(moment) - datetime.fromisoformat(last_arrival)
        return passed.total_seconds() < self.same_address_seconds

    def _rules_about(self, kind: str, keys: Container[str]) -> list[Rule]:
        if not self.rules:
            return []
        with self._lock:
            return [
                rule
                for rule in self.rules
                if rule.kind == kind
                and any(email in keys for email in rule.emails)
                and rule.should_act(self._chance)
            ]


def refusal_answer(rule: Rule, *, rows: int) -> Answer:
    """Build the API refusal that a rule asks for, with headers that ask for a wait."""
    match rule.kind:
        case "throttle":
            status, code = 429, 429
        case "refuse_credential":
            status, code = 401, rule.code or 100
        case "plan_full":
            status, code = 402, rule.code or 402
        case _:
            status, code = rule.status, rule.code or rule.status
    message = rule.message or MESSAGES.get(code, MESSAGES[500])
    headers = {"Retry-After": rule.retry_after, "X-RateLimit-Reset": rule.rate_limit_reset}
    written = {name: _wait(value, rule.waits_as) for name, value in headers.items() if value is not None}
    return Answer(status, {"Code": code, "Message": message}, written, rows=rows)


def foreign_page(status: int, headers: dict[str, str]) -> Reply:
    """Build a page of a proxy, a firewall or a captive portal; a redirect leads to such a page."""
    title, heading = _PAGES.get(status, ("Error", "The server cannot answer"))
    body = f"<html><head><title>{title}</title></head><body><h1>{heading}</h1></body></html>"
    more = {"Location": _ELSEWHERE} if 300 <= status < 400 else _HEADERS.get(status, {})
    return Reply(status, body.encode(), "text/html", {**headers, **more})


def rewrite_answer(answer: Answer, values: dict[str, Any]) -> Answer:
    """Replace the values with these names in an answer, at any depth."""
    if answer.value is not NOTHING:
        answer.value = _rewritten(answer.value, values)
    return answer


def _rewritten(value: Any, values: dict[str, Any]) -> Any:
    if isinstance(value, list):
        return [_rewritten(each, values) for each in value]
    if isinstance(value, dict):
        return {name: values[name] if name in values else _rewritten(each, values) for name, each in value.items()}
    return value


def _wait(value: float | str, waits_as: str) -> str:
    """Write a wait as header text: text as it is, seconds as seconds, a date, or seconds since 1970."""
    if isinstance(value, str):
        return value
    moment = time.time() + clock.offset.total_seconds() + value
    if waits_as == "date":
        return formatdate(moment, usegmt=True)
    if waits_as == "epoch":
        return str(round(moment))
    return f"{value:.10f}".rstrip("0").rstrip(".")
