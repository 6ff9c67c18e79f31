"""Write logs to standard error, one record a line, as text or as JSON (LOG_FORMAT), without secrets.

Records have the labels of their context: ``request_id`` and ``user`` (an ID) of a request, ``task``, ``job`` and
``run`` of work in the background. What a call gives as ``extra`` is a label, too. Secrets are redacted, in
tracebacks too: values behind telling names, Authorization headers, passwords in addresses, and the keys of
this installation. So are email addresses, and the values of rows that PostgreSQL refuses.
"""

import logging
import logging.config
import re
from collections.abc import Mapping, MutableMapping
from datetime import UTC, datetime
from typing import Any

import orjson
import structlog

REDACTED = "•••"

_NAMES = (
    *("api[_-]?key", "secret(?:[_-]?key)?", "passw(?:or)?d", "token", "encryption[_-]?keys?", "credentials?"),
    *("cookie", "sessionid", r"csrf\w*"),
)
_IN_ADDRESS = r"[^\s'\"<>()\[\]{},;:=/\\@•]"
_PATTERNS = (
    # Authorization: Basic abc= · 'Authorization': 'Bearer abc'
    (re.compile(r"(?i)(authorization\W{1,5}(?:basic|bearer|token)?\s*)[^\s'\",;]+"), rf"\1{REDACTED}"),
    (re.compile(r"(?i)\b(basic|bearer)\s+[a-z0-9+/._~=-]{8,}"), rf"\1 {REDACTED}"),
    # api_key=abc · "apiKey": "abc" · password='abc'
    (re.compile(rf"(?i)(\b\w*(?:{'|'.join(_NAMES)})['\"]?\s*[:=]\s*['\"]?)[^\s'\",;&)}}\]]+"), rf"\1{REDACTED}"),
    # the secret in the address of a list's webhook
    (re.compile(r"(/hooks/lists/\d+/)[^/\s'\"?]+"), rf"\1{REDACTED}"),
    # postgres://user:abc@host
    (re.compile(r"(://[^\s:/@]*:)[^\s@/]+@"), rf"\1{REDACTED}@"),
    # What PostgreSQL quotes of a row that it refuses.
    (re.compile(r"(Key \([^\n]*?\)=\()[^\n]*(\))"), rf"\1{REDACTED}\2"),
    (re.compile(r"(Failing row contains \()[^\n]*(\))"), rf"\1{REDACTED}\2"),
    # email addresses, but for the user and host of an address such as postgres://user@host
    (
        re.compile(rf"(?<!//)(?<!{_IN_ADDRESS}){_IN_ADDRESS}{{1,254}}@{_IN_ADDRESS}{{1,254}}\.[^\W\d]{{2,}}"),
        REDACTED,
    ),
)
# Line breaks, also those that only some programs know, and what terminals obey.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_TELLING = re.compile(rf"(?i)(?:{'|'.join(_NAMES)}|authorization)")
# The keys of every record; the others are labels.
_FIXED = ("timestamp", "level", "logger", "event")
_QUIET = {
    # A line for every tick of every two seconds says nothing; what goes wrong is logged as warning or error.
    "celery.app.trace": "WARNING",
    "celery.beat": "WARNING",
    "celery.worker.strategy": "WARNING",
    "celery.worker.request": "WARNING",
    "celery.worker.consumer.connection": "WARNING",
    "kombu": "WARNING",
    "urllib3": "WARNING",
}


class Formatter(structlog.stdlib.ProcessorFormatter):
    """Lines such as ``2026-05-04T10:00:00.123Z INFO exports.delivery.loop: batch 3 delivered run=7``, or JSON
    objects with the keys ``timestamp``, ``level``, ``logger``, ``event``, ``exception`` and the labels."""

    def __init__(self, *, own_secrets: tuple[str, ...] = (), is_json: bool = False) -> None:
        def redacted(_logger: object, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
            return {name: _redact_value(name, value, own_secrets) for name, value in event.items()}

        super().__init__(
            foreign_pre_chain=[
                structlog.contextvars.merge_contextvars,
                structlog.stdlib.ExtraAdder(),
                _drop_objects,
                _add_origin,
            ],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                redacted,
                _as_json if is_json else _as_text,
            ],
        )


def _drop_objects(_logger: object, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Drop what is no text or number: requests and arguments that Django and Celery add may hold personal data."""
    structure = ("exc_info", "stack_info")
    return {
        name: value
        for name, value in event.items()
        if isinstance(value, str | int | float) or name.startswith("_") or name in structure
    }


def _add_origin(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Add when, how grave and where a record is from."""
    record: logging.LogRecord = event["_record"]
    moment = datetime.fromtimestamp(record.created, UTC).replace(microsecond=int(record.msecs) * 1000)
    event["timestamp"] = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    event["level"], event["logger"] = record.levelname, record.name
    return event


def _as_text(_logger: object, _method: str, event: MutableMapping[str, Any]) -> str:
    """Return the line, with line breaks and other control characters escaped, and the indented traceback below it:
    what a stranger sends, such as a Host header, must not look like a line of its own."""
    labels = dict(event)
    start = "{timestamp} {level} {logger}: {event}".format(**labels)
    traceback = labels.pop("exception", "")
    named = (f"{name}={value}" for name, value in sorted(labels.items()) if name not in _FIXED)
    lines = [" ".join([start, *named]), *(f"  {line}" for line in traceback.split("\n") if traceback)]
    return "\n".join(_CONTROL.sub(lambda found: repr(found[0])[1:-1], line) for line in lines)


def _as_json(_logger: object, _method: str, event: MutableMapping[str, Any]) -> str:
    return orjson.dumps(dict(event), default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def _redact_value(name: str, value: object, own_secrets: tuple[str, ...]) -> object:
    """Redact a text, or the value of a label with a telling name; numbers and yes/no stay."""
    if isinstance(value, bool | int | float | None):
        return value
    if name not in _FIXED and _TELLING.search(name):
        return REDACTED
    return redact(str(value), own_secrets=own_secrets)


def redact(text: str, *, own_secrets: tuple[str, ...] = ()) -> str:
    """Redact everything in ``text`` that looks like a secret, and ``own_secrets``."""
    for secret in own_secrets:
        text = text.replace(secret, REDACTED)
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def without_traceback(record: logging.LogRecord) -> bool:
    """Drop the traceback of refused requests, such as those with a foreign Host header: strangers cause them.

    A filter of handlers; returns True, since the line itself stays.
    """
    if record.name.startswith("django.security."):
        record.exc_info = record.exc_text = None
    return True


def configure(_: dict[str, Any] | None = None) -> None:
    """Set logging up; Django calls this once."""
    from django.conf import settings

    keys = [entry.partition(":")[2] or entry for entry in settings.ENCRYPTION_KEYS]
    own = (settings.SECRET_KEY, settings.CAMPAIGN_MONITOR_OAUTH_CLIENT_SECRET, *keys)
    own_secrets = tuple(secret for secret in own if len(secret) >= 8)
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "line": {"()": Formatter, "own_secrets": own_secrets, "is_json": settings.LOG_FORMAT == "JSON"}
            },
            "filters": {"no_traceback": {"()": lambda: without_traceback}},
            "handlers": {
                "stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["no_traceback"]}
            },
            "root": {"handlers": ["stderr"], "level": settings.LOG_LEVEL},
            "loggers": {name: {"level": level} for name, level in _QUIET.items()},
        }
    )
