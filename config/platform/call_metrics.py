"""Measure the calls to destinations. Each worker process keeps its own numbers and publishes them in the cache,
under its node name, from which /metrics reads those of all hosts.

Files that processes map into memory, as Prometheus' client library would use, end a process on a full disk.
"""

import math
import time
from collections.abc import Iterator

from django.core.cache import cache
from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from config.platform.jobs import heartbeat

PUBLISH_SECONDS = 10
_NO_ANSWER = "no_answer"
_registry = CollectorRegistry()
_calls = Histogram(
    "segment_exports_call_seconds",
    "Seconds that calls of workers to destinations took, by connection and HTTP status (no_answer: none came).",
    ["connection", "status"],
    buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120),
    registry=_registry,
)


def observe_call(connection_id: int, status: int | None, seconds: float) -> None:
    """Count a call that took ``seconds``. ``connection_id``: 0 for a connection that is being set up."""
    _calls.labels(str(connection_id), str(status) if status else _NO_ANSWER).observe(seconds)


class Publisher:
    """Publish the numbers of this process under its node name, every PUBLISH_SECONDS."""

    def __init__(self, node: str) -> None:
        self._node = node
        self._published_at = -math.inf

    def publish_if_due(self) -> None:
        """Publish, unless that was done within PUBLISH_SECONDS."""
        if time.monotonic() - self._published_at >= PUBLISH_SECONDS:
            cache.set(_key(self._node), generate_latest(_registry).decode(), timeout=heartbeat.MISSED_SECONDS)
            self._published_at = time.monotonic()


def of_all_workers() -> Iterator[Metric]:
    """Return the numbers of every worker process, each with a label for its node."""
    nodes = [sign.node for name in heartbeat.WORKERS for sign in heartbeat.known(name)]
    found = cache.get_many([_key(node) for node in nodes])
    texts = [(node, found[_key(node)]) for node in nodes if _key(node) in found]
    families = {(node, each.name): each for node, text in texts for each in text_string_to_metric_families(text)}
    for name in sorted({name for _node, name in families}):
        alike = [(node, each) for (node, other), each in families.items() if other == name]
        merged = Metric(name, alike[0][1].documentation, alike[0][1].type)
        for node, each in alike:
            for sample in each.samples:
                merged.add_sample(sample.name, {**sample.labels, "node": node}, sample.value)
        yield merged


def _key(node: str) -> str:
    return f"call-metrics:{node}"
