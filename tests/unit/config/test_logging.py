"""Secrets never get into a log line."""

import logging
import sys

import pytest

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
    ],
)
def test_it_leaves_other_lines_alone(line: str) -> None:
    assert redact(line) == line


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
