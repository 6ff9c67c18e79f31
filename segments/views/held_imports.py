"""Confirm the removals that a guard holds in an import, and download who would leave."""

from collections.abc import Iterator
from typing import Any

from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from config.platform.accounts.decorators import require_permission
from config.platform.accounts.permissions import Permission
from config.platform.audit.record import record
from config.platform.text.csv_lines import BYTE_ORDER_MARK, csv_line
from config.platform.web.formats import number
from config.platform.web.htmx import Request
from config.platform.web.panes import close_pane, render_dialog
from segments.models import ImportJob
from segments.permissions import check_can_manage_data_sources, user_can_manage_data_sources
from segments.sources import actions, held_imports

KEYS_SHOWN = 10
_MOST_DIGITS = 12


@require_http_methods(["GET", "POST"])
def confirm_removals(request: Request, pk: int) -> HttpResponse:
    """Show how many customers would leave, and by POST confirm that number; 409 when it has grown since, or when
    nothing is held any more."""
    check_can_manage_data_sources(request.user)
    job = find_import(pk)
    to, refusal, status = reverse("segments:import", args=[pk]), "", 200
    if not held_imports.is_held(job):
        if request.method == "POST" and job.confirmed_removals is not None:
            return close_pane(request, to)  # a second click
        return render_dialog(request, _nothing_held(), status=409, back=to)
    if request.method == "POST":
        count = _posted_count(request)
        if count is not None and count >= job.to_remove:
            held_imports.confirm_removals(job, count=count, by=request.user)
            return close_pane(request, to, _("The removals are confirmed. The import has been queued."))
        refusal, status = _("There are more customers to remove than were shown. Check the number again."), 409
    title = ngettext("Remove %(count)s customer?", "Remove %(count)s customers?", job.to_remove)
    context = {
        "job": job,
        "title": title % {"count": number(job.to_remove)},
        "sentences": [held_imports.held_sentence(job), held_imports.guard_sentence(job)],
        "losses": actions.losses_of_import(job),
        "confirm_label": _("Confirm removals"),
        "danger": True,
        "refusal": refusal,
    }
    return render_dialog(request, context, "segments/confirm_removals.html", status, back=to)


@require_permission(Permission.DATA_SOURCE_MANAGE)
@require_safe
def download_leaving(request: Request, pk: int) -> StreamingHttpResponse:
    """Download the keys of the customers who would leave with a held import; record the download."""
    job = find_import(pk)
    keys = held_imports.keys_to_remove(job)
    if keys is None:
        raise Http404
    record("downloaded", job.source, by=request.user, changes={"customers to remove": (None, job.to_remove)})
    return keys_as_csv(job.source.key_label, keys, f"customers-to-remove-{pk}.csv")


def keys_as_csv(column: str, keys: Iterator[str], file_name: str) -> StreamingHttpResponse:
    """Return keys as a CSV file with one column."""
    lines = (csv_line([text]) for text in keys)
    return StreamingHttpResponse(
        (line for part in ([BYTE_ORDER_MARK + csv_line([column])], lines) for line in part),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{file_name}"', "Cache-Control": "no-store"},
    )


def held_context(job: ImportJob, request: Request) -> dict[str, Any]:
    """Return what the page of an import shows while its removals are held; nothing otherwise."""
    if not held_imports.is_held(job):
        return {}
    may_confirm = user_can_manage_data_sources(request.user)
    keys = list(held_imports.keys_to_remove(job, KEYS_SHOWN) or ()) if may_confirm else []
    return {
        "held_sentence": held_imports.held_sentence(job),
        "guard_sentence": held_imports.guard_sentence(job),
        "may_confirm": may_confirm,
        "first_keys": keys,
        "more_keys": max(0, job.to_remove - len(keys)) if keys else 0,
    }


def find_import(pk: int) -> ImportJob:
    """Return an import with its data source. Raises Http404."""
    jobs = ImportJob.objects.select_related("source", "requested_by", "watched_file")
    return get_object_or_404(jobs, pk=pk)


def _nothing_held() -> dict[str, Any]:
    return {
        "title": _("Confirm removals"),
        "refusal": _("No removals of this import await confirmation anymore."),
        "hides_confirm": True,
    }


def _posted_count(request: Request) -> int | None:
    """Return how many customers the dialog showed; None when the request does not say."""
    text = request.POST.get("count", "")
    is_number = text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS
    return int(text) if is_number else None
