"""Every task has a queue that somebody works on, and every tick is a task."""

import pytest
from kombu.exceptions import OperationalError

from config.celery import DOORBELL_EXPIRES_SECONDS, TICKS, Doorbell, app

app.loader.import_default_modules()
OURS = sorted(name for name in app.tasks if not name.startswith("celery."))


def queue_of(name: str) -> str:
    return str(app.amqp.router.route({}, name)["queue"].name)


@pytest.mark.parametrize("name", TICKS)
def test_a_tick_is_a_task_for_bells(name: str) -> None:
    assert name in app.tasks
    assert queue_of(name) == "bells"


IN_SMALL_STEPS = {"exports.tasks.forget_old_people"}


@pytest.mark.parametrize("name", sorted(set(OURS) - set(TICKS) - IN_SMALL_STEPS))
def test_what_is_long_is_work(name: str) -> None:
    assert queue_of(name) == "work"


@pytest.mark.parametrize("name", OURS)
def test_a_doorbell_grows_old(name: str) -> None:
    assert app.tasks[name].expires == DOORBELL_EXPIRES_SECONDS


def test_a_doorbell_that_cannot_be_rung_stops_nobody(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away(*_: object, **__: object) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr("celery.app.task.Task.apply_async", away)
    assert isinstance(app.tasks[TICKS[0]], Doorbell)
    app.tasks[TICKS[0]].delay()
    assert "will be rung by the next tick" in caplog.text
