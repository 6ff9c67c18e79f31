"""/healthz, /readyz and /metrics, as machines ask them."""

from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.test import Client
from pytest_django import Settings
from time_machine import TimeMachineFixture

from config.console import health
from config.platform.jobs import clock, heartbeat
from segments.store import identity

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _a_broker_of_its_own(settings: Settings, tmp_path: Path) -> None:
    settings.BROKER_FOLDER = tmp_path / "broker"


@pytest.fixture
def _everybody_alive() -> None:
    for name in heartbeat.NAMES:
        heartbeat.write(name)


def test_a_stranger_may_ask(client: Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}


@pytest.mark.usefixtures("_everybody_alive")
def test_it_is_ready_when_every_part_is_there(client: Client) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert set(answer.json()["checks"]) == {
        "database",
        "static_files",
        "migrations",
        "profile_store",
        "broker",
        "beat",
        "control",
        "jobs",
    }


def test_it_is_not_ready_without_workers_and_beat(client: Client) -> None:
    heartbeat.forget_all()
    answer = client.get("/readyz")
    assert answer.status_code == 503
    missing = [name for name, check in answer.json()["checks"].items() if not check["ok"]]
    assert missing == ["beat", "control", "jobs"]


@pytest.mark.usefixtures("_everybody_alive")
def test_it_is_not_ready_without_its_broker(client: Client, settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert not answer.json()["checks"]["broker"]["ok"]


@pytest.mark.usefixtures("_everybody_alive")
def test_it_is_not_ready_when_one_of_two_processes_falls_silent(
    client: Client, time_machine: TimeMachineFixture
) -> None:
    heartbeat.write("jobs", "jobs@second")
    time_machine.move_to(clock.now() + timedelta(seconds=heartbeat.LASTS_SECONDS + 1))
    for name in heartbeat.NAMES:
        heartbeat.write(name)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["jobs"] == {"ok": False, "message": "No heartbeat: jobs@second."}


@pytest.mark.usefixtures("_everybody_alive")
def test_a_process_that_ended_as_asked_is_not_missed(client: Client) -> None:
    heartbeat.write("jobs", "jobs@second")
    heartbeat.forget("jobs", "jobs@second")
    assert client.get("/readyz").status_code == 200
    assert len(heartbeat.known("jobs")) == 1


@pytest.mark.usefixtures("_everybody_alive")
def test_it_is_not_ready_without_collected_static_files(
    client: Client, settings: Settings, tmp_path: Path
) -> None:
    settings.STATIC_ROOT = tmp_path / "none"
    settings.STATIC_ROOT.mkdir()
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "config.platform.web.static_files.BundledStaticFilesStorage"}
    }
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["static_files"] == {
        "ok": False,
        "message": "Not collected. Run collectstatic.",
    }


@pytest.mark.usefixtures("_everybody_alive")
def test_it_is_not_ready_with_the_profile_store_of_another_database(
    client: Client, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / identity.FILE_NAME).write_text(str(uuid4()))
    settings.PROFILE_STORE = tmp_path
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["profile_store"]["message"].startswith("PROFILE_STORE is the profile store of")


@pytest.mark.usefixtures("_everybody_alive")
def test_it_is_not_ready_on_a_database_that_is_too_old(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "OLDEST_POSTGRES", 99)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "At least 99 is required" in answer.json()["checks"]["database"]["message"]


def test_answers_are_never_kept(client: Client) -> None:
    assert "no-store" in client.get("/healthz")["Cache-Control"]


def test_health_endpoints_refuse_posts(client: Client) -> None:
    assert client.post("/readyz").status_code == 405
