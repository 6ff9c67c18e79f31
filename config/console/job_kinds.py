"""Describe the kinds of things that are refreshed, for pages: the jobs that work on each, their results, and
who may cancel them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.console.models import SystemRefresh
from config.console.system_refresh import actions
from config.platform.accounts.decorators import check_permission
from config.platform.accounts.models import User
from config.platform.accounts.permissions import Permission
from config.platform.jobs.models import Job
from config.platform.text.stored_texts import translate_stored
from config.platform.web.formats import number
from exports.actions import runs
from exports.models import Export, Run
from exports.permissions import check_can_manage
from exports.reporting import messages
from exports.reporting.run_message import describe_message
from exports.results import summary
from exports.state.status import Reason
from segments import actions as segment_actions
from segments.models import DataSource, ImportJob, Segment, SegmentRefresh
from segments.sources import actions as sources_actions
from segments.sources import held_imports

AnyJob = ImportJob | SegmentRefresh | Run | SystemRefresh


@dataclass(frozen=True)
class Kind:
    """One kind. ``owner`` is the field of a job that says whose job it is (empty: there is but one thing); the
    functions take a job."""

    key: str
    label: str | Promise
    one: str | Promise
    icon: str
    target: type[Model]
    job: type[Job]
    owner: str
    page: Callable[[int], str]  # the address of the thing itself
    job_page: Callable[[int], str]  # the address of one job, in full
    counts: Callable[[Any], str]
    why: Callable[[Any], str]  # it ended as it did; empty when there is nothing to say
    check_can_cancel: Callable[[Any, User], None]  # raises PermissionDenied with a sentence
    cancel: Callable[[Any, User], None]
    what_canceling_does: str | Promise

    def jobs_of(self, pk: int) -> "QuerySet[Any]":
        """Select the jobs of one thing, the newest first."""
        mine = {self.owner: pk} if self.owner else {}
        return self.job._default_manager.filter(**mine).order_by("-pk")

    def may_cancel(self, job: Job, user: User) -> bool:
        """Return whether to show a cancel button; the action checks again."""
        try:
            self.check_can_cancel(job, user)
        except PermissionDenied:
            return False
        return job.is_open


def with_counts(sentence: str, **counts: int) -> str:
    """Fill ``sentence`` with its counts, formatted for the user."""
    return sentence % {name: number(count) for name, count in counts.items()}


def _import_counts(job: ImportJob) -> str:
    sentence = _("%(read)s rows: %(created)s created, %(updated)s updated, %(refused)s rejected")
    created, updated, refused = job.rows_created, job.rows_updated, job.rows_refused
    if job.profiles_removed:
        sentence = _(
            "%(read)s rows: %(created)s created, %(updated)s updated, %(removed)s removed, %(refused)s rejected"
        )
    counts = {"created": created, "updated": updated, "removed": job.profiles_removed, "refused": refused}
    found = with_counts(sentence, read=job.rows_read, **counts)
    return found if job.rows_read and not held_imports.is_held(job) else ""


def _why_import(job: ImportJob) -> str:
    return held_imports.held_sentence(job) if held_imports.is_held(job) else translate_stored(job.message)


def _segment_refresh_counts(job: SegmentRefresh) -> str:
    if job.finished_at is None or not (job.progress_done or job.removed):
        return ""
    sentence = _("%(members)s members: %(added)s added, %(removed)s removed")
    return with_counts(sentence, members=job.progress_done, added=job.added, removed=job.removed)


def _run_counts(run: Run) -> str:
    return str(summary.of_run(run).in_words())


def _system_refresh_counts(refresh: SystemRefresh) -> str:
    done, total = refresh.progress_done, refresh.progress_total
    return with_counts(_("%(done)s of %(total)s steps"), done=done, total=total) if total else ""


def _why_run(run: Run) -> str:
    said = describe_message(run, with_fields=False)
    if not run.reason:
        return said
    parts = (Reason(run.reason).label, said, messages.message_of_run(run).next_step)
    return " ".join(f"{str(part).rstrip('.')}." for part in parts if part)


def _check(permission: Permission) -> Callable[[Job, User], None]:
    return lambda job, user: check_permission(user, permission)


SYSTEM = Kind(
    key="system",
    label=gettext_lazy("System refresh"),
    one=gettext_lazy("System refresh"),
    icon="refresh-cw",
    target=SystemRefresh,
    job=SystemRefresh,
    owner="",
    page=lambda pk: reverse("system:status"),
    job_page=lambda pk: "",
    counts=_system_refresh_counts,
    why=lambda refresh: translate_stored(refresh.message),
    check_can_cancel=_check(Permission.SYSTEM_MANAGE),
    cancel=lambda refresh, user: actions.cancel_refresh(refresh, by=user),
    what_canceling_does=gettext_lazy(
        "Completed work is kept. Work in progress is stopped, and nothing else is started."
    ),
)
DATA_SOURCE = Kind(
    key="data_source",
    label=gettext_lazy("Data sources"),
    one=gettext_lazy("Data source"),
    icon="database",
    target=DataSource,
    job=ImportJob,
    owner="source",
    page=lambda pk: reverse("segments:data_sources"),
    job_page=lambda pk: reverse("segments:import", args=[pk]),
    counts=_import_counts,
    why=_why_import,
    check_can_cancel=_check(Permission.DATA_SOURCE_MANAGE),
    cancel=lambda job, user: sources_actions.cancel_import(job, by=user),
    what_canceling_does=gettext_lazy("No rows are imported if you cancel. Rows already read are discarded."),
)
SEGMENT = Kind(
    key="segment",
    label=gettext_lazy("Segments"),
    one=gettext_lazy("Segment"),
    icon="chart-pie",
    target=Segment,
    job=SegmentRefresh,
    owner="segment",
    page=lambda pk: reverse("segments:detail", args=[pk]),
    job_page=lambda pk: "",
    counts=_segment_refresh_counts,
    why=lambda job: translate_stored(job.message),
    check_can_cancel=_check(Permission.SEGMENT_MANAGE),
    cancel=lambda job, user: segment_actions.cancel_refresh(job, by=user),
    what_canceling_does=gettext_lazy("The segment keeps its members from the last refresh."),
)
EXPORT = Kind(
    key="export",
    label=gettext_lazy("Exports"),
    one=gettext_lazy("Export"),
    icon="send",
    target=Export,
    job=Run,
    owner="export",
    page=lambda pk: reverse("exports:runs", args=[pk]),
    job_page=lambda pk: reverse("exports:run", args=[pk]),
    counts=_run_counts,
    why=_why_run,
    check_can_cancel=lambda run, user: check_can_manage(user, run.export),
    cancel=lambda run, user: runs.cancel_run(run, by=user),
    what_canceling_does=gettext_lazy("Contacts already sent stay sent. The next run sends the rest."),
)
# In the order of the workflow; the keys are those of StepKind.
KINDS = (DATA_SOURCE, SEGMENT, EXPORT)


def find_kind(key: str) -> Kind:
    """Return the kind by its key. Raises Http404."""
    for kind in (SYSTEM, *KINDS):
        if kind.key == key:
            return kind
    raise Http404
