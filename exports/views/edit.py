"""The pane in which an export is set up, edited or only viewed."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import HttpResponse, QueryDict
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from config.platform.accounts.decorators import require_permission
from config.platform.accounts.models import User
from config.platform.accounts.permissions import Permission
from config.platform.web.htmx import Request
from config.platform.web.panes import close_pane, is_over_home, render_pane
from config.platform.web.versions import Change, Gone, StaleEdit, version_from
from connections import lookups
from connections.destinations.values import FieldMapping
from exports import policies
from exports.actions import list_cleanup as actions_list_cleanup
from exports.actions import manage, preview
from exports.actions.run_after import predecessors_of, set_run_after
from exports.forms import control_fields, mapping_words, option_fields
from exports.forms import draft as forms_draft
from exports.forms.draft import Draft
from exports.forms.export_form import Choices, ExportForm, name_taken
from exports.forms.removal_fields import CleanupForm
from exports.forms.run_after_fields import RunAfterForm
from exports.models import Export
from exports.models.export import NAME_CONSTRAINT
from exports.permissions import check_can_manage, user_can_manage
from exports.removal import list_cleanup
from exports.removal.list_cleanup import CleanupSettings
from exports.state import run_settings
from exports.views import kept_changes
from exports.views.access import find_export
from exports.views.listing import JUST_SAVED
from exports.views.pane import ExportPane, choices_for

# Labels of fields whose names do not say what a user sees.
_LABELS: dict[str, str | Promise] = {
    "Mapping": gettext_lazy("Added attributes"),
    "Answers": gettext_lazy("Choices"),
    "List title": gettext_lazy("List"),
    "Run after": gettext_lazy("Run after"),
    "Control mode": gettext_lazy("Control group"),
    "Control percentage": gettext_lazy("Percentage of the control group"),
    "Control field": gettext_lazy("Field of the control group"),
    "List confirmed opt in": gettext_lazy("Confirmed opt-in"),
    "Opt in mail accepted": gettext_lazy("Emails to new contacts accepted"),
}


@require_permission(Permission.EXPORT_MANAGE)
@require_http_methods(["GET", "POST"])
def add(request: Request) -> HttpResponse:
    """Set up a new export."""
    choices = choices_for(request.user)
    if request.method == "POST":
        return save(request, choices, None, request.POST)
    draft = forms_draft.new_draft([str(connection.pk) for connection in choices.connections], choices.attributes)
    offered = {str(segment.id) for segment in choices.segments}
    draft = replace(draft, segments=[pk for pk in request.GET.getlist("segment") if pk in offered])
    return show_pane(request, unvalidated_form(draft, choices, None), None, waits=True)


@require_permission(Permission.EXPORT_VIEW)
@require_http_methods(["GET", "POST"])
def edit(request: Request, export_id: int) -> HttpResponse:
    """Edit an export, or view it without the permission to."""
    export = find_export(export_id)
    if request.method == "POST":
        check_can_manage(request.user, export)
        return save(request, choices_for(request.user), export, request.POST)
    if export.is_being_removed or not user_can_manage(request.user, export):
        return _view(request, export)
    data = kept_changes.find(request, export.pk, request.GET.get("change", ""))
    if data is not None:
        export.version = version_from(data)  # what another user has saved since is not overwritten unseen
    draft = forms_draft.read_stored(export) if data is None else forms_draft.read_typed(data)
    form = unvalidated_form(draft, choices_for(request.user), export)
    return show_pane(request, form, export, waits=True, data=data)


def bound_form(data: QueryDict, choices: Choices, export: Export | None) -> ExportForm:
    """Return the form of a posted pane."""
    draft = forms_draft.read_typed(data)
    return ExportForm(data, draft=draft, choices=choices, look_up=lookups.look_up, export=export)


def save(request: Request, choices: Choices, export: Export | None, data: QueryDict) -> HttpResponse:
    """Save a posted pane, or show what is wrong with it; or show the effect of the changes before they are saved,
    if that was asked for."""
    form = bound_form(data, choices, export)
    cleanup_form = build_cleanup_form(request, form, export, data)
    after = RunAfterForm(data, export=export)
    # All are validated, so that each says what is wrong.
    if not all([form.is_valid(), after.is_valid(), cleanup_form is None or cleanup_form.is_valid()]):
        return show_pane(request, form, export, status=422, cleanup_form=cleanup_form, data=data)
    if export is not None and data.get("then") == "effect":
        key = kept_changes.keep(request, export.pk)
        return close_pane(request, reverse("exports:effect", args=[export.pk, key]))
    try:
        saved = _write(request.user, form, export, cleanup_form, after, version=version_from(data))
    except StaleEdit as stale:
        return show_pane(request, form, export, status=409, stale=stale, cleanup_form=cleanup_form, data=data)
    except Gone:
        form.add_error(None, _("This export was removed while you were editing it. Add it again to keep it."))
    except policies.Refusal as refusal:
        form.add_error(None, refusal.sentence)
    except IntegrityError as error:  # in this very moment another user took the name, or removed what was chosen
        if NAME_CONSTRAINT in str(error):
            form.add_error("name", name_taken(form.cleaned_data["name"]))
        else:
            form.add_error(None, _("Something that you chose was removed while you were editing. Choose again."))
    else:
        return _preview(request, saved) if data.get("then") == "preview" else _close(request, saved)
    return show_pane(request, form, export, status=422, cleanup_form=cleanup_form, data=data)


def _close(request: Request, saved: Export) -> HttpResponse:
    if is_over_home(request):
        return close_pane(request, reverse("system:home"), _("Saved. Not run yet."))
    request.session[JUST_SAVED] = saved.pk
    return close_pane(request, reverse("exports:list"))


def _preview(request: Request, saved: Export) -> HttpResponse:
    """On to the preview of what was saved; what keeps it from being worked out is said there."""
    message = ""
    try:
        preview.request(saved, by=request.user)
    except policies.Refusal as refusal:
        message = refusal.sentence
    return close_pane(request, reverse("exports:preview", args=[saved.pk]), message, level=messages.WARNING)


@transaction.atomic
def _write(
    by: User,
    form: ExportForm,
    export: Export | None,
    cleanup_form: CleanupForm | None,
    after: RunAfterForm,
    *,
    version: int,
) -> Export:
    if export is None:
        saved = manage.create(form.settings(), by=by)
    else:
        wanted = cleanup_form.cleanup() if cleanup_form else CleanupSettings()
        saved = actions_list_cleanup.move(export, form.settings(), wanted, version=version, by=by)
    set_run_after(saved, after.predecessors(), version=saved.version, by=by)
    return saved


def build_cleanup_form(
    request: Request, form: ExportForm, export: Export | None, data: QueryDict, *, waits: bool = False
) -> CleanupForm | None:
    """Return the question that is asked when the export leaves a list to which it has added contacts."""
    if export is None:
        return None
    left = list_cleanup.left_by_moving(export, form.chosen, form.draft.list_id)
    return CleanupForm(request.user, export, left, data, waits=waits) if left else None


def unvalidated_form(draft: Draft, choices: Choices, export: Export | None) -> ExportForm:
    """Return the form of what was typed so far, or of what is stored."""
    return ExportForm(draft=draft, choices=choices, look_up=lookups.look_up, export=export)


def show_pane(
    request: Request,
    form: ExportForm,
    export: Export | None,
    *,
    waits: bool = False,
    status: int = 200,
    stale: StaleEdit | None = None,
    cleanup_form: CleanupForm | None = None,
    data: QueryDict | None = None,
) -> HttpResponse:
    """Show the pane with a form; ``data`` is what was posted, or kept."""
    context = {
        "form": form,
        "pane": ExportPane(request.user, form, export=export, waits=waits, cleanup=cleanup_form),
        "export": export,
        "stale": stale and {"newest": stale.newest, "changes": _changes_in_words(stale)},
        "run_after": RunAfterForm(data, export=export),
        "active_nav": "exports",
        "pane_wide": True,
    }
    return render_pane(request, "exports/pane.html", context, status, back=reverse("exports:list"))


def _view(request: Request, export: Export) -> HttpResponse:
    questions = export.connection.destination.questions() if export.connection else ()
    context = {
        "export": export,
        "segments": export.segments.order_by("name"),
        "control": control_fields.in_words(run_settings.control_of(export), {}),
        "run_after": predecessors_of(export),
        "mapping": mapping_words.in_words([FieldMapping.from_json(pair) for pair in export.mapping], {}),
        "answers": option_fields.in_words(questions, export.answers, export.mapping),
        "active_nav": "exports",
        "pane_wide": True,
    }
    return render_pane(request, "exports/view.html", context, back=reverse("exports:list"))


def _changes_in_words(stale: StaleEdit) -> list[Change]:
    """Return what another user changed, with labels and values as the pane shows them."""
    return [
        replace(
            change,
            fields=[
                (str(_LABELS.get(label, label)), _value_in_words(before), _value_in_words(after))
                for label, before, after in change.fields
            ],
        )
        for change in stale.changes
    ]


def _value_in_words(value: object) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, Mapping):
        if value.keys() == {"attribute", "field"}:
            return f"{value['attribute']} → {value['field']}"
        return ", ".join(f"{name}: {_value_in_words(each)}" for name, each in value.items()) or "–"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(_value_in_words(each) for each in value) or "–"
    return "–" if value in (None, "") else str(value)
