"""Choose the folder that a data source watches, and show the files that arrived in it."""

from dataclasses import dataclass

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from config.platform.jobs.models import JobStatus
from config.platform.web.htmx import Request
from config.platform.web.lists import row_id
from config.platform.web.panes import close_pane, render_pane
from segments.forms import WatchedFolderForm
from segments.models import DataSource, WatchedFile, WatchedFolder
from segments.permissions import check_can_manage_databases
from segments.sources.data_source import KeyColumnDiffers
from segments.sources.watched_folders import FolderRefused, stop_watching, watch_folder

_FILES_SHOWN = 50


@dataclass(frozen=True)
class ArrivedFile:
    """A file of a watched folder, with the status of its import, and why it ended so."""

    name: str
    status: str
    label: str
    reason: str
    url: str


def watched_folder(request: Request) -> HttpResponse:
    """Show the pane of a watched folder; ``?source=`` is the ID of the data source to change."""
    check_can_manage_databases(request.user)
    pk = row_id(request.GET.get("source", ""))
    sources = DataSource.objects.select_related("watched_folder")
    source = sources.filter(pk=pk).first() if pk is not None else None
    watched = source.watched_folder if source is not None and source.is_watching else None
    back = reverse("segments:data_sources")
    if request.method != "POST":
        return _render(request, WatchedFolderForm(initial=_initial(source, watched)), watched)
    if request.POST.get("act") == "stop" and source is not None:
        stop_watching(source, by=request.user)
        return close_pane(request, back, _("The folder is watched no longer."))
    form = WatchedFolderForm(request.POST)
    if form.is_valid():
        try:
            watch_folder(**form.cleaned_data, by=request.user)
        except FolderRefused as refusal:
            form.add_error(refusal.field, str(refusal))
        except KeyColumnDiffers as refusal:
            form.add_error("key_columns", str(refusal))
        else:
            return close_pane(request, back, _("The folder is watched. Complete files are imported."))
    return _render(request, form, watched, status=422)


def _render(
    request: Request, form: WatchedFolderForm, watched: WatchedFolder | None, status: int = 200
) -> HttpResponse:
    context = {
        "form": form,
        "watched": watched,
        "files": _files(watched) if watched is not None else [],
        "pane_save": _("Save") if watched is not None else _("Watch folder"),
        "pane_wide": watched is not None,
        "active_nav": "data_sources",
    }
    return render_pane(
        request, "segments/watched_folder.html", context, status, back=reverse("segments:data_sources")
    )


def _initial(source: DataSource | None, watched: WatchedFolder | None) -> dict[str, str]:
    initial = {"folder": watched.folder, "pattern": watched.pattern} if watched is not None else {}
    if source is not None:
        initial |= {"source_name": source.name, "key_columns": source.key_label, "mode": source.mode}
    return initial


def _files(watched: WatchedFolder) -> list[ArrivedFile]:
    """Return the files that wait and were imported, the newest first."""
    files = watched.files.select_related("job").order_by("-seen_at", "-name")[:_FILES_SHOWN]
    return [_arrived(each) for each in files]


def _arrived(found: WatchedFile) -> ArrivedFile:
    job = found.job
    if job is None:
        label = _("Imported earlier") if found.is_taken else _("Waiting until it is complete")
        return ArrivedFile(found.name, "not_started", label, "", "")
    url = reverse("segments:import", args=[job.pk])
    return ArrivedFile(found.name, job.status, str(JobStatus(job.status).label), job.message, url)
