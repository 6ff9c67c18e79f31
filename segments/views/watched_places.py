"""Choose the folder or the bucket that a data source watches, and show the files that arrived in it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from config.platform.jobs.models import JobStatus
from config.platform.text.stored_texts import translate_stored
from config.platform.web.htmx import Request
from config.platform.web.lists import row_id
from config.platform.web.panes import close_pane, render_pane
from segments.forms import show_that_name_renames
from segments.models import DataSource, WatchedFile, WatchedPlace
from segments.permissions import check_can_manage_databases
from segments.sources.data_source import KeyColumnDiffers, NameTaken
from segments.sources.sealed import seal, unseal
from segments.sources.watched_places.actions import (
    another_server,
    stop_watching,
    stored_secret,
    try_bucket,
    watch_bucket,
    watch_folder,
)
from segments.sources.watched_places.bucket_settings import BucketSettings
from segments.sources.watched_places.place import PlaceRefused, SeenFile
from segments.watched_place_forms import WatchedBucketForm, WatchedFolderForm, values_of

_FILES_SHOWN: Final = 50
_NAMES_SHOWN: Final = 5
_SEALED_KIND: Final = "bucket"
_GETS_SECRET: Final = ("endpoint", "access_key_id")


@dataclass(frozen=True)
class ArrivedFile:
    """A file of a watched place, with the status of its import, and why it ended so."""

    name: str
    status: str
    label: str
    reason: str
    url: str


@dataclass(frozen=True)
class FoundFiles:
    """What a test of a bucket found: a sentence, and the first names."""

    sentence: str
    names: list[str]


def watched_folder(request: Request) -> HttpResponse:
    """Show the pane of a watched folder; ``?source=`` is the ID of the data source to change."""
    check_can_manage_databases(request.user)
    source = _source(request)
    watched = source.watched_place if source is not None and source.is_watching else None
    watched = watched if watched is not None and not watched.is_bucket else None
    if request.method != "POST":
        initial = {"folder": watched.folder, "pattern": watched.pattern} if watched is not None else {}
        return _render_folder(request, WatchedFolderForm(initial=initial | _target(source)), watched)
    if request.POST.get("act") == "stop" and watched is not None:
        stop_watching(watched.source, by=request.user)
        return close_pane(request, _back(), _("The folder is no longer watched."))
    form = WatchedFolderForm(request.POST)
    edited = source if watched is not None else None
    if form.is_valid() and _is_done(
        form, lambda: watch_folder(**form.cleaned_data, edited=edited, by=request.user)
    ):
        return close_pane(request, _back(), _("The folder is watched. Complete files are imported."))
    return _render_folder(request, form, watched, status=422)


def watched_bucket(request: Request) -> HttpResponse:
    """Show the pane of a watched bucket, test it and store it; ``?source=`` is the ID of the data source to
    change."""
    check_can_manage_databases(request.user)
    return _BucketPane(request, _source(request)).respond()


class _BucketPane:
    """The pane of a watched bucket."""

    def __init__(self, request: Request, source: DataSource | None) -> None:
        self._request = request
        self._source = source
        watched = source.watched_place if source is not None and source.is_watching else None
        self._watched = watched if watched is not None and watched.is_bucket else None

    def respond(self) -> HttpResponse:
        request, watched = self._request, self._watched
        if request.method != "POST":
            initial = values_of(watched) if watched is not None else {}
            has_secret = watched is not None and watched.credentials is not None
            form = WatchedBucketForm(initial=initial | _target(self._source), has_secret=has_secret)
            return self._render(form)
        if request.POST.get("act") == "stop" and watched is not None:
            stop_watching(watched.source, by=request.user)
            return close_pane(request, _back(), _("The bucket is no longer watched."))
        return self._save()

    def _save(self) -> HttpResponse:
        """Store the bucket, unless it is only to be tested, or show what is wrong beside the field."""
        request, sealed = self._request, self._sealed()
        form = WatchedBucketForm(request.POST, has_secret="secret_key" in sealed)
        if not form.is_valid():
            return self._render(form, sealed=request.POST.get("sealed", ""), status=422)
        found: list[SeenFile] = []
        settings = form.settings()

        def act() -> None:
            nonlocal settings
            settings = self._with_secret(settings, sealed)
            if request.POST.get("act") == "test":
                found.extend(try_bucket(settings, by=request.user))
            else:
                edited = self._source if self._watched is not None else None
                watch_bucket(settings, **form.target(), edited=edited, by=request.user)

        if not _is_done(form, act):
            if settings.secret_key is not None and "secret_key" not in form.errors:
                form.show_that_secret_is_known()
            return self._render(form, sealed=self._seal(settings), status=422)
        if request.POST.get("act") != "test":
            return close_pane(request, _back(), _("The bucket is watched. Its files are imported."))
        form = WatchedBucketForm(initial=_typed(form), has_secret=settings.secret_key is not None)
        return self._render(form, sealed=self._seal(settings), tested=_tested(found))

    def _with_secret(self, settings: BucketSettings, sealed: dict[str, Any]) -> BucketSettings:
        """Return the settings with the secret key of the step before, or the stored one, if none is entered.
        Raises PlaceRefused for another server."""
        if settings.secret_key is not None or not settings.access_key_id:
            return settings
        known: str | None = sealed.get("secret_key")
        if known is not None and any(sealed[name] != getattr(settings, name) for name in _GETS_SECRET):
            raise another_server()
        if known is None and self._source is not None:
            known = stored_secret(settings, self._source)
        return replace(settings, secret_key=known)

    def _sealed(self) -> dict[str, Any]:
        return unseal(self._request.POST.get("sealed", ""), kind=_SEALED_KIND, by=self._request.user) or {}

    def _seal(self, settings: BucketSettings) -> str:
        if settings.secret_key is None:
            return ""
        content = {name: getattr(settings, name) for name in (*_GETS_SECRET, "secret_key")}
        return seal(content, kind=_SEALED_KIND, by=self._request.user)

    def _render(
        self, form: WatchedBucketForm, *, sealed: str = "", tested: FoundFiles | None = None, status: int = 200
    ) -> HttpResponse:
        context = {
            **_pane(form, self._watched, _("Watch bucket")),
            "sealed": sealed,
            "tested": tested,
            "pane_wide": True,
        }
        return render_pane(self._request, "segments/watched_bucket.html", context, status, back=_back())


def _render_folder(
    request: Request, form: WatchedFolderForm, watched: WatchedPlace | None, status: int = 200
) -> HttpResponse:
    context = {**_pane(form, watched, _("Watch folder")), "pane_wide": watched is not None}
    return render_pane(request, "segments/watched_folder.html", context, status, back=_back())


def _pane(
    form: WatchedFolderForm | WatchedBucketForm, watched: WatchedPlace | None, save_label: str
) -> dict[str, Any]:
    if watched is not None:
        show_that_name_renames(form)
    return {
        "form": form,
        "watched": watched,
        "files": _files(watched) if watched is not None else [],
        "pane_save": _("Save") if watched is not None else save_label,
        "active_nav": "data_sources",
    }


def _is_done(form: WatchedFolderForm | WatchedBucketForm, act: Callable[[], object]) -> bool:
    """Do what was asked; show a refusal beside its field. Returns whether it was done."""
    try:
        act()
    except PlaceRefused as refusal:
        form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal))
    except KeyColumnDiffers as refusal:
        form.add_error("key_columns", str(refusal))
    except NameTaken as refusal:
        form.add_error("source_name", str(refusal))
    else:
        return True
    return False


def _tested(found: list[SeenFile]) -> FoundFiles:
    if not found:
        return FoundFiles(_("The connection works. No file matches yet."), [])
    sentence = ngettext(
        "The connection works. {n} file matches.", "The connection works. {n} files match.", len(found)
    )
    return FoundFiles(sentence.format(n=len(found)), [each.name for each in found[:_NAMES_SHOWN]])


def _typed(form: WatchedBucketForm) -> dict[str, Any]:
    """Return what a user typed, without the secret key, to show it again."""
    return {name: form.data.get(name, "") for name in form.fields if name != "secret_key"}


def _target(source: DataSource | None) -> dict[str, Any]:
    if source is None:
        return {}
    return {"source_name": source.name, "key_columns": source.key_label, "mode": source.mode}


def _source(request: Request) -> DataSource | None:
    pk = row_id(request.GET.get("source", ""))
    return DataSource.objects.select_related("watched_place").filter(pk=pk).first() if pk is not None else None


def _back() -> str:
    return reverse("segments:data_sources")


def _files(watched: WatchedPlace) -> list[ArrivedFile]:
    """Return the files that wait and were imported, the newest first."""
    files = watched.files.select_related("job").order_by("-seen_at", "-name")[:_FILES_SHOWN]
    return [_arrived(each) for each in files]


def _arrived(found: WatchedFile) -> ArrivedFile:
    job = found.job
    if job is None:
        label = _("Imported earlier") if found.is_taken else _("Waiting until it is complete")
        if not found.is_taken and found.place.is_bucket:
            label = _("Waiting for the files before it")
        return ArrivedFile(found.name, "not_started", label, "", "")
    url = reverse("segments:import", args=[job.pk])
    message = translate_stored(job.message)
    if not found.is_taken:
        return ArrivedFile(found.name, "not_started", _("Waiting for another attempt"), message, url)
    return ArrivedFile(found.name, job.status, str(JobStatus(job.status).label), message, url)
