"""The pane in which an export is set up, edited or only viewed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.contrib import messages
from django.db import IntegrityError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from config.platform.accounts.decorators import require_permission
from config.platform.accounts.permissions import Permission
from config.platform.web.htmx import Request
from config.platform.web.panes import close_pane, render_pane
from config.platform.web.versions import Change, Gone, StaleEdit, version_from
from connections import lookups
from connections.destinations.values import Question
from exports import policies
from exports.actions import list_cleanup as actions_list_cleanup
from exports.actions import manage, preview
from exports.forms import draft as forms_draft
from exports.forms.cleanup_form import CleanupForm
from exports.forms.draft import Draft
from exports.forms.export_form import Choices, ExportForm, name_taken
from exports.models import Export
from exports.permissions import check_can_manage, user_can_manage
from exports.removal import list_cleanup
from exports.removal.list_cleanup import CleanupSettings
from exports.views import option_labels
from exports.views.edit_conflict import changes_of
from exports.views.listing import JUST_SAVED
from exports.views.pane import ExportPane, choices_for
from exports.views.pane_changes import Changes

# Which parts of the pane depend on what was changed.
PARTS = {
    "opened": (
        "list_picker",
        "list_details",
        "mapping",
        "email_quality",
        "segments_total",
        "opt_in",
        "removal",
        "consequences",
    ),
    "connection": (
        "connection_note",
        "list_picker",
        "list_id",
        "list_details",
        "left_behind",
        "matching_words",
        "mapping",
        "questions",
        "segments_total",
        "opt_in",
        "removal",
        "consequences",
    ),
    "list_pick": (
        "list_id",
        "list_details",
        "left_behind",
        "mapping",
        "questions",
        "opt_in",
        "removal",
        "consequences",
    ),
    "list_id": (
        "list_picker",
        "list_details",
        "left_behind",
        "mapping",
        "questions",
        "opt_in",
        "removal",
        "consequences",
    ),
    "left_behind": ("left_behind",),
    "email": ("email_quality", "opt_in"),
    "segments": ("email_quality", "segments_total", "opt_in"),
    "rows": ("mapping", "questions", "removal", "consequences"),
}
# Whoever accepted that a number of people are emailed did not accept it for another list or other people.
_ACCEPT_ANEW = {"connection", "list_pick", "list_id", "email", "segments"}


@dataclass(frozen=True)
class _Stale:
    """What components/stale.html shows."""

    newest: int
    changes: Sequence[Change]


@require_permission(Permission.EXPORT_MANAGE)
@require_http_methods(["GET", "POST"])
def add(request: Request) -> HttpResponse:
    """Set up a new export."""
    choices = choices_for(request.user)
    if request.method == "POST":
        return _save(request, choices, None)
    draft = forms_draft.fresh([str(connection.pk) for connection in choices.connections], choices.attributes)
    offered = {str(segment.id) for segment in choices.segments}
    draft = replace(draft, segments=[pk for pk in request.GET.getlist("segment") if pk in offered])
    return _pane(request, unjudged(draft, choices, None), None, waits=True)


@require_permission(Permission.EXPORT_VIEW)
@require_http_methods(["GET", "POST"])
def edit(request: Request, export_id: int) -> HttpResponse:
    """Edit an export, or view it without the permission to."""
    export = get_object_or_404(Export.objects.select_related("connection"), pk=export_id)
    if request.method == "POST":
        check_can_manage(request.user, export)
        return _save(request, choices_for(request.user), export)
    if export.is_being_removed or not user_can_manage(request.user, export):
        return _view(request, export)
    form = unjudged(forms_draft.stored(export), choices_for(request.user), export)
    return _pane(request, form, export, waits=True)


@require_permission(Permission.EXPORT_MANAGE)
@require_POST
def parts(request: Request) -> HttpResponse:
    """The parts of the pane that follow from changes; ``?export=`` says of which export. What was typed comes
    along and goes back; nothing is saved."""
    changes = Changes.of(request)
    export = export_of(request)
    choices = choices_for(request.user)
    draft = changes.on(forms_draft.typed(request.POST), picked=request.POST.get("list_pick", ""))
    if changes.names & _ACCEPT_ANEW:
        draft = replace(draft, opt_in_mail_accepted=False)
    form = unjudged(draft, choices, export)
    waits = bool(request.htmx) and "left_behind" not in changes.names
    pane = ExportPane(request.user, form, export=export, cleanup=_cleanup_form(request, form, export, waits=waits))
    if changes.match_by_name:
        matched = draft.matched_by_name(pane.attributes, pane.fields)
        pane = ExportPane(request.user, unjudged(matched, choices, export), export=export)
    parts = {part for name in changes.names for part in PARTS.get(name, ())}
    context = {"pane": pane, "form": pane.form, "export": export, "parts": parts, "swap": True}
    return render(request, "exports/parts.html", context)


def export_of(request: Request) -> Export | None:
    """Return the export that the pane edits, if the user may see it."""
    text = request.GET.get("export", "")
    if not text.isdigit():
        return None
    export = get_object_or_404(Export.objects.select_related("connection"), pk=int(text))
    check_can_manage(request.user, export)
    return export


def _save(request: Request, choices: Choices, export: Export | None) -> HttpResponse:
    form = ExportForm(
        request.POST,
        draft=forms_draft.typed(request.POST),
        choices=choices,
        look_up=lookups.look_up,
        export=export,
    )
    cleanup_form = _cleanup_form(request, form, export)
    if not form.is_valid() or not (cleanup_form is None or cleanup_form.is_valid()):
        return _pane(request, form, export, status=422, cleanup_form=cleanup_form)
    try:
        saved = _write(request, form, export, cleanup_form)
    except StaleEdit as stale:
        shown = _Stale(stale.newest, changes_of(stale))
        return _pane(request, form, export, status=409, stale=shown, cleanup_form=cleanup_form)
    except Gone:
        form.add_error(None, _("This export was removed while you were editing it. Add it again to keep it."))
    except policies.Refusal as refusal:
        form.add_error(None, refusal.sentence)
    except IntegrityError:  # somebody took the name in this very moment
        form.add_error("name", name_taken(form.cleaned_data["name"]))
    else:
        if request.POST.get("then") == "preview":
            return _preview(request, saved)
        request.session[JUST_SAVED] = saved.pk
        return close_pane(request, reverse("exports:list"))
    return _pane(request, form, export, status=422, cleanup_form=cleanup_form)


def _preview(request: Request, saved: Export) -> HttpResponse:
    """On to the preview of what was saved; what keeps it from being worked out is said there."""
    message = ""
    try:
        preview.request(saved, by=request.user)
    except policies.Refusal as refusal:
        message = refusal.sentence
    return close_pane(request, reverse("exports:preview", args=[saved.pk]), message, level=messages.WARNING)


def _write(request: Request, form: ExportForm, export: Export | None, cleanup_form: CleanupForm | None) -> Export:
    if export is None:
        return manage.create(form.settings(), by=request.user)
    wanted = cleanup_form.cleanup() if cleanup_form else CleanupSettings()
    version = version_from(request.POST)
    return actions_list_cleanup.move(export, form.settings(), wanted, version=version, by=request.user)


def _cleanup_form(
    request: Request, form: ExportForm, export: Export | None, *, waits: bool = False
) -> CleanupForm | None:
    """Return the question that is asked when the export leaves a list to which it has added contacts."""
    if export is None:
        return None
    left = list_cleanup.left_by_moving(export, form.chosen, form.draft.list_id)
    return CleanupForm(request.user, export, left, request.POST, waits=waits) if left else None


def unjudged(draft: Draft, choices: Choices, export: Export | None) -> ExportForm:
    return ExportForm(draft=draft, choices=choices, look_up=lookups.look_up, export=export)


def _pane(
    request: Request,
    form: ExportForm,
    export: Export | None,
    *,
    waits: bool = False,
    status: int = 200,
    stale: _Stale | None = None,
    cleanup_form: CleanupForm | None = None,
) -> HttpResponse:
    context = {
        "form": form,
        "pane": ExportPane(request.user, form, export=export, waits=waits, cleanup=cleanup_form),
        "export": export,
        "stale": stale,
        "active_nav": "exports",
        "pane_wide": True,
    }
    return render_pane(request, "exports/pane.html", context, status, back=reverse("exports:list"))


def _view(request: Request, export: Export) -> HttpResponse:
    context = {
        "export": export,
        "segments": export.segments.order_by("name"),
        "answers": option_labels.in_words(_questions(export), export.answers, export.mapping),
        "active_nav": "exports",
        "pane_wide": True,
    }
    return render_pane(request, "exports/view.html", context, back=reverse("exports:list"))


def _questions(export: Export) -> Sequence[Question]:
    return export.connection.destination.questions() if export.connection else ()
