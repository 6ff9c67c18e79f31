"""What goes wrong is told in the log, with secrets struck out and the request that it belongs to."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from celery.app.trace import build_tracer
from celery.signals import before_task_publish
from django.test import Client

from config.celery import app
from config.logging import Formatter
from config.platform.accounts.models import User
from config.platform.jobs.enqueue import enqueue
from config.platform.web.lists import list_page
from exports.tasks import work_on_run


def test_it_is_the_log_that_django_set_up() -> None:
    formatters = [handler.formatter for handler in logging.getLogger().handlers]
    assert any(isinstance(formatter, Formatter) for formatter in formatters)


@pytest.mark.django_db
def test_it_tells_of_a_page_that_broke(
    alice_client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("in the middle of a page")

    monkeypatch.setattr("exports.views.listing.list_page", broken)
    alice_client.raise_request_exception = False
    assert alice_client.get("/data/exports/").status_code == 500
    assert "in the middle of a page" in caplog.text


class Lines(logging.Handler):
    """The lines that a handler with our formatter writes."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(Formatter(is_json=True))
        self.found: list[dict[str, object]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.found.append(json.loads(self.format(record)))


@pytest.fixture
def lines() -> Iterator[Lines]:
    handler = Lines()
    logging.getLogger().addHandler(handler)
    yield handler
    logging.getLogger().removeHandler(handler)


@pytest.fixture
def logging_page(monkeypatch: pytest.MonkeyPatch) -> None:
    def log_and_enqueue(*given: Any, **named: Any) -> object:
        logging.getLogger("exports").warning("seen")
        enqueue("config.console.tasks.note_beat")
        return list_page(*given, **named)

    monkeypatch.setattr("exports.views.listing.list_page", log_and_enqueue)


@pytest.mark.django_db
@pytest.mark.usefixtures("logging_page")
def test_the_records_of_a_request_have_its_id_and_its_user(
    alice_client: Client, alice: User, lines: Lines
) -> None:
    answer = alice_client.get("/data/exports/")
    (line,) = [line for line in lines.found if line["event"] == "seen"]
    assert line["user"] == alice.pk
    assert line["request_id"] == answer.headers["X-Request-ID"]
    other = alice_client.get("/data/exports/")
    assert other.headers["X-Request-ID"] != answer.headers["X-Request-ID"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("given", "address", "is_kept"),
    [
        ("proxy-1", "127.0.0.1", True),
        ("proxy-1", "203.0.113.9", False),
        ("a b\n2026 ERROR forged", "127.0.0.1", False),
        ("x" * 65, "127.0.0.1", False),
    ],
)
def test_only_the_id_of_a_trusted_proxy_is_kept(client: Client, given: str, address: str, is_kept: bool) -> None:
    answer = client.get("/healthz", headers={"X-Request-ID": given}, REMOTE_ADDR=address)
    assert (answer.headers["X-Request-ID"] == given) is is_kept


@pytest.mark.django_db
@pytest.mark.usefixtures("logging_page")
def test_a_task_has_the_id_of_the_request_that_enqueued_it(
    alice_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[dict[str, object]] = []

    def keep(headers: dict[str, object], **_: object) -> None:
        sent.append(headers)

    before_task_publish.connect(keep)
    try:
        answer = alice_client.get("/data/exports/")
    finally:
        before_task_publish.disconnect(keep)
    assert [headers["request_id"] for headers in sent] == [answer.headers["X-Request-ID"]]


@pytest.mark.django_db
def test_the_records_of_a_task_have_its_name_its_job_and_the_request(
    lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(run_id: int) -> None:
        logging.getLogger("exports").warning("at work on %s", run_id)

    task = work_on_run
    monkeypatch.setattr(task, "run", work)
    trace: Any = build_tracer(task.name, task, app=app)
    trace("an-id", (12,), {}, request={"request_id": "r1", "id": "an-id"})
    (line,) = [line for line in lines.found if line["event"] == "at work on 12"]
    assert line.items() >= {"task": task.name, "job": 12, "request_id": "r1"}.items()
    assert structlog.contextvars.get_contextvars() == {}
