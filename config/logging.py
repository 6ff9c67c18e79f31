"""Logs: one line a record, to standard error; secrets never get into one.

What looks like a secret is struck out of the finished line, tracebacks included: values behind telling names,
Authorization headers, passwords inside addresses, and our own keys wherever they turn up.
"""

import logging
import logging.config
import re
from typing import Any

REDACTED = "•••"

_NAMES = (
    *("api[_-]?key", "secret(?:[_-]?key)?", "passw(?:or)?d", "token", "encryption[_-]?keys?", "credentials?"),
    *("cookie", "sessionid", r"csrf\w*"),
)
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
)
# Line breaks, also those that only some programs know, and what terminals obey.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
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


class Formatter(logging.Formatter):
    """Lines such as ``2026-05-04T10:00:00.123Z INFO exports.delivery.loop: batch 3 delivered``."""

    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def __init__(self, *, own_secrets: tuple[str, ...] = ()) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._own_secrets = own_secrets

    @staticmethod
    def converter(seconds: float | None) -> Any:
        """Convert times to UTC."""
        import time

        return time.gmtime(seconds)

    def formatMessage(self, record: logging.LogRecord) -> str:
        """Return the line, with line breaks and other control characters escaped: what a stranger sends, such as a
        Host header, must not look like a line of its own."""
        return _CONTROL.sub(lambda found: repr(found[0])[1:-1], super().formatMessage(record))

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record), own_secrets=self._own_secrets)


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
            "formatters": {"line": {"()": Formatter, "own_secrets": own_secrets}},
            "filters": {"no_traceback": {"()": lambda: without_traceback}},
            "handlers": {
                "stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["no_traceback"]}
            },
            "root": {"handlers": ["stderr"], "level": settings.LOG_LEVEL},
            "loggers": {name: {"level": level} for name, level in _QUIET.items()},
        }
    )
