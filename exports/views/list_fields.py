"""Making fields and options on the list from the pane, one click each."""

from collections.abc import Callable
from dataclasses import replace

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
from exports.policies import Refusal
from exports.views.edit import export_of, unjudged
from exports.views.pane import ExportPane, choices_for
from exports.views.pane_mapping import MappingRow

# What is done for one row: takes the draft as it is by then, gives it as it is afterwards.
ListAction = Callable[[Request, Connection, MappingRow, Draft], Draft]


@require_permission(Permission.EXPORT_MANAGE)
@require_POST
def create_field(request: Request) -> HttpResponse:
    """Make the fields that rows suggest, of all or of one (``?row=``), and fill the rows with them."""
    return _for_rows(request, _create)


@require_permission(Permission.EXPORT_MANAGE)
@require_POST
def add_options(request: Request) -> HttpResponse:
    """Add the options that the field of a row (``?row=``) lacks."""
    return _for_rows(request, _add)


def _for_rows(request: Request, action: ListAction) -> HttpResponse:
    """Do it for one row after another until one fails; what is done by then stays done."""
    export, choices = export_of(request), choices_for(request.user)
    draft = forms_draft.typed(request.POST)
    pane = ExportPane(request.user, unjudged(draft, choices, export), export=export)
    place = request.GET.get("row", "")
    errors: dict[int, str] = {}
    for row in pane.rows:
        if pane.connection is None or (place and place != str(row.place)):
            continue
        try:
            draft = action(request, pane.connection, row, draft)
        except (DestinationError, Refusal) as error:
            errors[row.place] = error.sentence
            break
        except NotConnected as error:
            errors[row.place] = str(error)
            break
    form = unjudged(draft, choices, export)
    form.mapping_errors.update(errors)
    after = ExportPane(request.user, form, export=export)
    context = {
        "pane": after,
        "form": form,
        "parts": ("mapping", "questions"),
        "swap": True,
        # The button that was pressed may be gone: the focus goes on to the field beside it.
        "focused_row": int(place) if place.isdecimal() else 0,
    }
    return render(request, "exports/parts.html", context)


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
