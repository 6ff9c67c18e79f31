"""Update the export pane while it is filled in: answer changes with the parts that depend on them, and create
fields and options on the list. Nothing of the export is saved.

A change that a later one overtook comes along with it, so that what both ask for is done and shown.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from config.platform.accounts.decorators import require_permission
from config.platform.accounts.permissions import Permission
from config.platform.web.htmx import Request
from connections.destinations.errors import DestinationError
from connections.models import Connection
from connections.vault import NotConnected
from exports.actions import list_fields
from exports.forms import draft as forms_draft
from exports.forms.draft import Draft
from exports.models import Export
from exports.policies import Refusal
from exports.views.access import find_managed_export
from exports.views.edit import build_cleanup_form, unvalidated_form
from exports.views.pane import ExportPane, choices_for
from exports.views.pane_mapping import MappingRow

# Which parts of the pane depend on what was changed; each is the template exports/part_….html.
_OF_LIST = (
    *("list_details", "left_behind", "mapping", "options", "opt_in", "control", "removal"),
    "consequences",
)
PARTS: dict[str, Sequence[str]] = {
    "opened": (
        *("list_picker", "list_details", "mapping", "email_quality", "segments_total", "opt_in", "removal"),
        *("control", "consequences"),
    ),
    "connection": (*_OF_LIST, "connection_note", "list_picker", "list_id", "matching_words", "segments_total"),
    "list_pick": (*_OF_LIST, "list_id"),
    "list_id": (*_OF_LIST, "list_picker"),
    "left_behind": ("left_behind",),
    "email": ("email_quality", "opt_in"),
    "segments": ("email_quality", "segments_total", "opt_in", "control_total"),
    "rows": ("mapping", "options", "control", "removal", "consequences"),
    # Not the part that was typed in, so that typing goes on.
    "control": ("control_total", "opt_in", "removal", "consequences"),
}
# Who accepted that contacts are emailed did not accept it for another list or other contacts.
_RESETS_OPT_IN = {"connection", "list_pick", "list_id", "email", "segments", "control"}
# Changes the draft for one row, after the same was done for the rows before it.
RowAction = Callable[[Request, Connection, MappingRow, Draft], Draft]


@dataclass(frozen=True)
class PaneChange:
    """``what`` was changed; of the rows of the data matching also how: “add”, “match”, or the place of one that
    goes."""

    what: str
    rows: str = ""


@dataclass(frozen=True)
class PaneChanges:
    """Changes in the order in which they were made; their places are those in the form that came with them."""

    made: Sequence[PaneChange]

    @classmethod
    def of(cls, request: Request) -> "PaneChanges":
        """From ``?changed=…&rows=…``, and what the form says was not answered yet: “rows:add,email:”."""
        overtaken = [
            PaneChange(*text.split(":", 1)) for text in request.POST.get("unanswered", "").split(",") if text
        ]
        now = PaneChange(request.GET.get("changed", ""), request.GET.get("rows", ""))
        return cls([*overtaken, now])

    @property
    def names(self) -> set[str]:
        """What was changed."""
        return {change.what for change in self.made}

    @property
    def match_by_name(self) -> bool:
        return any(change.rows == "match" for change in self.made)

    def on(self, draft: Draft, *, picked: str) -> Draft:
        """The draft with these changes; ``picked``: the list that is chosen in the picker. Of a list that is
        picked and one that is typed the later counts."""
        lists = [change.what for change in self.made if change.what in ("list_pick", "list_id")]
        if lists and lists[-1] == "list_pick":
            draft = replace(draft, list_id=picked)
        gone = {int(change.rows) for change in self.made if change.rows.isdigit()}
        for place in sorted(gone, reverse=True):
            draft = draft.without_row(place)
        for change in self.made:
            if change.rows == "add":
                draft = draft.with_row()
        return draft


@require_permission(Permission.EXPORT_MANAGE)
@require_POST
def parts(request: Request) -> HttpResponse:
    """Render the parts of the pane that depend on changes; ``?export=`` names the export. What was typed comes
    along and goes back."""
    changes = PaneChanges.of(request)
    export = _edited_export(request)
    choices = choices_for(request.user)
    draft = changes.on(forms_draft.read_typed(request.POST), picked=request.POST.get("list_pick", ""))
    if changes.names & _RESETS_OPT_IN:
        draft = replace(draft, opt_in_mail_accepted=False)
    form = unvalidated_form(draft, choices, export)
    waits = bool(request.htmx) and "left_behind" not in changes.names
    cleanup = build_cleanup_form(request, form, export, request.POST, waits=waits)
    pane = ExportPane(request.user, form, export=export, cleanup=cleanup)
    if changes.match_by_name:
        matched = draft.matched_by_name(pane.attributes, pane.fields)
        pane = ExportPane(request.user, unvalidated_form(matched, choices, export), export=export)
    return _render_parts(request, pane, sorted({part for name in changes.names for part in PARTS.get(name, ())}))


def _edited_export(request: Request) -> Export | None:
    """Return the export that the pane edits; None for a new one."""
    text = request.GET.get("export", "")
    return find_managed_export(request, int(text)) if text.isdigit() else None


def _render_parts(request: Request, pane: ExportPane, parts: Sequence[str], **context: object) -> HttpResponse:
    context |= {"pane": pane, "form": pane.form, "export": pane.export, "parts": parts, "swap": True}
    return render(request, "exports/parts.html", context)


@require_permission(Permission.EXPORT_MANAGE)
@require_POST
def create_field(request: Request) -> HttpResponse:
    """Make the fields that rows suggest, of all or of one (``?row=``), and fill the rows with them."""
    return _for_rows(request, _create)


@require_permission(Permission.EXPORT_MANAGE)
@require_POST
def create_control_field(request: Request) -> HttpResponse:
    """Make a text field for the control group on the list, and choose it."""
    export, choices = _edited_export(request), choices_for(request.user)
    draft = forms_draft.read_typed(request.POST)
    pane = ExportPane(request.user, unvalidated_form(draft, choices, export), export=export)
    error = ""
    if pane.connection is not None and (field := pane.new_control_field):
        try:
            made = list_fields.create_field(pane.connection, draft.list_id, field, attribute=None, by=request.user)
            draft = replace(draft, control=replace(draft.control, field=made.key))
        except (DestinationError, Refusal, NotConnected) as failed:
            error = getattr(failed, "sentence", str(failed))
    after = ExportPane(request.user, unvalidated_form(draft, choices, export), export=export)
    return _render_parts(request, after, ["control", "mapping", "removal"], control_error=error)


@require_permission(Permission.EXPORT_MANAGE)
@require_POST
def add_options(request: Request) -> HttpResponse:
    """Add the options that the field of a row (``?row=``) lacks."""
    return _for_rows(request, _add)


def _for_rows(request: Request, action: RowAction) -> HttpResponse:
    """Do it for one row after another until one fails; what is done by then stays done."""
    export, choices = _edited_export(request), choices_for(request.user)
    draft = forms_draft.read_typed(request.POST)
    pane = ExportPane(request.user, unvalidated_form(draft, choices, export), export=export)
    place = request.GET.get("row", "")
    errors: dict[int, str] = {}
    for row in pane.rows:
        if pane.connection is None or (place and place != str(row.place)):
            continue
        try:
            draft = action(request, pane.connection, row, draft)
        except (DestinationError, Refusal, NotConnected) as error:
            errors[row.place] = getattr(error, "sentence", str(error))
            break
    form = unvalidated_form(draft, choices, export)
    form.mapping_errors.update(errors)
    after = ExportPane(request.user, form, export=export)
    # The button that was clicked may be gone: the focus moves to the field beside it.
    focused_row = int(place) if place.isdecimal() else 0
    return _render_parts(request, after, ["mapping", "options"], focused_row=focused_row)


def _create(request: Request, connection: Connection, row: MappingRow, draft: Draft) -> Draft:
    if row.suggestion is None:
        return draft
    field = row.suggestion.of_type(request.POST.get(f"new_type_{row.place}", ""))
    if field is None:
        raise Refusal(_("This field type does not match the attribute. Choose another type."))
    made = list_fields.create_field(
        connection, draft.list_id, field, attribute=row.pair.attribute, by=request.user
    )
    pairs = list(draft.mapping)
    pairs[row.place] = replace(row.pair, field=made.key)
    return replace(draft, mapping=pairs)


def _add(request: Request, connection: Connection, row: MappingRow, draft: Draft) -> Draft:
    field = next((option.field for option in row.fields if option.chosen), None)
    if field is not None and row.missing_options:
        list_fields.add_options(
            connection,
            draft.list_id,
            field,
            row.missing_options,
            attribute=row.pair.attribute,
            by=request.user,
        )
    return draft
