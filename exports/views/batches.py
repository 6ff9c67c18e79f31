"""The requests of a run, one by one."""

from django.db.models import Max, Min, Q, QuerySet
from django.db.models.functions import Length
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from config.platform.accounts.decorators import require_permission
from config.platform.accounts.permissions import Permission
from config.platform.jobs import clock
from config.platform.web.htmx import Request
from config.platform.web.lists import Column, list_page
from config.platform.web.panes import render_pane
from exports.models import Batch, BatchStatus, Run
from exports.reporting import people
from exports.views.run_layout import find_run, frame

COLUMNS = (
    Column("number", gettext_lazy("Batch"), order_by=("number",)),
    Column("status", gettext_lazy("Status"), order_by=("status", "number")),
    Column("size", gettext_lazy("Contacts"), order_by=("size", "number"), kind="number"),
    Column("delivered", gettext_lazy("Delivered"), order_by=("delivered", "number"), kind="number"),
    Column("new", gettext_lazy("Added"), order_by=("new_people", "number"), kind="number"),
    Column("left", gettext_lazy("Suppressed"), order_by=("left", "number"), kind="number"),
    Column("rejected", gettext_lazy("Rejected"), order_by=("rejected", "number"), kind="number"),
    Column("attempts", gettext_lazy("Attempts"), order_by=("attempt", "number"), kind="number"),
    Column("http", gettext_lazy("HTTP"), order_by=("http_status", "number"), kind="number"),
    Column("ms", gettext_lazy("ms"), order_by=("seconds", "number"), kind="number"),
    Column("bytes", gettext_lazy("Bytes"), order_by=("bytes_sent", "number"), kind="number"),
    Column("message", gettext_lazy("Last error"), order_by=(Length("message"), "number")),
)

FIRST = 20  # so many of its people are shown
_LAST_NUMBER = 2**31 - 1  # a larger one is in no batch

# How a batch's status looks, in the words of config.platform.web.statuses.
_TONES = {
    BatchStatus.PLANNED: ("neutral", "clock"),
    BatchStatus.SENDING: ("working", ""),
    BatchStatus.DONE: ("success", "circle-check"),
    BatchStatus.SPLIT: ("warning", "scissors"),
    BatchStatus.NOT_SENT: ("neutral", "circle-dashed"),
}


@require_permission(Permission.EXPORT_VIEW)
@require_safe
def batches(request: Request, run_id: int) -> HttpResponse:
    """List the batches of a run; their contacts stay in the database."""
    run = find_run(run_id)
    page = list_page(
        request,
        _of_run(request, run),
        columns=COLUMNS,
        search=("label", "status", "code", "message"),
        default="number",
        selectable=False,
    )
    context = frame(request, run, "exports:batches") | {
        "list": page,
        "batches": [_shown(batch) for batch in page.rows],
    }
    return render(request, "exports/batches.html", context)


@require_permission(Permission.EXPORT_VIEW)
@require_safe
def batch(request: Request, run_id: int, number: int) -> HttpResponse:
    """One batch and its call; who was in it, for those who may see that."""
    run = find_run(run_id)
    found = get_object_or_404(_without_people(run), number=number)
    sees_data = request.user.may(Permission.PERSONAL_DATA_SEE)
    around = run.batches.aggregate(
        before=Max("number", filter=Q(number__lt=number)), after=Min("number", filter=Q(number__gt=number))
    )
    context = {
        "run": run,
        "export": run.export,
        "batch": found,
        "shown": _shown(found),
        "sees_data": sees_data,
        "people": people.first_in(found, FIRST) if sees_data else [],
        "previous_url": _address(run, around["before"]),
        "next_url": _address(run, around["after"]),
        "active_nav": "exports",
    }
    return render_pane(request, "exports/batch.html", context, back=reverse("exports:run", args=[run.pk]))


def _of_run(request: Request, run: Run) -> QuerySet[Batch]:
    """Its batches; ``?from=`` and ``?to=`` narrow them to some in a row."""
    found = _without_people(run)
    for parameter, lookup in (("from", "number__gte"), ("to", "number__lte")):
        text = request.GET.get(parameter, "")
        if text.isascii() and text.isdigit():
            found = found.filter(**{lookup: min(int(text), _LAST_NUMBER)})
    return found


def _without_people(run: Run) -> QuerySet[Batch]:
    return Batch.objects.filter(run=run).defer("profile_ids", "emails", "payloads", "hashes")


def _address(run: Run, number: int | None) -> str:
    return reverse("exports:batch", args=[run.pk, number]) if number is not None else ""


def _shown(batch: Batch) -> dict[str, object]:
    tone, icon = _TONES[BatchStatus(batch.status)]
    waits = batch.not_before is not None and batch.not_before > clock.now()
    return {
        "batch": batch,
        "tone": tone,
        "icon": icon,
        "waits_until": batch.not_before if batch.status == BatchStatus.PLANNED and waits else None,
        "milliseconds": round(batch.seconds * 1000) if batch.seconds is not None else None,
    }
