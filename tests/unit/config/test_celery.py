"""Every task has a queue with a worker, and every tick is a task."""

import re
from pathlib import Path

import pytest
from kombu.exceptions import OperationalError

from config.celery import NIGHTLY, TICKS, app
from config.platform.jobs.enqueue import MESSAGE_TTL_SECONDS, enqueue

app.loader.import_default_modules()
ROOT = Path(__file__).resolve().parents[3]
OURS = sorted(name for name in app.tasks if not name.startswith("celery."))


def queue_of(name: str) -> str:
    return str(app.amqp.router.route({}, name)["queue"].name)


@pytest.mark.parametrize("name", TICKS)
def test_a_tick_is_a_task_for_the_control_queue(name: str) -> None:
    assert name in app.tasks
    assert queue_of(name) == "control"


IN_SMALL_STEPS = {"exports.tasks.forget_old_people"}


@pytest.mark.parametrize("name", sorted(set(OURS) - set(TICKS) - IN_SMALL_STEPS))
def test_what_is_long_is_work(name: str) -> None:
    assert queue_of(name) == "jobs"


@pytest.mark.parametrize("name", NIGHTLY)
def test_what_runs_at_night_is_a_task(name: str) -> None:
    assert name in app.tasks


def test_only_tasks_that_exist_are_enqueued() -> None:
    enqueued = {
        name
        for package in ("config", "connections", "segments", "exports")
        for path in (ROOT / package).rglob("*.py")
        for name in re.findall(r'enqueue(?:_on_commit)?\(\s*"([^"]+)"', path.read_text(encoding="utf-8"))
    }
    assert len(enqueued) > 8
    assert enqueued <= set(OURS)


def test_a_message_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[object, ...]] = []
    monkeypatch.setattr(app, "send_task", lambda *arguments, **options: sent.append((*arguments, options)))
    enqueue("exports.tasks.work_on_run", 7)
    assert sent == [("exports.tasks.work_on_run", (7,), {"expires": MESSAGE_TTL_SECONDS})]


def test_a_broker_that_is_away_stops_no_request(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away(*_: object, **__: object) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(app, "send_task", away)
    enqueue("exports.tasks.work_on_run", 7)
    assert "the next tick enqueues exports.tasks.work_on_run" in caplog.text
