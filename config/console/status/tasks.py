"""Tell the status of each data source, segment and export by its last job. One query a group for the rows and
one for the counts, however many there are."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Case, Count, IntegerField, Model, OuterRef, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce, Lower
from django.urls import reverse
from django.utils.translation import gettext as _

from config.console.status.kinds import KINDS, Kind
from config.platform.jobs.models import OPEN, JobStatus

SHOWN_OF_GROUP = 8
NOT_STARTED = "not_started"
# The most urgent statuses first.
_URGENCY = {
    JobStatus.FAILED: 0,
    JobStatus.FAILURE: 1,
    JobStatus.NEEDS_CONFIRMATION: 1,
    JobStatus.PROCESSING: 2,
    JobStatus.QUEUED: 2,
    JobStatus.SKIPPED: 3,
    JobStatus.WARNINGS: 3,
}
_LEAST_URGENT = 4
STATUSES = (*JobStatus.values, NOT_STARTED)


@dataclass(frozen=True)
class Task:
    """A thing and how it stands; ``job_id`` is None when nothing has worked on it yet."""

    kind: Kind
    pk: int
    name: str
    status: str
    updated_at: datetime | None
    job_id: int | None
    is_canceling: bool

    @property
    def shown_status(self) -> str:
        return "canceling" if self.is_canceling else self.status

    @property
    def label(self) -> str:
        return _("Canceling") if self.is_canceling else label_of(self.status)

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    @property
    def runs_url(self) -> str:
        return reverse("system:last_runs", args=[self.kind.key, self.pk])

    @property
    def progress_url(self) -> str:
        return reverse("system:progress", args=[self.kind.key, self.job_id]) if self.job_id else ""


@dataclass(frozen=True)
class Tally:
    """How many things stand so, with the address of them."""

    status: str
    label: str
    count: int
    url: str


@dataclass(frozen=True)
class Group:
    """One kind of things on the page: the most urgent of them, and how many there are."""

    kind: Kind
    tasks: list[Task]
    tallies: list[Tally]

    @property
    def total(self) -> int:
        return sum(tally.count for tally in self.tallies)

    @property
    def hidden(self) -> int:
        return self.total - len(self.tasks)

    @property
    def url(self) -> str:
        return reverse("system:tasks", args=[self.kind.key])

    @property
    def is_live(self) -> bool:
        return any(tally.status in OPEN for tally in self.tallies)


def label_of(status: str) -> str:
    return _("Not started") if status == NOT_STARTED else str(JobStatus(status).label)


def standing(kind: Kind) -> "QuerySet[Model]":
    """Select everything of a kind with its last job: ``last_job``, ``last_status``, ``last_updated``,
    ``urgency``."""
    jobs = kind.job._default_manager.filter(**{kind.owner: OuterRef("pk")}).order_by("-pk")
    latest = {
        "last_job": Subquery(jobs.values("pk")[:1]),
        "last_status": Coalesce(Subquery(jobs.values("status")[:1]), Value(NOT_STARTED)),
        "last_updated": Subquery(
            jobs.annotate(moment=Coalesce("finished_at", "started_at", "created_at")).values("moment")[:1]
        ),
        "last_canceled": Subquery(jobs.values("cancel_requested_at")[:1]),
    }
    urgency = Case(
        *(When(last_status=status, then=Value(rank)) for status, rank in _URGENCY.items()),
        default=Value(_LEAST_URGENT),
        output_field=IntegerField(),
    )
    found: QuerySet[Model] = kind.target._default_manager.annotate(**latest).annotate(urgency=urgency)
    return found


def tasks(kind: Kind, rows: "Iterable[Model]") -> list[Task]:
    """Rows of ``standing`` as the page shows them."""
    return [_task(kind, row) for row in rows]


def groups() -> list[Group]:
    """List each kind with its most urgent things."""
    return [_group(kind) for kind in KINDS]


def _group(kind: Kind) -> Group:
    found = standing(kind)
    counts = dict(found.order_by().values_list("last_status").annotate(count=Count("pk")))
    rows = found.order_by("urgency", Lower("name"))[:SHOWN_OF_GROUP]
    order = [*_URGENCY, *STATUSES]
    url = reverse("system:tasks", args=[kind.key])
    tallies = [
        Tally(status, label_of(status), counts[status], f"{url}?status={status}")
        for status in dict.fromkeys(order)
        if counts.get(status)
    ]
    return Group(kind, tasks(kind, rows), tallies)


def _task(kind: Kind, row: Model) -> Task:
    status: str = getattr(row, "last_status", NOT_STARTED)
    return Task(
        kind=kind,
        pk=row.pk,
        name=str(row),
        status=status,
        updated_at=getattr(row, "last_updated", None),
        job_id=getattr(row, "last_job", None),
        is_canceling=status in OPEN and getattr(row, "last_canceled", None) is not None,
    )
