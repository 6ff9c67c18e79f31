"""The runs of an export, and one run as it goes."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F, Max
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Lower
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from config.platform import db
from config.platform.accounts.decorators import require_permission
from config.platform.accounts.models import User
from config.platform.accounts.permissions import Permission
from config.platform.jobs import clock
from config.platform.jobs.models import ENDED_WELL, NOT_STARTED, JobStatus
from config.platform.schedules import describe, display
from config.platform.schedules.display import ShownSchedule
from config.platform.text.word_lists import join_words
from config.platform.web.htmx import Request
from config.platform.web.lists import Column, list_page
from config.platform.web.panes import close_pane
from connections.models import Account
from exports import policies
from exports.actions import retries
from exports.actions.run_after import predecessors_of
from exports.evidence import job as evidence
from exports.hooks import skip_cause
from exports.models import Export, Run, Stage, TriggeredStart
from exports.permissions import user_can_confirm, user_can_manage
from exports.policies import can_run
from exports.removal import list_cleanup, restore
from exports.removal.removal_plan import RemovalGuard
from exports.reporting import breakdown, messages, next_steps, progress
from exports.reporting.run_message import describe_message
from exports.results import summary, unknown_results
from exports.results.summary import PARTS, ContactKind, ResultSummary
from exports.state.status import Reason
from exports.views.access import find_run
from exports.views.run_settings import list_events, settings_context

MOST_NOT_STARTED = 5
COLUMNS = (
    Column("number", gettext_lazy("Run"), order_by=("number",)),
    Column("status", gettext_lazy("Status"), order_by=("status", "number")),
    Column("trigger", gettext_lazy("Started"), order_by=("trigger", Lower("requested_by__full_name"), "number")),
    Column("started", gettext_lazy("When"), order_by=("created_at",)),
    Column("duration", gettext_lazy("Duration"), order_by=(F("finished_at") - F("started_at"),), kind="number"),
    Column("members", gettext_lazy("Members"), order_by=("members", "number"), kind="number"),
)
# The results by which the history can be sorted, in the database.
SORTED_BY: dict[ContactKind, F | CombinedExpression] = {
    ContactKind.DELIVERED: F("delivered"),
    ContactKind.UNCHANGED: F("unchanged"),
    ContactKind.EXCLUDED: F("invalid")
    + F("duplicates")
    + F("excluded_by_segment")
    + F("without_consent")
    + F("held_out"),
    ContactKind.SUPPRESSED: F("left") + F("still_suppressed"),
    ContactKind.PREVIOUSLY_REJECTED: F("still_refused") - F("still_suppressed"),
    ContactKind.REJECTED: F("rejected"),
    ContactKind.UNKNOWN: F("unknown"),
    ContactKind.NOT_ATTEMPTED: F("planned") - F("delivered") - F("left") - F("rejected") - F("unknown"),
    ContactKind.REMOVED: F("removed"),
}
# They have a column when a run of the export has contacts there; without it, the others add up all the same.
_RARE_COLUMNS = (ContactKind.PREVIOUSLY_REJECTED, ContactKind.UNKNOWN, ContactKind.NOT_ATTEMPTED)

# What the list holds is asked once a run is over, and known so soon.
_ASKED_WITHIN = timedelta(seconds=10)


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
        """Whether nothing more will happen automatically."""
        return not self.run.is_open and self.run.next_try_at is None

    @property
    def reason_label(self) -> str:
        """The reason in a few words; empty when there is none."""
        return str(Reason(self.run.reason).label) if self.run.reason else ""

    @property
    def summary(self) -> ResultSummary:
        return summary.of_run(self.run)

    @property
    def message(self) -> messages.Message:
        return messages.message_of_run(self.run)

    @property
    def texts(self) -> messages.KindTexts:
        return messages.texts_of(self.run)

    @property
    def tooltip(self) -> str:
        """Return the reason in full, for the tooltip of the status."""
        said = describe_message(self.run, with_fields=False)
        parts: list[str | Promise] = [self.message.explanation, said, self.message.next_step]
        return " ".join(str(part) for part in parts if part)

    @property
    def duration(self) -> timedelta | None:
        """How long it took, or has taken so far."""
        started: datetime | None = self.run.started_at
        if started is None:
            return None
        return (self.run.finished_at or clock.now()) - started


@require_permission(Permission.EXPORT_VIEW)
@require_safe
@db.one_moment()
def history(request: Request, export_id: int) -> HttpResponse:
    """All runs of an export."""
    export = get_object_or_404(Export.objects.select_related("connection", "schedule"), pk=export_id)
    kinds = _result_columns(export)
    page = list_page(
        request,
        Run.objects.filter(export=export).select_related("requested_by", "cleanup__delivered_set"),
        columns=[*COLUMNS, *map(_result_column, kinds)],
        search=("number", "status", "reason", "message", "requested_by__full_name", "requested_by__username"),
        default="-number",
        selectable=False,
    )
    may_manage = user_can_manage(request.user, export)
    not_started = export.ticks.filter(result__in=NOT_STARTED)[:MOST_NOT_STARTED]
    context = {
        "list": page,
        "not_started": [describe.describe_tick(tick) for tick in not_started],
        "runs": [(shown, shown.summary.of_kinds(kinds)) for shown in map(ShownRun, page.rows)],
        "export": export,
        "earlier": list_cleanup.former_lists(export),
        "schedule": ShownSchedule(getattr(export, "schedule", None), display.system_state()),
        "run_after": predecessors_of(export),
        "triggered": TriggeredStart.objects.filter(export=export).first(),
        "may_manage": may_manage,
        "may_run": may_manage and can_run(export),
        "active_nav": "exports",
    }
    return render(request, "exports/history.html", context)


def _result_columns(export: Export) -> list[ContactKind]:
    """Return the results that the history of an export has a column for."""
    most = export.runs.aggregate(**{f"most_{kind}": Max(SORTED_BY[kind]) for kind in _RARE_COLUMNS})
    return [kind for kind in (*PARTS, ContactKind.REMOVED) if kind not in _RARE_COLUMNS or most[f"most_{kind}"]]


def _result_column(kind: ContactKind) -> Column:
    order = (SORTED_BY[kind], "number")
    return Column(kind.value, summary.LABELS[kind], order_by=order, kind="number")


@require_permission(Permission.EXPORT_VIEW)
@require_safe
@db.one_moment()
def run(request: Request, run_id: int) -> HttpResponse:
    """One run, followed live while it lasts."""
    found = find_run(run_id)
    return render(request, "exports/run.html", _overview(request, found))


@require_permission(Permission.EXPORT_VIEW)
@require_safe
@db.one_moment()
def live(request: Request, run_id: int) -> HttpResponse:
    """The part of the run's page that changes; when the run has gone with its export, the way out."""
    if request.htmx and not Run.objects.filter(pk=run_id).exists():
        return close_pane(request, reverse("exports:list"), _("The export and its runs are removed."))
    found = find_run(run_id)
    return render(request, "exports/run_live.html", _overview(request, found))


@require_permission(Permission.EXPORT_VIEW)
@require_safe
def settings_used(request: Request, run_id: int) -> HttpResponse:
    """Show the snapshot of a run, and its statuses over time."""
    found = find_run(run_id)
    context = (
        frame(request, found, "exports:run_settings") | settings_context(found) | {"events": list_events(found)}
    )
    return render(request, "exports/run_settings.html", context)


def _overview(request: Request, run: Run) -> dict[str, object]:
    ended_well = run.status in ENDED_WELL
    counted = progress.count_batches(run)
    cells = progress.batch_cells(run, counted.total)
    results = summary.of_run(run)
    return (
        frame(request, run, "exports:run")
        | retry_button(run, request.user)
        | {
            "live_id": "run-live",
            "live_url": request.path if request.path.endswith("/live/") else f"{request.path}live/",
            "live_done": not run.is_open and run.next_try_at is None and not _is_just_over(run),
            "live_every": "1s" if run.is_open else "5s",
            "stages": progress.stages_of(run),
            "pace": progress.measure_pace(run),
            "batches": counted,
            "cells": cells,
            "cell_states": progress.cell_states(cells),
            "summary": results,
            "sections": breakdown.result_sections(run),
            "removal_sections": breakdown.removal_sections(run),
            "removal_guard": RemovalGuard(run.removal_guard).label if run.removal_guard else "",
            "may_confirm": bool(run.removals_held or not messages.texts_of(run).sends_contacts)
            and user_can_confirm(request.user, run)
            and policies.can_confirm(run),
            "cause": skip_cause.of(run),
            "said": describe_message(run),
            "changed_fields": join_words(run.snapshot.changed_fields),
            "advice": next_steps.advise(run, request.user),
            "may_restore": user_can_manage(request.user, run.export) and restore.can_restore(run),
            "restored_run": Run.objects.filter(pk=run.options["restores"]).first()
            if run.options.get("restores")
            else None,
            "late_contacts": unknown_results.count_late(run),
            "is_planned": run.stage in (Stage.DELIVER, Stage.COMPLETE)
            and bool(run.members or run.to_remove or ended_well),
            "ended_well": ended_well,
        }
        | ({} if run.is_open else settings_context(run))  # for the printed page
    )


def _is_just_over(run: Run) -> bool:
    """Whether what the list holds afterwards is still being asked."""
    has_sent_all = run.status in ENDED_WELL and run.planned
    if not has_sent_all or run.active_on_list is not None or run.finished_at is None:
        return False
    return clock.now() - run.finished_at < _ASKED_WITHIN


def frame(request: Request, run: Run, tab: str) -> dict[str, object]:
    """The context of the head; ``tab`` is the name of the page's address."""
    may_manage = user_can_manage(request.user, run.export)
    texts = messages.texts_of(run)
    writing = evidence.of_run(run)
    sees_trouble = request.user.may(Permission.SYSTEM_MANAGE)  # it names hosts, buckets and paths
    return {
        "run": run,
        "texts": texts,
        "shown": ShownRun(run),
        "export": run.export,
        "connection_name": run.snapshot.connection or run.connection,
        "list_title": run.snapshot.list_title or run.target.list_title,
        "evidence": writing,
        "evidence_trouble": writing.message if writing and writing.tries and sees_trouble else "",
        "is_sandbox": _is_sandbox(run),
        "sandbox_url": _sandbox_url(run),
        "file": _file(run),
        "tried_again_by": Run.objects.filter(retry_of=run).first(),
        "most_retries": settings.RUN_RETRIES,
        "due": [describe.describe_tick(tick) for tick in run.ticks.all()],
        "may_manage": may_manage,
        "may_run_again": may_manage and not run.is_open and texts.sends_contacts and can_run(run.export),
        "tabs": [
            (label, reverse(name, args=[run.pk]), name == tab)
            for label, name in (
                (_("Overview"), "exports:run"),
                (_("Contacts"), "exports:contacts"),
                (_("Batches"), "exports:batches"),
                (_("Settings used"), "exports:run_settings"),
            )
        ],
        "active_nav": "exports",
    }


def _is_sandbox(run: Run) -> bool:
    """By the account that it worked on; before that is known, by the connection."""
    if run.account:
        return Account.parse(run.account).is_sandbox
    return bool(run.connection and run.connection.is_sandbox)


def _sandbox_url(run: Run) -> str:
    """The page of the sandbox that shows who arrived; empty for the real service."""
    connection = run.connection
    if connection is None or not _is_sandbox(run) or not connection.destination.sandbox_url:
        return ""
    list_id = run.list_id or run.target.list_id
    return f"{connection.destination.sandbox_url.rstrip('/')}/lists/{list_id}/"


def _file(run: Run) -> str:
    """The file that a run has written, in the folder of its destination; empty where there is none."""
    if run.connection is None or not run.delivered or not run.list_id:
        return ""
    return run.connection.destination.file_of_run(run.list_id, run.snapshot.run)


def retry_button(run: Run, user: User) -> dict[str, object]:
    """Return the context of exports/retry_button.html."""
    if not run.rejected:
        return {}
    if not user_can_manage(user, run.export):
        return {"who_can": next_steps.names_of_administrators()}
    return {"may_ask_again": retries.can_retry_rejected(run)}
