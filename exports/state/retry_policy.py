"""Decide whether and when a failed run is tried again."""

from datetime import datetime, timedelta

from django.conf import settings

from config.platform.jobs import clock
from config.platform.jobs.models import JobStatus
from exports.models import Run
from exports.state.status import Reason, StopRun

RETRYABLE = frozenset({Reason.DESTINATION_UNAVAILABLE, Reason.UNEXPECTED_ERROR})

_GROWTH = 3


def judge(run: Run, ended: StopRun) -> tuple[JobStatus, datetime | None]:
    """The status that a run ends with, and when it is tried again. What needs a person is permanent at once."""
    retryable = ended.status == JobStatus.FAILED and ended.reason in RETRYABLE
    if not retryable or run.retries >= settings.RUN_RETRIES:
        return ended.status, None
    return JobStatus.FAILURE, clock.now() + wait_after(run.retries)


def wait_after(retries: int) -> timedelta:
    """How long to wait when so many retries came before: 5 min, 15 min, 45 min …"""
    return timedelta(seconds=settings.RUN_RETRY_SECONDS * _GROWTH**retries)
