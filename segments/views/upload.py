"""Import a file in two steps: choose it; then say what its rows are told apart by and where they belong."""

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from config.platform.web.htmx import Request
from config.platform.web.panes import close_pane, render_pane
from segments import actions
from segments.forms import ChooseFileForm, ImportForm
from segments.models import DataSource
from segments.permissions import check_can_manage_data_sources
from segments.sources import csv_reader, uploads
from segments.sources.csv_reader import FileRefused

ROWS_SHOWN = 4


def upload(request: Request) -> HttpResponse:
    """The pane; ``?source=`` an id when a known data source is to be refreshed."""
    check_can_manage_data_sources(request.user)
    if request.method != "POST":
        return _choose(request, ChooseFileForm())
    if "token" in request.POST:
        return _start(request)
    form = ChooseFileForm(request.POST, request.FILES)
    if not form.is_valid():
        return _choose(request, form, status=422)
    token = uploads.keep(form.cleaned_data["file"], by=request.user)
    try:
        return _describe(request, token, form.cleaned_data["file"].name, _source(request))
    except FileRefused as refusal:
        if path := uploads.find(token, by=request.user):
            uploads.forget(path)
        form.add_error("file", str(refusal))
        return _choose(request, form, status=422)


def _start(request: Request) -> HttpResponse:
    token, file_name = request.POST.get("token", ""), request.POST.get("file_name", "")[:255]
    path = uploads.find(token, by=request.user)
    if path is None:
        return _choose(request, ChooseFileForm(), status=422, gone=True)
    header = csv_reader.read_header(path)
    form = ImportForm(request.POST, columns=header.names)
    if not form.is_valid():
        return _described(request, form, token, file_name, status=422)
    try:
        job = actions.start_import(
            path=path,
            key_column=form.cleaned_data["key_column"],
            source_name=form.cleaned_data["source_name"],
            by=request.user,
            file_name=file_name or path.name,
        )
    except (FileRefused, actions.KeyColumnDiffers) as refusal:
        form.add_error("key_column", str(refusal))
        return _described(request, form, token, file_name, status=422)
    message = _("The import of {file} has been queued.").format(file=job.file_name)
    return close_pane(request, reverse("segments:import", args=[job.pk]), message)


def _choose(request: Request, form: ChooseFileForm, status: int = 200, *, gone: bool = False) -> HttpResponse:
    context = {
        "form": form,
        "gone": gone,
        "pane_save": _("Next"),
        "pane_encoding": "multipart/form-data",
        "active_nav": "data_sources",
    }
    return render_pane(
        request, "segments/upload_file.html", context, status, back=reverse("segments:data_sources")
    )


def _describe(request: Request, token: str, file_name: str, source: DataSource | None) -> HttpResponse:
    path = uploads.find(token, by=request.user)
    if path is None:
        raise FileRefused(_("The file could not be stored."))
    names = csv_reader.read_header(path).names
    initial = {
        "source_name": source.name if source else file_name.split(".", maxsplit=1)[0][:120],
        "key_column": source.key_column if source else _likely_key(names),
    }
    return _described(request, ImportForm(columns=names, initial=initial), token, file_name)


def _described(request: Request, form: ImportForm, token: str, file_name: str, status: int = 200) -> HttpResponse:
    path = uploads.find(token, by=request.user)
    context = {
        "form": form,
        "token": token,
        "file_name": file_name,
        "names": form.columns,
        "first_rows": csv_reader.first_rows(path, ROWS_SHOWN) if path else [],
        "sources": DataSource.objects.order_by("name")[:200],
        "pane_save": _("Import"),
        "pane_wide": True,
        "active_nav": "data_sources",
    }
    return render_pane(
        request, "segments/upload_import.html", context, status, back=reverse("segments:data_sources")
    )


def _source(request: Request) -> DataSource | None:
    pk = request.GET.get("source", "")
    return (
        DataSource.objects.filter(pk=int(pk)).first() if pk.isascii() and pk.isdigit() and len(pk) < 19 else None
    )


def _likely_key(names: tuple[str, ...]) -> str:
    """What most files tell people apart by."""
    folded = {name.casefold(): name for name in names}
    for guess in ("id", "key", "customer_id", "customerid", "customer id", "user_id", "uuid", "email"):
        if guess in folded:
            return folded[guess]
    return next((name for name in names if name.casefold().endswith(("_id", " id", "key"))), names[0])
