"""Admin > System > General: how one reads, and what the installation is called."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from config.console import tabs
from config.console.forms import NamesForm, ReadingForm, formats_preview
from config.platform.accounts import actions
from config.platform.accounts.decorators import require_permission
from config.platform.accounts.permissions import Permission
from config.platform.web import installation
from config.platform.web.htmx import Request
from config.platform.web.versions import StaleEdit, version_from


@require_permission(Permission.SYSTEM_VIEW)
@require_http_methods(["GET", "POST"])
def general(request: Request) -> HttpResponse:
    """Choose one's own formats; administrators also choose the names of the installation."""
    form = ReadingForm(request.user, request.POST or None)
    if form.is_bound and form.is_valid():
        actions.save_preferences(user=request.user, **form.cleaned_data)
        with translation.override(form.cleaned_data["language"] or translation.get_language()):
            messages.success(request, _("Your settings are saved."))
        return redirect("system:general")
    return _page(request, form=form, status=422 if form.is_bound else 200)


@require_permission(Permission.SYSTEM_VIEW)
@require_GET
def general_preview(request: Request) -> HttpResponse:
    """Show how dates and numbers look in the formats of the form."""
    chosen = ReadingForm(request.user, request.GET).chosen
    return render(request, "system/_preview.html", {"preview": formats_preview(chosen)})


@require_permission(Permission.SYSTEM_MANAGE)
@require_POST
def names(request: Request) -> HttpResponse:
    """Save the names of the organisation and the environment."""
    form = NamesForm(request.POST, instance=installation.current())
    if not form.is_valid():
        return _page(request, names_form=form, status=422)
    try:
        installation.change(**form.cleaned_data, version=version_from(request.POST), by=request.user)
    except StaleEdit as stale:
        return _page(request, names_form=form, stale=stale, status=409)
    messages.success(request, _("The settings are saved."))
    return redirect("system:general")


def _page(
    request: Request,
    *,
    form: ReadingForm | None = None,
    names_form: NamesForm | None = None,
    stale: StaleEdit | None = None,
    status: int = 200,
) -> HttpResponse:
    form = form or ReadingForm(request.user)
    chosen = form.chosen if form.is_bound else {name: str(form.initial[name]) for name in form.initial}
    found = installation.current()
    context = tabs.frame(request.user, "general") | {
        "form": form,
        "preview": formats_preview(chosen),
        "names_form": names_form or NamesForm(instance=found),
        "found": found,
        "stale": stale,
        "may_rename": request.user.may(Permission.SYSTEM_MANAGE),
    }
    return render(request, "system/general.html", context, status=status)
