"""Trouble on demand. Rules are tried in order for every API call; the first that matches and still has turns acts.

They live in this process only: a restart ends all trouble."""

import random
import threading
from collections.abc import Container
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from typing import Any

from connections.destinations.campaign_monitor.sandbox.answers import MESSAGES, ApiError
from connections.destinations.campaign_monitor.sandbox.model import key_of

# What happens to a whole call …
ON_THE_WIRE = (
    *("throttle", "error", "drop", "cut_short", "hang", "slow", "refuse_credential", "plan_full"),
    *("foreign", "byte_order_mark", "rewrite_answer"),
)
# … and what happens to people in it.
IN_THE_BODY = ("refuse_emails", "refuse_batch", "rewrite_failures", "add_failures")
KINDS = ON_THE_WIRE + IN_THE_BODY
# How waits are written into headers: in seconds, as the date of an HTTP header, in seconds since 1970.
WAITS_AS = ("seconds", "date", "epoch")


class BadFaults(Exception):
    """What was asked for cannot be understood; says why."""


@dataclass
class Rule:
    """One kind of trouble. It acts on calls whose method and path contain ``method`` and ``path``: not on the
    first ``skip`` of them, then on ``times`` of them (None: all), each with ``probability``."""

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
        """A rule from JSON; raises BadFaults."""
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

    def takes_its_turn(self, chance: random.Random) -> bool:
        """Whether it acts on a call that matches; counts."""
        if self.times is not None and self.acted >= self.times:
            return False
        self.seen += 1
        if self.seen <= self.skip or chance.random() >= self.probability:
            return False
        self.acted += 1
        return True


class Faults:
    """All trouble that is switched on. ``base_latency_ms`` is what the command line asked for; it stays when the
    trouble ends."""

    def __init__(self, base_latency_ms: float = 0) -> None:
        self.base_latency_ms = base_latency_ms
        self._lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        """No trouble at all."""
        self.latency_ms: float | None = None
        self.jitter_ms = 0.0
        self.same_address_seconds = 0.0
        self.seed: int | None = None
        self.rules: list[Rule] = []
        self._chance = random.Random()  # noqa: S311 - which call fails is no secret

    def replace(self, value: Any) -> None:
        """Exactly the trouble that ``value`` names, counted from now; raises BadFaults."""
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
        """Take away the rule at this place, if there is one."""
        with self._lock:
            self.rules = [rule for place, rule in enumerate(self.rules) if place != number]

    def set_latency(self, latency_ms: float, jitter_ms: float) -> None:
        """Let every call take this much longer, more or less."""
        self.latency_ms, self.jitter_ms = max(latency_ms, 0.0), max(jitter_ms, 0.0)

    def as_json(self) -> dict[str, Any]:
        """What is switched on, with how often each rule saw a call and acted."""
        return {
            "latency_ms": self.latency_ms,
            "base_latency_ms": self.base_latency_ms,
            "jitter_ms": self.jitter_ms,
            "same_address_seconds": self.same_address_seconds,
            "seed": self.seed,
            "rules": [asdict(rule) for rule in self.rules],
        }

    def seconds(self, rule: Rule | None = None) -> float:
        """How long one call takes, and what ``rule`` adds to it."""
        wanted = self.base_latency_ms if self.latency_ms is None else self.latency_ms
        if self.jitter_ms:
            wanted += self._chance.uniform(-self.jitter_ms, self.jitter_ms)
        if rule and rule.kind == "slow":
            wanted += rule.seconds * 1000
        return max(wanted, 0.0) / 1000

    def on_the_wire(self, method: str, path: str) -> Rule | None:
        """The rule that spoils this call, if one does."""
        if not self.rules:
            return None
        with self._lock:
            for rule in self.rules:
                if rule.kind in ON_THE_WIRE and rule.matches(method, path) and rule.takes_its_turn(self._chance):
                    return rule
        return None

    def refuse_batch(self, keys: Container[str]) -> None:
        """Raise the refusal of a whole batch because of somebody in it."""
        for rule in self._rules_about("refuse_batch", keys):
            code = rule.code or 400
            raise ApiError(code, message=rule.message or MESSAGES.get(code, "This batch was refused"))

    def refused_emails(self, keys: Container[str]) -> dict[str, tuple[int, str]]:
        """Who of these is to be refused, with code and message."""
        refused: dict[str, tuple[int, str]] = {}
        for rule in self._rules_about("refuse_emails", keys):
            code = rule.code or 1
            for email in rule.emails:
                if email in keys:
                    refused.setdefault(email, (code, rule.message or MESSAGES.get(code, "Refused")))
        return refused

    def rewrite_failures(self, failures: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Failure rows as the rules rewrite them: for other addresses, without a code."""
        keys = [key_of(row["EmailAddress"]) for row in failures]
        for rule in self._rules_about("rewrite_failures", keys):
            failures = [
                row | rule.row if key in rule.emails else row for key, row in zip(keys, failures, strict=True)
            ]
        return failures

    def added_failures(self, method: str, path: str) -> list[Any]:
        """Failure rows that an import gets beside its own, such as for addresses that were not sent."""
        if not self.rules:
            return []
        with self._lock:
            acting = [
                rule
                for rule in self.rules
                if rule.kind == "add_failures" and rule.matches(method, path) and rule.takes_its_turn(self._chance)
            ]
        return [row for rule in acting for row in rule.rows]

    def too_quick(self, last_arrival: str, moment: str) -> bool:
        """Whether an address comes again too soon, while that is switched on."""
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
                and rule.takes_its_turn(self._chance)
            ]
