"""/metrics, as Prometheus reads it."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import DjangoAssertNumQueries, Settings

from config.console import metrics
from config.platform import call_metrics
from config.platform.jobs import clock, heartbeat
from config.platform.jobs.models import JobStatus
from config.platform.notifications import alerts
from config.platform.notifications.alerts import Alert, Subject
from config.platform.notifications.models import Kind
from config.settings import BASE_DIR
from connections import lookups
from exports.models import Export, Run
from tests.integration.exports.conftest import account, crowd, everyone, newsletter, run_to_its_end, shared
from tests.support.sandbox import sandbox, sandbox_process

__all__ = ["account", "crowd", "everyone", "newsletter", "sandbox", "sandbox_process", "shared"]

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _a_broker_of_its_own(settings: Settings, tmp_path: Path) -> None:
    settings.BROKER_FOLDER = tmp_path / "broker"


def read(client: Client) -> dict[tuple[str, str], float]:
    """The samples by name and the value of the label; without the labels of calls."""
    text = client.get("/metrics").content.decode()
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            name = sample.name.removeprefix("segment_exports_")
            found[name, next(iter(sample.labels.values()), "")] = sample.value
    return found


def test_no_part_fails(client: Client) -> None:
    failed = {part: value for (name, part), value in read(client).items() if name == "metrics_failed"}
    assert len(failed) == 8
    assert set(failed.values()) == {0}


def test_queues_and_heartbeats(client: Client, settings: Settings) -> None:
    heartbeat.write("beat")
    settings.BROKER_FOLDER.mkdir()
    (settings.BROKER_FOLDER / "0_a.jobs.msg").touch()
    found = read(client)
    assert found["queue_length", "jobs"] == 1
    assert found["up", "beat"] == 1
    assert found["last_seen_seconds", "beat"] < 60


def test_runs_and_their_contacts(client: Client, newsletter: Export) -> None:
    run = run_to_its_end(newsletter)
    found = read(client)
    assert found["runs", "successful"] + found.get(("runs", "warnings"), 0) == 1
    assert found["contacts_last_day", "delivered"] == run.delivered > 0
    Run.objects.update(finished_at=clock.now() - timedelta(days=2))
    assert read(client)["contacts_last_day", "delivered"] == 0


def test_the_age_of_the_oldest_queued_job(client: Client, newsletter: Export) -> None:
    run = run_to_its_end(newsletter)
    assert read(client)["oldest_queued_seconds", "run"] == 0
    Run.objects.filter(pk=run.pk).update(status=JobStatus.QUEUED, created_at=clock.now() - timedelta(seconds=90))
    assert 90 <= read(client)["oldest_queued_seconds", "run"] < 150


def test_open_alerts(client: Client) -> None:
    alert = Alert(Kind.LATE, Subject("system", "refresh", "System refresh", "/"), "Late.")
    alerts.reconcile([Kind.LATE], "system", [alert], existing=["refresh"])
    assert read(client)["open_alerts", "late"] == 1


def test_the_sizes_of_the_database_and_of_the_store(client: Client, everyone: Any) -> None:
    found = read(client)
    assert found["bytes", "database"] > 1_000_000
    assert found["bytes", "profile_store"] > 100


def test_calls_of_each_worker(client: Client, newsletter: Export) -> None:
    connection = newsletter.connection
    assert connection is not None
    assert lookups.lists_of(connection).found
    for node in ("jobs@one", "jobs@two"):
        heartbeat.write("jobs", node)
        call_metrics.Publisher(node).publish_if_due()
    families = text_string_to_metric_families(client.get("/metrics").content.decode())
    (calls,) = [each for each in families if each.name == "segment_exports_call_seconds"]
    counts = {
        sample.labels["node"]: sample.value
        for sample in calls.samples
        if sample.name.endswith("_count") and sample.labels["connection"] == str(connection.pk)
    }
    assert counts["jobs@one"] == counts["jobs@two"] > 0


def test_numbers_of_a_worker_that_is_gone_are_not_shown(client: Client) -> None:
    heartbeat.write("jobs", "jobs@one")
    call_metrics.Publisher("jobs@one").publish_if_due()
    heartbeat.forget("jobs", "jobs@one")
    assert "jobs@one" not in client.get("/metrics").content.decode()


def test_a_part_that_cannot_be_read_leaves_the_others(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Any:
        raise OSError

    monkeypatch.setitem(metrics._PARTS, "queues", broken)
    found = read(client)
    assert found["metrics_failed", "queues"] == 1
    assert found["bytes", "database"] > 0
    assert not any(name == "queue_length" for name, _label in found)


def test_the_queries_do_not_depend_on_the_number_of_runs(
    client: Client, newsletter: Export, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(3):
        run_to_its_end(newsletter)
    with django_assert_max_num_queries(20):
        client.get("/metrics")


@pytest.mark.parametrize("name", ["grafana-dashboard.json", "prometheus-alerts.yml"])
def test_alert_rules_and_the_dashboard_read_metrics_that_exist(client: Client, name: str) -> None:
    text = (BASE_DIR / "config" / "production" / name).read_text(encoding="utf-8")
    read_there = {
        found.removesuffix("_bucket").removesuffix("_count")
        for found in re.findall(r"segment_exports_[a-z_]+", text)
    }
    heartbeat.write("jobs", "jobs@one")
    call_metrics.observe_call(1, 200, 0.5)
    call_metrics.Publisher("jobs@one").publish_if_due()
    described = re.findall(r"(?m)^# HELP (\w+)", client.get("/metrics").content.decode())
    assert len(read_there) > 3
    assert read_there <= set(described)
