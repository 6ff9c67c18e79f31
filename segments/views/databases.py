"""Enter a database and a query, test it, and choose, with its first rows in view, what its columns become."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from config.platform.web.htmx import Request
from config.platform.web.lists import row_id
from config.platform.web.panes import close_pane, render_pane
from segments.database_forms import DatabaseForm, values_of
from segments.forms import ImportForm, show_that_name_renames
from segments.import_forms import ColumnForm, are_valid, column_forms
from segments.models import DataSource, ImportMode
from segments.permissions import check_can_manage_databases
from segments.sources.actions import KeyColumnDiffers
from segments.sources.column_plan import ColumnPlan, plans_from_list
from segments.sources.data_source import NameTaken
from segments.sources.databases.actions import (
    QuerySettings,
    entered_password,
    import_query,
    stored_password,
    try_query,
)
from segments.sources.databases.fetch import FirstRows
from segments.sources.databases.sealed import seal, unseal
from segments.sources.files.file_format import FileRefused
from segments.sources.import_plan import key_positions, plans_of
from segments.sources.inference import ColumnGuess
from segments.views.uploads import ColumnCard, ModeChoice, likely_key

_ROWS_SHOWN = 4


def database(request: Request) -> HttpResponse:
    """Show the pane of a database and queue the import; ``?source=`` is the ID of the data source to change."""
    check_can_manage_databases(request.user)
    source = _source(request)
    if request.method != "POST":
        stored = source.database_query if source is not None and source.has_query else None
        initial = values_of(stored) if stored is not None else {}
        form = DatabaseForm(initial=initial, has_password=stored is not None and stored.credentials is not None)
        return _DatabaseStep(request, source).render(form)
    if request.POST.get("step") == "columns":
        settings = unseal(request.POST.get("sealed", ""), by=request.user)
        if settings is None:
            return _DatabaseStep(request, source).render(DatabaseForm(), status=422, is_expired=True)
        return _ColumnStep(request, settings, source).start()
    return _DatabaseStep(request, source).continue_()


class _DatabaseStep:
    """The first step: the database and the query."""

    def __init__(self, request: Request, source: DataSource | None) -> None:
        self._request = request
        self._source = source

    def continue_(self) -> HttpResponse:
        """Connect; show the first rows, and go on to the columns unless only a test was wanted."""
        sealed = unseal(self._request.POST.get("sealed", ""), by=self._request.user)
        form = DatabaseForm(self._request.POST, has_password=sealed is not None and sealed.password is not None)
        if not form.is_valid():
            return self.render(form, sealed=sealed, status=422)
        settings = form.settings()
        try:
            settings = self._with_password(settings, sealed)
            found = try_query(settings, by=self._request.user)
        except FileRefused as refusal:
            form.add_failure(refusal)
            return self.render(form, sealed=settings, status=422)
        if self._request.POST.get("act") == "test":
            form = DatabaseForm(initial=form.cleaned_data, has_password=settings.password is not None)
            return self.render(form, sealed=settings, found=found)
        return _ColumnStep(self._request, settings, self._source).first(found)

    def _with_password(self, settings: QuerySettings, sealed: QuerySettings | None) -> QuerySettings:
        """Return the settings with the password of the step before, or the stored one, if none is entered. Raises
        QueryFailed for another server."""
        if settings.password is not None or settings.engine.is_file:
            return settings
        known = entered_password(settings, sealed) if sealed is not None else None
        if known is None and self._source is not None:
            known = stored_password(settings, self._source)
        return replace(settings, password=known)

    def again(self, settings: QuerySettings, refusal: FileRefused) -> HttpResponse:
        """Show the step again, because the query that worked before does no longer."""
        form = DatabaseForm(values_of(settings), has_password=settings.password is not None)
        if form.is_valid():
            form.add_failure(refusal)
        return self.render(form, sealed=settings, status=422)

    def render(
        self,
        form: DatabaseForm,
        *,
        sealed: QuerySettings | None = None,
        found: FirstRows | None = None,
        status: int = 200,
        is_expired: bool = False,
    ) -> HttpResponse:
        context = {
            "form": form,
            "source": self._source,
            "sealed": seal(sealed, by=self._request.user) if sealed is not None else "",
            "found": found,
            "first_rows": found.rows[:_ROWS_SHOWN] if found else [],
            "is_expired": is_expired,
            "pane_save": _("Next"),
            "pane_wide": True,
            "active_nav": "data_sources",
        }
        return render_pane(
            self._request, "segments/database.html", context, status, back=reverse("segments:data_sources")
        )


class _ColumnStep:
    """The second step: the data source, and what the columns become."""

    def __init__(self, request: Request, settings: QuerySettings, source: DataSource | None) -> None:
        self._request = request
        self._settings = settings
        self._source = source
        # The data source gets the name, if this is its query.
        self._edited = source if source is not None and source.has_query else None

    def first(self, found: FirstRows) -> HttpResponse:
        """Show the first rows and the plans of the columns."""
        source = self._source
        initial: dict[str, Any] = {
            "source_name": source.name
            if source
            else self._settings.database.rpartition("/")[2].split(".")[0][:120],
            "key_column": source.key_column if source else likely_key(found.names),
        }
        if source is not None:
            initial |= {"mode": source.mode, "further_key_columns": source.further_key_columns or None}
        form = ImportForm(columns=found.names, initial=initial)
        return self._render(form, found)

    def start(self) -> HttpResponse:
        """Store the query and queue the import, or show what is wrong beside the fields."""
        posted = self._request.POST
        try:
            found = try_query(self._settings, by=self._request.user)
        except FileRefused as refusal:
            return _DatabaseStep(self._request, self._source).again(self._settings, refusal)
        form = ImportForm(posted, columns=found.names)
        columns = [
            ColumnForm(posted, plan=ColumnPlan(name), prefix=f"c{at}")
            for at, name in enumerate(found.names)
            if posted.get(f"c{at}-column") == name  # others are decided by the import
        ]
        if not all((form.is_valid(), are_valid(columns))):
            return self._render(form, found, data=posted, status=422)
        try:
            job = import_query(
                self._settings,
                source_name=form.cleaned_data["source_name"],
                key_column=form.cleaned_data["key_column"],
                further_key_columns=form.cleaned_data["further_key_columns"],
                names=found.names,
                plans=[column.plan(form.cleaned_data["misfit"]) for column in columns],
                mode=form.cleaned_data["mode"],
                edited=self._edited,
                by=self._request.user,
            )
        except (FileRefused, KeyColumnDiffers, NameTaken) as refusal:
            form.add_error("source_name" if isinstance(refusal, NameTaken) else "key_column", str(refusal))
            return self._render(form, found, data=posted, status=422)
        message = _("The import of {file} has been queued.").format(file=job.file_name)
        return close_pane(self._request, reverse("segments:import", args=[job.pk]), message)

    def _render(self, form: ImportForm, found: FirstRows, *, data: Any = None, status: int = 200) -> HttpResponse:
        if self._edited is not None:
            show_that_name_renames(form)
        columns = column_forms(self._plans(found, form), data)
        if form.is_bound:
            are_valid([column for column in columns if column.is_bound])
        mode = form["mode"].value() or ImportMode.UPSERT
        samples = [next((row[at] for row in found.rows if row[at]), "") for at in range(len(found.names))]
        context = {
            "form": form,
            "modes": [ModeChoice(each, is_chosen=each == mode) for each in ImportMode],
            "sealed": seal(self._settings, by=self._request.user),
            "is_typed": self._settings.engine.is_typed,
            "columns": [_card(column, sample) for column, sample in zip(columns, samples, strict=True)],
            "names": found.names,
            "first_rows": found.rows[:_ROWS_SHOWN],
            "sources": DataSource.objects.order_by("name")[:200],
            "pane_save": _("Import"),
            "pane_wide": True,
            "active_nav": "data_sources",
        }
        return render_pane(
            self._request, "segments/database_import.html", context, status, back=reverse("segments:data_sources")
        )

    def _plans(self, found: FirstRows, form: ImportForm) -> Sequence[ColumnPlan]:
        """Return the plans that the data source has, and for other columns those by the types of the database."""
        known = plans_from_list(self._source.column_plans) if self._source is not None else ()
        try:
            keys = [form["key_column"].value(), *(form["further_key_columns"].value() or ())]
            positions = key_positions(found.names, list(filter(None, keys)))
        except FileRefused:
            positions = ()
        guesses = [ColumnGuess(plan, filled=1) for plan in found.plans]
        return plans_of(found.names, guesses, known, positions)


def _card(form: ColumnForm, sample: str) -> ColumnCard:
    sentence = _("No values in the first rows") if not sample else _("For example")
    return ColumnCard(form, sentence, "", [sample] if sample else [])


def _source(request: Request) -> DataSource | None:
    pk = row_id(request.GET.get("source", ""))
    return DataSource.objects.select_related("database_query").filter(pk=pk).first() if pk is not None else None
