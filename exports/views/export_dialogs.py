"""Dialogs and commands of exports: run, run all, full resync, duplicate, detach, remove, and clean up a list."""

from collections.abc import Callable
from dataclasses import replace

from django import forms
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_POST

from config.platform.accounts.decorators import require_permission
from config.platform.accounts.models import User
from config.platform.accounts.permissions import Permission
from config.platform.tags.forms import TagsForm
from config.platform.web.htmx import Request
from config.platform.web.panes import close_pane, refused
from exports import policies
from exports.actions import list_cleanup as actions_list_cleanup
from exports.actions import manage, runs
from exports.actions import tags as actions_tags
from exports.forms import removal_fields
from exports.forms.removal_fields import CleanupForm
from exports.models import Export
from exports.models.snapshot import RunOptions
from exports.permissions import user_can_manage
from exports.preview import dry_run
from exports.preview.dry_run import Estimate
from exports.removal import list_cleanup
from exports.removal.list_cleanup import CleanupSettings
from exports.reporting.list_report import ListReport
from exports.views.access import find_managed_export, find_selected_exports
from exports.views.confirm import Confirmation, confirm, count_shown


class ResyncForm(forms.Form):
    """Which contacts a full resync sends."""

    everyone = forms.BooleanField(required=False, label=gettext_lazy("Run full resync"))
    resubscribe = forms.BooleanField(required=False)

    def clean(self) -> dict[str, object]:
        cleaned: dict[str, object] = super().clean() or self.cleaned_data
        if not any(cleaned.values()):
            raise forms.ValidationError(_("Choose at least one."))
        return cleaned


@require_POST
def start(request: Request, export_id: int) -> HttpResponse:
    """Run an export now. Posted with ``then=run`` it leads to the page of the run, else back to the list."""
    export = find_managed_export(request, export_id)
    try:
        run = runs.start_run(export, by=request.user)
    except policies.Refusal as refusal:
        return refused(refusal.sentence)
    if request.POST.get("then") == "run":
        return close_pane(request, reverse("exports:run", args=[run.pk]))
    toast = _("Run %(number)s of “%(name)s” has started.") % {"number": run.number, "name": export}
    return close_pane(request, reverse("exports:list"), toast)


@require_POST
def duplicate(request: Request, export_id: int) -> HttpResponse:
    """Copy an export under a free name."""
    copy = manage.duplicate(find_managed_export(request, export_id), by=request.user)
    toast = _("“%(name)s” is created. It has sent nothing yet.") % {"name": copy}
    return close_pane(request, reverse("exports:list"), toast)


@require_http_methods(["GET", "POST"])
def detach(request: Request) -> HttpResponse:
    """Confirm that the ``selected`` exports are detached from their connections: all of them or none."""
    exports = find_selected_exports(request)
    count = len(exports)
    texts = {"n": count, "name": exports[0]}
    toast = ngettext("“%(name)s” has no connection now.", "%(n)d exports have no connection now.", count)
    asked = Confirmation(
        title=ngettext("Detach “%(name)s” from its connection?", "Detach %(n)d exports?", count) % texts,
        sentence=_(
            "Detached exports keep their settings and their delivery state. They show “No "
            "connection” and do not run until you choose another connection."
        ),
        confirm_label=_("Detach connection"),
        act=lambda: _change_each(exports, manage.detach, request.user, toast % texts),
        back=reverse("exports:list"),
    )
    return confirm(request, _about(exports, asked))


@require_http_methods(["GET", "POST"])
def remove_selected(request: Request) -> HttpResponse:
    """Confirm that the ``selected`` exports are removed: all of them or none."""
    exports = find_selected_exports(request)
    count = len(exports)
    texts = {"n": count, "name": exports[0]}
    if count == 1:
        title, toast = _("Remove “%(name)s”?"), _("“%(name)s” is removed.")
    else:
        title = ngettext("Remove %(n)d export?", "Remove %(n)d exports?", count)
        toast = ngettext("%(n)d export is removed.", "%(n)d exports are removed.", count)
    asked = Confirmation(
        title=title % texts,
        sentence=_(
            "Their settings and runs are removed. Contacts already sent stay on their lists. To "
            "remove contacts from lists, remove exports one at a time."
        ),
        confirm_label=_("Remove"),
        danger=True,
        act=lambda: _change_each(exports, manage.remove, request.user, toast % texts),
        back=reverse("exports:list"),
    )
    return confirm(request, _about(exports, asked))


@require_http_methods(["GET", "POST"])
def tag(request: Request) -> HttpResponse:
    """Add tags to the ``selected`` exports, and remove tags that they have: of all of them or none."""
    exports = find_selected_exports(request)
    form = TagsForm(request.POST if request.method == "POST" else None, rows=exports)
    texts = {"n": len(exports), "name": exports[0]}

    def act() -> tuple[str, str]:
        add, remove = form.cleaned_data["add"], form.cleaned_data["remove"]
        count = actions_tags.change_tags(exports, add=add, remove=remove, by=request.user)
        toast = ngettext("The tags of %(n)d export are changed.", "The tags of %(n)d exports are changed.", count)
        return reverse("exports:list"), toast % {"n": count} if count else _("Nothing was changed.")

    asked = Confirmation(
        title=ngettext("Tags of “%(name)s”", "Tags of %(n)d exports", len(exports)) % texts,
        confirm_label=_("Save"),
        act=act,
        back=reverse("exports:list"),
        template="components/tags_dialog.html",
        form=form,
    )
    return confirm(request, _about(exports, asked))


def _about(exports: list[Export], asked: Confirmation) -> Confirmation:
    names = [str(export) for export in exports] if len(exports) > 1 else []
    return replace(asked, names=names, selected=[export.pk for export in exports])


@transaction.atomic
def _change_each(exports: list[Export], change: Callable[..., None], by: User, toast: str) -> tuple[str, str]:
    for export in exports:
        change(export, by=by)
    return reverse("exports:list"), toast


@require_permission(Permission.EXPORT_MANAGE)
@require_http_methods(["GET", "POST"])
def run_all(request: Request) -> HttpResponse:
    """Confirm a run of all exports with an active schedule that the user may run."""
    switched_on = manage.scheduled_exports().exclude(connection=None).select_related("connection").order_by("name")
    exports = [export for export in switched_on if user_can_manage(request.user, export)]
    back = reverse("exports:list")
    asked = Confirmation(
        title=ngettext("Run %(n)d export?", "Run all %(n)d exports?", len(exports)) % {"n": len(exports)},
        sentence=_("Runs all exports with an active schedule. Only changes are sent."),
        names=[str(export) for export in exports],
        confirm_label=_("Run all"),
        act=lambda: (back, _start_each(exports, request.user)),
        back=back,
    )
    return confirm(request, asked)


def _start_each(exports: list[Export], by: User) -> str:
    """Start what can start. Returns how many runs did, and what kept the first of the others."""
    refusals = []
    for export in exports:
        try:
            runs.start_run(export, by=by)
        except policies.Refusal as refusal:
            refusals.append(f"“{export}”: {refusal.sentence}")
    started = len(exports) - len(refusals)
    toast = ngettext("%(n)d run has started.", "%(n)d runs have started.", started) % {"n": started}
    if not refusals:
        return toast
    others = ngettext(
        "One run did not start: %(why)s", "%(n)d runs did not start, for example: %(why)s", len(refusals)
    )
    return f"{toast} {others % {'n': len(refusals), 'why': refusals[0]}}"


@require_http_methods(["GET", "POST"])
def resync(request: Request, export_id: int) -> HttpResponse:
    """Confirm a full resync: also contacts whose data have not changed and, where the connection allows it,
    suppressed ones."""
    export = find_managed_export(request, export_id)
    form = ResyncForm(request.POST if request.method == "POST" else None, initial={"everyone": True})

    def compute_estimate() -> Estimate:
        policies.check_can_run(export)
        return dry_run.estimate(export, RunOptions(everyone=True, resubscribe=True))

    def act() -> tuple[str, str]:
        options = RunOptions(**form.cleaned_data)
        count = compute_estimate().plan_counts.resubscribe
        if options.resubscribe and count > count_shown(request, "left"):
            raise policies.Refusal(_("The number of contacts has increased. Check it, then choose again."))
        run = runs.start_run(export, by=request.user, options=options)
        return reverse("exports:run", args=[run.pk]), ""

    asked = Confirmation(
        title=_("Resend all contacts of “%(name)s”?") % {"name": export},
        confirm_label=_("Run full resync"),
        act=act,
        back=reverse("exports:list"),
        template="exports/resync.html",
        form=form,
        details=lambda: {"estimate": compute_estimate(), "may_resubscribe": policies.may_resubscribe(export)},
    )
    return confirm(request, asked)


@require_http_methods(["GET", "POST"])
def remove(request: Request, export_id: int) -> HttpResponse:
    """Confirm that an export is removed, and choose what to do with the contacts on its list."""
    export = find_managed_export(request, export_id)
    form = removal_fields.cleanup_of_removed_export(
        request.user, export, request.POST, waits=_is_counted_later(request)
    )
    back = reverse("exports:list")

    def act() -> tuple[str, str]:
        policies.check_stays(export)
        settings = form.cleanup() if form else CleanupSettings()
        run = actions_list_cleanup.remove(export, settings, by=request.user)
        if run is None:
            return back, _("“%(name)s” is removed.") % {"name": export}
        toast = _("“%(name)s” will be removed when its list cleanup ends.") % {"name": export}
        return reverse("exports:run", args=[run.pk]), toast

    asked = Confirmation(
        title=_("Remove “%(name)s”?") % {"name": export},
        sentence=_what_is_removed(export, form),
        confirm_label=_("Remove"),
        danger=True,
        act=act,
        back=back,
    )
    return _confirm_cleanup(request, form, asked)


def _what_is_removed(export: Export, form: CleanupForm | None) -> str:
    kept = _("The imported suppression list is kept.") if ListReport(export).imported().exists() else ""
    return f"{_what_goes(export, form)} {kept}".strip()


def _what_goes(export: Export, form: CleanupForm | None) -> str:
    if form is not None:
        return _("The settings and runs of the export are removed.")
    removed = _("The settings and runs of the export are removed.")
    stays = _("Contacts already sent stay in {destination}.").format(destination=_("the destination"))
    return f"{removed} {export.connection.destination.what_stays if export.connection else stays}"


@require_http_methods(["GET", "POST"])
def clean_up_former_list(request: Request, export_id: int, set_id: int) -> HttpResponse:
    """Choose what to do with the contacts on a list that the export has left earlier."""
    export = find_managed_export(request, export_id)
    left = list_cleanup.find_former_list(export, set_id, by=request.user)
    waits = _is_counted_later(request)
    form = CleanupForm(request.user, export, left, request.POST, waits=waits) if left else None
    back = reverse("exports:runs", args=[export.pk])

    def act() -> tuple[str, str]:
        settings = form.cleanup() if form else CleanupSettings()
        run = actions_list_cleanup.clean_up_former_list(export, set_id, settings, by=request.user)
        return reverse("exports:run", args=[run.pk]) if run else back, ""

    def check() -> dict[str, object]:
        if form is None:
            raise policies.Refusal(actions_list_cleanup.nothing_to_clean_up())
        return {}

    asked = Confirmation(
        title=_("Contacts on a former list"),
        confirm_label=_("Confirm"),
        danger=True,
        act=act,
        back=back,
        details=check,
    )
    return _confirm_cleanup(request, form, asked)


def _confirm_cleanup(request: Request, form: CleanupForm | None, asked: Confirmation) -> HttpResponse:
    """Show the dialog with the form of a list cleanup, or the form alone once its contacts are counted."""
    if form is not None and "counted" in request.GET:
        return render(request, "exports/cleanup.html", {"cleanup": form})
    return confirm(request, replace(asked, template="exports/cleanup_dialog.html", form=form))


def _is_counted_later(request: Request) -> bool:
    """Tell whether a dialog opens before the contacts on the list are counted; it asks for the form again with
    ``?counted=1``."""
    return bool(request.htmx) and request.method == "GET" and "counted" not in request.GET
