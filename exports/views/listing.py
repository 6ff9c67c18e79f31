"""Data > Exports: the list, and its cells that change while runs are in progress."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import BooleanField, Case, CharField, F, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce, Lower
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from config.platform import db
from config.platform.accounts.decorators import require_permission
from config.platform.accounts.models import User
from config.platform.accounts.permissions import Permission
from config.platform.jobs.models import OPEN
from config.platform.schedules import describe, display
from config.platform.schedules.display import ShownSchedule
from config.platform.tags.models import with_tag
from config.platform.web.formats import ago
from config.platform.web.htmx import Request
from config.platform.web.lists import Column, list_page
from connections import destinations
from connections.permissions import user_can_use_all
from exports import policies
from exports.actions.manage import schedule_of
from exports.actions.run_after import Predecessors, predecessors_of, predecessors_of_each
from exports.models import Export, Run, RunKind
from exports.permissions import user_can_add, user_can_manage
from exports.views.runs import ShownRun

JUST_SAVED = "export_just_saved"
_MOST_LIVE = 100

COLUMNS = (
    Column("name", gettext_lazy("Display name"), order_by=(Lower("name"),)),
    Column("type", gettext_lazy("Type"), order_by=("type_label", Lower("name"))),
    Column("connection", gettext_lazy("Connection used"), order_by=(Lower("connection__name"), Lower("name"))),
    Column("status", gettext_lazy("Status"), order_by=("last_status", Lower("name"))),
    Column("results", gettext_lazy("On the list, last run"), order_by=(F("on_list").asc(nulls_first=True),)),
    Column("refreshed", gettext_lazy("Refreshed"), order_by=(F("refreshed_at").asc(nulls_first=True),)),
    Column("schedule", gettext_lazy("Schedule"), order_by=(F("schedule__due_at").asc(nulls_last=True),)),
    Column("permissions", gettext_lazy("Your permissions"), order_by=("-is_mine", Lower("name"))),
)


@dataclass(frozen=True)
class Row:
    """An export as the list shows it to one person."""

    export: Export
    run: ShownRun | None
    refreshed_at: object
    schedule: ShownSchedule
    can_edit: bool
    run_after: Predecessors

    @property
    def is_changing(self) -> bool:
        return self.export.is_being_removed or bool(self.run and not self.run.is_settled)

    @property
    def allows(self) -> str:
        """Which commands of the command bar apply to it."""
        if not self.can_edit or self.export.is_being_removed:
            return "view"
        return "edit run detach" if self.export.connection_id else "edit"


@require_permission(Permission.EXPORT_VIEW)
@require_safe
@db.one_moment()
def exports(request: Request) -> HttpResponse:
    """The list; ``?tag=`` filters."""
    tag = request.GET.get("tag", "")
    page = list_page(
        request,
        with_tag(_seen_by(request.user), tag),
        columns=COLUMNS,
        search=("name", "connection__name", "type_label", "list_title", "tags"),
        default="name",
    )
    rows = _rows(page.rows, request.user)
    context = {
        "list": page,
        "rows": rows,
        "tag": tag,
        "live_ids": _open_ids(rows),
        "can_add": user_can_add(request.user),
        "sees_data": request.user.may(Permission.PERSONAL_DATA_SEE),
        "saved": _just_saved(request),
        "active_nav": "exports",
    }
    return render(request, "exports/list.html", context)


@require_permission(Permission.EXPORT_VIEW)
@require_safe
@db.one_moment()
def statuses(request: Request) -> HttpResponse:
    """The changing cells of the exports whose ids are asked for, and whether to ask again."""
    ids = [int(text) for text in request.GET.get("ids", "").split(",") if text.isascii() and text.isdigit()]
    found = _seen_by(request.user).filter(pk__in=ids[:_MOST_LIVE])
    rows = _rows(found, request.user)
    gone = set(ids[:_MOST_LIVE]) - {row.export.pk for row in rows}
    context = {"rows": rows, "gone": sorted(gone), "live_ids": _open_ids(rows)}
    return render(request, "exports/statuses.html", context)


# The list that the export sends to now.
_TO_ITS_LIST = {"list_id": OuterRef("list_id")}


def _seen_by(user: User) -> QuerySet[Export]:
    """Every export, with what the list sorts and searches by."""
    all_runs = Run.objects.filter(export=OuterRef("pk")).order_by("-id")
    runs = all_runs.exclude(kind=RunKind.LIST_CLEANUP)
    cleanups = all_runs.filter(kind=RunKind.LIST_CLEANUP)
    labels = [
        When(connection__destination_key=destination.key, then=Value(str(destination.label)))
        for destination in destinations.all_destinations()
    ]
    return Export.objects.select_related("connection", "schedule").annotate(
        last_run_id=Subquery(runs.values("pk")[:1]),
        last_status=Coalesce(Subquery(runs.values("status")[:1]), Value("")),
        on_list=Subquery(runs.exclude(own_on_list=None).filter(**_TO_ITS_LIST).values("own_on_list")[:1]),
        refreshed_at=Subquery(runs.exclude(status__in=OPEN).values("finished_at")[:1]),
        type_label=Case(*labels, default=Value(""), output_field=CharField()),
        cleanup_id=Subquery(cleanups.values("pk")[:1]),
        is_mine=_is_mine(user),
    )


def _is_mine(user: User) -> Case:
    """The same as permissions.user_can_manage, for sorting."""
    shared = Q(connection=None) | Q(connection__allowed_roles__contains=[user.role])
    mine = Q(pk__isnull=False) if user_can_use_all(user) else shared
    allowed = mine if user.may(Permission.EXPORT_MANAGE) else Q(pk=None)
    return Case(When(allowed, then=Value(True)), default=Value(False), output_field=BooleanField())


def _rows(exports: Iterable[Export], user: User) -> list[Row]:
    exports = list(exports)
    runs = Run.objects.in_bulk([pk for export in exports if (pk := _annotated(export, "last_run_id"))])
    system, after = display.system_state(), predecessors_of_each([export.pk for export in exports])
    return [
        _row(export, runs.get(_annotated(export, "last_run_id")), system, after.get(export.pk), user)
        for export in exports
    ]


def _row(
    export: Export, run: Run | None, system: display.SystemState, after: Predecessors | None, user: User
) -> Row:
    shown = ShownRun(run) if run else None
    schedule = ShownSchedule(getattr(export, "schedule", None), system)
    refreshed_at = _annotated(export, "refreshed_at")
    return Row(export, shown, refreshed_at, schedule, user_can_manage(user, export), after or Predecessors())


def _annotated(export: Export, name: str) -> object:
    return getattr(export, name)


def _open_ids(rows: Sequence[Row]) -> str:
    return ",".join(str(row.export.pk) for row in rows if row.is_changing)


def _just_saved(request: Request) -> dict[str, object] | None:
    """What to say, once, of the export that was saved a moment ago."""
    export_id = request.session.pop(JUST_SAVED, None)
    export = Export.objects.filter(pk=export_id).first() if export_id else None
    if export is None:
        return None
    sentence = _("Changes apply from the next run.") if export.runs.exists() else _("Saved. Not run yet.")
    cleanup = policies.open_cleanup(export)
    return {"export": export, "sentence": sentence, "when": _when_it_runs(export), "cleanup": cleanup}


def _when_it_runs(export: Export) -> str:
    """Say when the export runs next."""
    chosen = schedule_of(export)
    after = {"names": predecessors_of(export).words}
    if not chosen.is_on and after["names"]:
        return _("The export runs after %(names)s. Its schedule is off.") % after
    if not chosen.is_on:
        return _("The export runs when you choose Run. Its schedule is off.")
    if chosen.rule is not None:
        return _("The export runs on its own schedule: %(words)s.") % {"words": describe.describe_schedule(chosen)}
    system = display.system_state()
    if system.next_due_at is None and after["names"]:
        return _("The export runs after %(names)s. The system refresh is off.") % after
    if system.next_due_at is None:
        return _("The export runs when you choose Run. The system refresh is off.")
    return _("The export runs with every system refresh. The next refresh is due %(when)s.") % {
        "when": ago(system.next_due_at)
    }
