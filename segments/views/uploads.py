"""Upload a file and choose, with its first rows in view, how it is read and what its columns become."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from config.platform.accounts.decorators import require_permission
from config.platform.accounts.permissions import Permission
from config.platform.audit.record import record
from config.platform.web.formats import number
from config.platform.web.htmx import Request
from config.platform.web.lists import row_id
from config.platform.web.panes import close_pane, refused, render_pane
from segments.forms import ChooseFileForm, ImportForm
from segments.import_forms import ColumnForm, FormatForm, are_valid, column_forms
from segments.models import AttributeType, DataSource, ImportMode
from segments.permissions import check_can_manage_data_sources
from segments.sources import actions, held_imports
from segments.sources.analysis import MAX_ANALYZED_BYTES, Analysis, analyze
from segments.sources.column_plan import ColumnPlan, ColumnType, plans_from_list
from segments.sources.files.detect import detect
from segments.sources.files.file_format import FileKind, FileRefused
from segments.sources.files.workbook import sheet_names
from segments.sources.import_plan import key_positions, plans_of
from segments.sources.inference import ColumnGuess, GuessHint
from segments.sources.leaving_preview import all_leaving_keys, preview_leaving
from segments.store.lake import OutOfMemory
from segments.views.held_imports import keys_as_csv


@dataclass(frozen=True)
class ColumnCard:
    """The form of a column, with what its values say."""

    form: ColumnForm
    sentence: str
    hint: str
    misfits: Sequence[str]


@dataclass(frozen=True)
class ModeChoice:
    """An import mode to choose from, with a sentence."""

    value: ImportMode
    is_chosen: bool

    @property
    def label(self) -> str:
        """The label of the mode."""
        return str(self.value.label)

    @property
    def sentence(self) -> str:
        """What the mode does."""
        if self.value is ImportMode.SNAPSHOT:
            return _("They are removed. If there are many, you are asked to confirm first.")
        return _("They stay. Nothing is removed.")


def upload(request: Request) -> HttpResponse:
    """Show the upload pane and queue the import; ``?source=`` is the ID of the data source to refresh."""
    check_can_manage_data_sources(request.user)
    if request.method != "POST":
        return _file_step(request, ChooseFileForm())
    if "token" in request.POST:
        return _continue(request)
    form = ChooseFileForm(request.POST, request.FILES)
    if not form.is_valid():
        return _file_step(request, form, status=422)
    token = actions.store_upload(form.cleaned_data["file"], by=request.user)
    try:
        path = actions.find_upload(token, by=request.user)
        if path is None:
            raise FileRefused(_("The file could not be stored."))
        return _ImportStep(request, path, token, form.cleaned_data["file"].name).first()
    except FileRefused as refusal:
        if path := actions.find_upload(token, by=request.user):
            actions.delete_upload(path)
        form.add_error("file", str(refusal))
        return _file_step(request, form, status=422)


def _continue(request: Request) -> HttpResponse:
    token, file_name = request.POST.get("token", ""), request.POST.get("file_name", "")[:255]
    path = actions.find_upload(token, by=request.user)
    if path is None:
        return _file_step(request, ChooseFileForm(), status=422, gone=True)
    step = _ImportStep(request, path, token, file_name)
    acts = {"preview": step.preview, "leaving": step.leaving}
    return acts.get(request.POST.get("act", ""), step.start)()


@require_permission(Permission.DATA_SOURCE_MANAGE)
@require_safe
def download_leaving(request: Request) -> HttpResponseBase:
    """Download the keys of the customers who would leave with an uploaded file, and record the download."""
    given = request.GET
    path, source = actions.find_upload(given.get("token", ""), by=request.user), _named(given.get("source", ""))
    if path is None or source is None:
        raise Http404
    try:
        choices = _format_choices(given, path, given.get("file", ""))
        file_format = detect(path, name=given.get("file", ""), **choices)
        keys = all_leaving_keys(path, file_format, given.getlist("key"), source)
    except (FileRefused, OutOfMemory) as refusal:
        return refused(str(refusal))
    record("downloaded", source, by=request.user, changes={"customers to remove": (None, len(keys))})
    return keys_as_csv(source.key_label, iter(keys), "customers-to-remove.csv")


def _file_step(request: Request, form: ChooseFileForm, status: int = 200, *, gone: bool = False) -> HttpResponse:
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


class _ImportStep:
    """The second step of an upload."""

    def __init__(self, request: Request, path: Path, token: str, file_name: str) -> None:
        self._request = request
        self._path = path
        self._token = token
        self._file_name = file_name

    def first(self) -> HttpResponse:
        """Show the detected format and the guesses. Raises FileRefused."""
        source = _source(self._request)
        choices = source.file_format if source else {}
        analysis = analyze(self._path, name=self._file_name, choices=choices)
        initial = {
            "source_name": source.name if source else self._file_name.split(".", maxsplit=1)[0][:120],
            "key_column": source.key_column if source else likely_key(analysis.names),
        }
        if source and source.further_key_columns:
            initial["further_key_columns"] = source.further_key_columns
        if known := source or _named(initial["source_name"]):
            initial["mode"] = known.mode
        form = ImportForm(columns=analysis.names, initial=initial)
        keys = [initial["key_column"], *initial.get("further_key_columns", ())]
        return self._render(form, analysis, self._plans(analysis, source, keys))

    def preview(self) -> HttpResponse:
        """Show the file again with the chosen format; what was typed is kept."""
        posted = self._request.POST
        analysis, error = self._analyzed()
        keys = self._posted_keys()
        initial = {**posted.dict(), "further_key_columns": keys[1:] or None}
        form = ImportForm(columns=analysis.names, initial=initial)
        plans = self._plans(analysis, _named(posted.get("source_name", "")), keys)
        return self._render(form, analysis, plans, data=posted, error=error, status=422 if error else 200)

    def leaving(self) -> HttpResponse:
        """Show who would leave in the chosen mode."""
        return render(self._request, "segments/upload_leaving.html", self._leaving_context())

    def start(self) -> HttpResponse:
        """Queue the import, or show what is wrong beside the fields."""
        posted = self._request.POST
        choices = self._choices()
        try:
            file_format = detect(self._path, name=self._file_name, **choices)
            names = actions.first_rows(self._path, file_format, 0).names
        except FileRefused:
            return self.preview()
        form = ImportForm(posted, columns=names)
        columns = [
            ColumnForm(posted, plan=ColumnPlan(name), prefix=f"c{at}")
            for at, name in enumerate(names)
            if posted.get(f"c{at}-column") == name  # others are decided by the import
        ]
        if not all((form.is_valid(), are_valid(columns))):
            return self._again(form)
        plans = [column.plan(form.cleaned_data["misfit"]) for column in columns]
        try:
            job = actions.start_import(
                path=self._path,
                key_column=form.cleaned_data["key_column"],
                further_key_columns=form.cleaned_data["further_key_columns"],
                source_name=form.cleaned_data["source_name"],
                by=self._request.user,
                file_name=self._file_name or self._path.name,
                choices=choices,
                plans=plans,
                mode=form.cleaned_data["mode"],
            )
        except (FileRefused, actions.KeyColumnDiffers) as refusal:
            form.add_error("key_column", str(refusal))
            return self._again(form)
        message = _("The import of {file} has been queued.").format(file=job.file_name)
        page = reverse("segments:import", args=[job.pk])
        return close_pane(self._request, page, message, may_stay_home=True)

    def _again(self, form: ImportForm) -> HttpResponse:
        posted = self._request.POST
        analysis, error = self._analyzed()
        plans = self._plans(analysis, _named(posted.get("source_name", "")), self._posted_keys())
        return self._render(form, analysis, plans, data=posted, error=error, status=422)

    def _analyzed(self) -> tuple[Analysis, str]:
        """Analyze the file as the user chose; as it was detected, with the reason, if that is not possible."""
        try:
            return analyze(self._path, name=self._file_name, choices=self._choices()), ""
        except FileRefused as refusal:
            return analyze(self._path, name=self._file_name, choices={}), str(refusal)

    def _choices(self) -> dict[str, Any]:
        """Return what the user changed of the detected format."""
        return _format_choices(self._request.POST, self._path, self._file_name)

    def _leaving_context(self) -> dict[str, Any]:
        """Compare the file with the data source if snapshot mode is chosen."""
        posted = self._request.POST
        if posted.get("mode") != ImportMode.SNAPSHOT:
            return {}
        keys, source_name, choices = self._posted_keys(), posted.get("source_name", ""), self._choices()
        try:
            file_format = detect(self._path, name=self._file_name, **choices)
            found = preview_leaving(self._path, file_format, keys, _named(source_name))
        except (FileRefused, OutOfMemory) as refusal:
            return {"leaving_error": str(refusal)}
        address: dict[str, Any] = {"token": self._token, "file": self._file_name, "source": source_name}
        address |= {"key": keys}
        address |= {f"{FormatForm.prefix}-{name}": value for name, value in choices.items()}
        return {
            "leaving": found,
            "leaving_sentence": held_imports.leaving_sentence(found.found.leaving, found.found.known),
            "keys_url": f"{reverse('segments:upload_leaving')}?{urlencode(address, doseq=True)}",
        }

    def _plans(self, analysis: Analysis, source: DataSource | None, keys: Sequence[str]) -> list[ColumnPlan]:
        known = plans_from_list(source.column_plans) if source else ()
        try:
            positions = key_positions(analysis.names, keys)
        except FileRefused:
            positions = ()
        return plans_of(analysis.names, analysis.guesses, known, positions)

    def _posted_keys(self) -> list[str]:
        posted = self._request.POST
        further = [column for column in posted.getlist("further_key_columns") if column]
        return [posted.get("key_column", ""), *further]

    def _render(
        self,
        form: ImportForm,
        analysis: Analysis,
        plans: Sequence[ColumnPlan],
        *,
        data: Any = None,
        error: str = "",
        status: int = 200,
    ) -> HttpResponse:
        columns = column_forms(plans, data)
        if form.is_bound:
            are_valid([column for column in columns if column.is_bound])
        found = analysis.file_format
        mode = form["mode"].value() or ImportMode.UPSERT
        asked = self._request.POST.get("act") == "preview"
        context = {
            "form": form,
            "modes": [ModeChoice(each, is_chosen=each == mode) for each in ImportMode],
            "is_uncounted": mode == ImportMode.SNAPSHOT and not asked,
            **(self._leaving_context() if asked else {}),
            "format_form": FormatForm(detected=found, sheets=analysis.sheets, initial=found.to_dict()),
            "format_error": error,
            "file_format": found,
            "columns": [_card(column, guess) for column, guess in zip(columns, analysis.guesses, strict=True)],
            "is_partial": analysis.is_partial,
            "analyzed_mb": MAX_ANALYZED_BYTES >> 20,
            "token": self._token,
            "file_name": self._file_name,
            "names": analysis.names,
            "first_rows": analysis.first_rows,
            "sources": DataSource.objects.order_by("name")[:200],
            "pane_save": _("Import"),
            "pane_wide": True,
            "active_nav": "data_sources",
        }
        return render_pane(
            self._request, "segments/upload_import.html", context, status, back=reverse("segments:data_sources")
        )


def _format_choices(given: QueryDict, path: Path, file_name: str) -> dict[str, Any]:
    """Return what the user changed of the detected format of a file."""
    detected = detect(path, name=file_name)
    sheets = sheet_names(path) if detected.kind is FileKind.XLSX else ()
    return FormatForm(given, detected=detected, sheets=sheets).choices(detected)


def _card(form: ColumnForm, guess: ColumnGuess) -> ColumnCard:
    if not guess.filled:
        sentence = _("No values")
    elif guess.plan.type is ColumnType.TEXT:
        sentence = ngettext("%(count)s value", "%(count)s values", guess.filled) % {"count": number(guess.filled)}
    else:
        kind = AttributeType(str(guess.plan.type)).label
        sentence = _("100%% of %(count)s values match the type %(type)s") % {
            "count": number(guess.filled),
            "type": kind,
        }
    return ColumnCard(form, sentence, _hint(guess), guess.misfits)


def _hint(guess: ColumnGuess) -> str:
    """Say why a column stays text although it may be something else."""
    if guess.hint is None or guess.instead is None:
        return ""
    kind = AttributeType(str(guess.instead.type)).label
    if guess.hint is GuessHint.DATE_ORDER:
        return _("These may be dates, with the day or the month first. Choose the type and the format.")
    if guess.hint is GuessHint.ONE_WORD:
        return _("All values are the same. Choose Yes/no if the value means yes or no.")
    return _("%(share)d%% of the values match the type %(type)s. Examples that do not match:") % {
        "share": int(guess.fit_instead * 100),
        "type": kind,
    }


def _source(request: Request) -> DataSource | None:
    pk = row_id(request.GET.get("source", ""))
    return DataSource.objects.filter(pk=pk).first() if pk is not None else None


def _named(name: str) -> DataSource | None:
    return DataSource.objects.filter(name__iexact=name).first()


def likely_key(names: Sequence[str]) -> str:
    """Guess the key column by its name."""
    folded = {name.casefold(): name for name in names}
    for guess in ("id", "key", "customer_id", "customerid", "customer id", "user_id", "uuid", "email"):
        if guess in folded:
            return folded[guess]
    return next((name for name in names if name.casefold().endswith(("_id", " id", "key"))), names[0])
