"""A run as every page shows it: one word for its status, one sentence for its reason."""

from datetime import datetime, timedelta

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from config.platform.accounts.models import User
from config.platform.jobs import clock
from config.platform.jobs.models import JobStatus
from exports.models import Run
from exports.reporting import messages
from exports.state.status import Reason


class ShownRun:
    """Wraps a run for templates; what is not here is asked of ``run``."""

    def __init__(self, run: Run) -> None:
        self.run = run

    @property
    def is_open(self) -> bool:
        return self.run.is_open

    @property
    def status(self) -> str:
        """A key of config.platform.web.statuses."""
        return "canceling" if self.is_canceling else self.run.status

    @property
    def status_label(self) -> str:
        return _("Canceling") if self.is_canceling else str(JobStatus(self.run.status).label)

    @property
    def is_canceling(self) -> bool:
        return self.run.is_open and self.run.cancel_requested_at is not None

    @property
    def is_settled(self) -> bool:
        """Whether nothing more will happen by itself."""
        return not self.run.is_open and self.run.next_try_at is None

    @property
    def reason_label(self) -> str:
        """The reason in a few words; empty when there is none."""
        return str(Reason(self.run.reason).label) if self.run.reason else ""

    @property
    def message(self) -> messages.Message:
        return messages.of_run(self.run)

    @property
    def story(self) -> str:
        """Return the reason in full, for the tooltip of the status."""
        parts: list[str | Promise] = [self.message.explanation, self.run.message, self.message.next_step]
        return " ".join(str(part) for part in parts if part)

    @property
    def started_by(self) -> str:
        """A person, or the system itself."""
        by: User | None = self.run.requested_by
        return str(by) if by else "–"

    @property
    def duration(self) -> timedelta | None:
        """How long it took, or has taken so far."""
        started: datetime | None = self.run.started_at
        if started is None:
            return None
        return (self.run.finished_at or clock.now()) - started

    @property
    def has_figures(self) -> bool:
        """Whether it came far enough to count anybody."""
        return bool(self.run.members) or not self.run.is_open
