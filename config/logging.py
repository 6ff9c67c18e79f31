"""Logs: one line a record, to standard error."""

import logging.config
from typing import Any


def configure(_: dict[str, Any] | None = None) -> None:
    """Set logging up; Django calls this once."""
    from django.conf import settings

    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"line": {"format": "%(levelname)s %(name)s: %(message)s"}},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
            "root": {"handlers": ["stderr"], "level": settings.LOG_LEVEL},
        }
    )
