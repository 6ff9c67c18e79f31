"""Log records as text and as JSON: their labels, and no secret in any of them."""

import json
import logging
import sys
from typing import Any

import pytest
import structlog
from django.test import RequestFactory

from config.logging import REDACTED, Formatter, redact


@pytest.mark.parametrize(
    "line",
    [
        "Authorization: Basic aHVzaDp4",
        "{'Authorization': 'Bearer hush-hush'}",
        'headers={"authorization": "hush"}',
        "api_key=hush&client=1",
        '{"apiKey": "hush"}',
        "password='hush'",
        "client_secret: hush",
        "access_token=hush",
        "refresh_token=hush",
        "X-CSRFToken: hush",
        "cannot reach postgres://user:hush@db/exports",
        "redis://:hush@cache:6379/0",
        "ENCRYPTION_KEYS=k1:hush",
        "Cookie: sessionid=hush",
        "sent with basic aHVzaDpoc3No",
    ],
)
def test_it_strikes_out_what_looks_like_a_secret(line: str) -> None:
    struck = redact(line)
    assert REDACTED in struck
    assert "hush" not in struck
    assert "aHVz" not in struck


@pytest.mark.parametrize(
    "line",
    [
        "batch 3 delivered: 1000 people",
        "basic opt-in",
        "GET https://api.createsend.com/api/v3.3/clients.json → 200",
        "the key was accepted",
        "worker jobs@host1 answers",
        "postgres://exports@database.internal/exports",
        "@decorator.wraps",
    ],
)
def test_it_leaves_other_lines_alone(line: str) -> None:
    assert redact(line) == line


@pytest.mark.parametrize(
    "line",
    [
        "contact ann.hush+1@mail.example.com was refused",
        "<hush@example.co.uk>",
        "email='hush@bücher.example'",
        "DETAIL:  Key (list_state_id, email)=(1, hush) already exists.",
        "DETAIL:  Failing row contains (7, hush, (2), null).",
    ],
)
def test_it_strikes_out_addresses_and_the_values_of_rows(line: str) -> None:
    struck = redact(line)
    assert REDACTED in struck
    assert "hush" not in struck


def test_it_knows_our_own_keys_wherever_they_are() -> None:
    assert redact("see s3cr3t-value here", own_secrets=("s3cr3t-value",)) == f"see {REDACTED} here"


def test_it_strikes_out_tracebacks_too() -> None:
    try:
        raise ValueError("api_key=hush")
    except ValueError:
        record = logging.LogRecord(
            "x", logging.ERROR, __file__, 1, "failed: %s", ("password=hush",), sys.exc_info()
        )
    line = Formatter().format(record)
    assert "Traceback" in line
    assert "hush" not in line


def test_a_text_from_outside_makes_no_line_of_its_own() -> None:
    text = "evil\r\n2026-01-01T00:00:00.000Z INFO accounts: signed in\x1b[2J\u2028"
    record = logging.LogRecord("web", logging.WARNING, __file__, 1, "refused %s", (text,), None)
    line = Formatter().format(record)
    assert line.splitlines() == [line]
    assert line.endswith(r"refused evil\r\n2026-01-01T00:00:00.000Z INFO accounts: signed in\x1b[2J\u2028")


def test_a_line_begins_with_the_moment_in_utc() -> None:
    record = logging.LogRecord("exports", logging.INFO, __file__, 1, "done", (), None)
    record.created, record.msecs = 0.0, 5.0
    assert Formatter().format(record) == "1970-01-01T00:00:00.005Z INFO exports: done"


def record_of(message: str = "done", **extra: object) -> logging.LogRecord:
    return logging.makeLogRecord({"name": "exports", "levelno": 20, "levelname": "INFO", "msg": message, **extra})


def as_json(record: logging.LogRecord) -> dict[str, Any]:
    return dict(json.loads(Formatter(is_json=True).format(record)))


def test_a_line_ends_with_what_the_call_gave_as_extra() -> None:
    record = record_of("notification.not_sent", id=7, error="SMTPException")
    assert Formatter().format(record).endswith(" INFO exports: notification.not_sent error=SMTPException id=7")


def test_a_line_has_the_labels_of_its_context() -> None:
    with structlog.contextvars.bound_contextvars(request_id="r1", user=3, run=9):
        line = Formatter().format(record_of())
    assert line.endswith("exports: done request_id=r1 run=9 user=3")


def test_json_has_the_same_keys_for_every_record() -> None:
    found = as_json(record_of("run %s: paused", args=(4,), created=0.0, msecs=5.0))
    moment = "1970-01-01T00:00:00.005Z"
    assert found == {"event": "run 4: paused", "level": "INFO", "logger": "exports", "timestamp": moment}


def test_json_is_valid_and_redacted_when_a_traceback_quotes_a_secret() -> None:
    try:
        raise ValueError('{"api_key": "hush", "next": "\\"hush\\""}')
    except ValueError:
        record = record_of("failed: %s", args=('password="hush"',), exc_info=sys.exc_info())
    found = as_json(record)
    assert "Traceback" in found["exception"]
    assert found["event"] == f'failed: password="{REDACTED}"'
    assert "api_key" in found["exception"]
    assert '"hush",' not in found["exception"]


def test_a_label_with_a_telling_name_is_redacted() -> None:
    assert as_json(record_of(api_key="hush", user=3)).items() >= {"api_key": REDACTED, "user": 3}.items()


@pytest.mark.parametrize("is_json", [True, False])
def test_a_request_of_a_record_is_left_out_since_its_address_may_hold_a_name(is_json: bool) -> None:
    request = RequestFactory().get("/data/profiles/", {"q": "Ann"})
    line = Formatter(is_json=is_json).format(record_of(request=request, status_code=404))
    assert "Ann" not in line
    assert "404" in line


def test_an_exception_cannot_write_a_line_that_looks_like_another_record() -> None:
    try:
        raise ValueError("no\n2026-05-04T10:00:00.123Z INFO exports: forged\r\x1b[2J")
    except ValueError:
        record = record_of("failed", exc_info=sys.exc_info())
    first, *traceback = Formatter().format(record).splitlines()
    assert first.endswith("exports: failed")
    assert all(line.startswith("  ") for line in traceback)
    assert any(line.endswith("forged\\r\\x1b[2J") for line in traceback)
