"""Decide what is tried again, how often and when: every number of attempts of exports is here.

- A batch whose call was not answered, or was put off, is sent again by ``BATCH``.
- Errors of a run outside its batches (list look-ups, the database) let the run wait by ``RUN_ERRORS``.
- A run that ended with an error that may pass is run again, as a new run, by ``failed_run()``.
- The removal of an erased customer from a list is tried by ``ERASURE``, and then every 15
  minutes for a week.
- A look at a list that failed is repeated by ``LIST_WATCH``.
- A preview that was interrupted is computed ``PREVIEW_ATTEMPTS`` times.
"""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from config.platform.jobs import clock
from config.platform.jobs.models import JobStatus
from exports.models import Run
from exports.state.status import Reason, StopRun


@dataclass(frozen=True)
class RetryPolicy:
    """How often something is tried, and how long to wait after attempt n (1, 2, …):

        min(longest_seconds, first_seconds * growth ** (n - 1))

    With jitter, between half of that and all of it, so that many waiters do not come back at once. Where the other
    side asks for a wait, that wait and up to a quarter of the above."""

    attempts: int
    first_seconds: float = 1.0
    growth: float = 2.0
    longest_seconds: float = 60.0
    has_jitter: bool = True

    def is_exhausted(self, attempt: int) -> bool:
        """Whether no further attempt follows ``attempt``."""
        return attempt >= self.attempts

    def seconds_after(self, attempt: int, *, asked: float | None = None, jitter: float | None = None) -> float:
        """Compute the seconds to wait after ``attempt``. ``asked``: the wait that the other side asks for;
        ``jitter``: a share from 0 to 1, random when not given."""
        ceiling = min(self.longest_seconds, self.first_seconds * self.growth ** min(attempt - 1, 16))
        if self.has_jitter:
            share = random.random() if jitter is None else jitter  # noqa: S311 - spreads load, guards nothing
            ceiling *= 0.5 + share / 2
        return ceiling if asked is None else asked + ceiling / 4


BATCH = RetryPolicy(attempts=10)  # over about five minutes
RUN_ERRORS = RetryPolicy(attempts=10)
ERASURE = RetryPolicy(attempts=6)
ERASURE_SECONDS_AFTERWARDS = 900.0
PREVIEW_ATTEMPTS = 3
LIST_WATCH = RetryPolicy(attempts=10, first_seconds=30.0, longest_seconds=3600.0)  # never given up
# So many refusals of whole batches without a single success mean that the cause is not a contact.
MOST_REFUSED_BATCHES = 20

RETRYABLE = frozenset({Reason.DESTINATION_UNAVAILABLE, Reason.UNEXPECTED_ERROR})


def failed_run() -> RetryPolicy:
    """Return the policy for runs that failed: after 5 min, 15 min, 45 min … by default."""
    return RetryPolicy(
        attempts=settings.RUN_RETRIES + 1,
        first_seconds=settings.RUN_RETRY_SECONDS,
        growth=3.0,
        longest_seconds=float("inf"),
        has_jitter=False,
    )


def decide_retry(run: Run, ended: StopRun) -> tuple[JobStatus, datetime | None]:
    """Return the status that a run ends with, and when it is tried again. What needs a person is permanent."""
    policy, attempt = failed_run(), run.retries + 1
    retryable = ended.status == JobStatus.FAILED and ended.reason in RETRYABLE
    if not retryable or policy.is_exhausted(attempt):
        return ended.status, None
    return JobStatus.FAILURE, clock.now() + timedelta(seconds=policy.seconds_after(attempt))
