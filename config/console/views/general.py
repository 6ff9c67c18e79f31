"""Admin > System > General: the language and formats of the user, and the names of the installation."""

from collections import defaultdict
from datetime import timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from config.console.views import tabs_context
from config.platform.accounts import actions
from config.platform.accounts.decorators import require_permission
from config.platform.accounts.models import User
from config.platform.accounts.permissions import Permission
from config.platform.jobs import clock
from config.platform.notifications.recipients import is_notified
from config.platform.web import formats as web_formats
from config.platform.web import models
from config.platform.web.formats import Formats
from config.platform.web.htmx import Request
from config.platform.web.models import Installation
from config.platform.web.versions import StaleEdit, version_from

EXAMPLE_NUMBER = 1234567.89
_FIELDS = ("language", "time_zone", "date_format", "time_format", "number_format")


class FormatsForm(forms.Form):
    """Choose language, time zone and formats, and whether to be notified by email."""

    language = forms.ChoiceField(label=gettext_lazy("Language"), required=False)
    time_zone = forms.ChoiceField(label=gettext_lazy("Time zone"), required=False)
    date_format = forms.ChoiceField(label=gettext_lazy("Dates"), choices=web_formats.DATES, required=False)
    time_format = forms.ChoiceField(label=gettext_lazy("Times"), choices=web_formats.TIMES, required=False)
    number_format = forms.ChoiceField(label=gettext_lazy("Numbers"), choices=web_formats.NUMBERS, required=False)
    hears_of_troubles = forms.BooleanField(
        label=gettext_lazy("Email me about problems and when they are resolved"), required=False
    )

    def __init__(self, user: User, data: Any = None) -> None:
        initial = {name: getattr(user, name) for name in _FIELDS} | {"hears_of_troubles": is_notified(user)}
        super().__init__(data, initial=initial)
        languages = [("", _("Browser default")), *settings.LANGUAGES]
        zones = [("", _("System default: %(zone)s") % {"zone": settings.TIME_ZONE}), *time_zones()]
        self.fields["language"].choices = languages  # type: ignore[attr-defined]
        self.fields["time_zone"].choices = zones  # type: ignore[attr-defined]
        if not user.email:
            self.fields["hears_of_troubles"].help_text = _("An administrator has to add your email address first.")

    @property
    def chosen(self) -> dict[str, str]:
        """Return the choices to preview: as stored, or what is valid of those typed; empty is the default."""
        if not self.is_bound:
            return {name: str(self.initial[name]) for name in _FIELDS}
        self.is_valid()
        return {name: self.cleaned_data.get(name, "") for name in _FIELDS}


class NamesForm(forms.ModelForm):  # type: ignore[type-arg]
    """Name the organisation and the environment, and require second factors."""

    class Meta:
        model = Installation
        fields = ("environment_name", "organisation_name", "second_factor_required_of")
        labels = {
            "environment_name": gettext_lazy("Environment"),
            "organisation_name": gettext_lazy("Organization"),
            "second_factor_required_of": gettext_lazy("Require a second factor for"),
        }
        help_texts = {
            "environment_name": gettext_lazy("Shown in the top bar, such as “Production” or “Test”."),
            "organisation_name": gettext_lazy("The legal name shown in emails and consent texts."),
            "second_factor_required_of": gettext_lazy(
                "Users who sign in with a password have to set up a second factor first. "
                "SECOND_FACTOR_REQUIRED_OF can require more, not less."
            ),
        }


@require_permission(Permission.SYSTEM_VIEW)
@require_http_methods(["GET", "POST"])
def general(request: Request) -> HttpResponse:
    """Choose one's own formats; administrators also choose the names of the installation."""
    form = FormatsForm(request.user, request.POST or None)
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
    chosen = FormatsForm(request.user, request.GET).chosen
    return render(request, "system/_preview.html", {"preview": formats_preview(chosen)})


@require_permission(Permission.SYSTEM_MANAGE)
@require_POST
def names(request: Request) -> HttpResponse:
    """Save the names of the organisation and the environment."""
    form = NamesForm(request.POST, instance=models.current_installation())
    if not form.is_valid():
        return _page(request, names_form=form, status=422)
    try:
        models.change_installation(**form.cleaned_data, version=version_from(request.POST), by=request.user)
    except StaleEdit as stale:
        return _page(request, names_form=form, stale=stale, status=409)
    messages.success(request, _("The settings are saved."))
    return redirect("system:general")


def _page(
    request: Request,
    *,
    form: FormatsForm | None = None,
    names_form: NamesForm | None = None,
    stale: StaleEdit | None = None,
    status: int = 200,
) -> HttpResponse:
    form = form or FormatsForm(request.user)
    found = models.current_installation()
    context = tabs_context(request.user, "general") | {
        "form": form,
        "preview": formats_preview(form.chosen),
        "names_form": names_form or NamesForm(instance=found),
        "found": found,
        "stale": stale,
        "may_rename": request.user.may(Permission.SYSTEM_MANAGE),
    }
    return render(request, "system/general.html", context, status=status)


def formats_preview(chosen: dict[str, str]) -> list[tuple[str, str]]:
    """Show how dates, times and numbers look in the chosen formats."""
    language = chosen["language"] or translation.get_language()
    zone = ZoneInfo(chosen["time_zone"]) if chosen["time_zone"] else None
    formats = Formats(chosen["date_format"], chosen["time_format"], chosen["number_format"])
    now = clock.now()
    with translation.override(language), timezone.override(zone), web_formats.use_formats(formats):
        local = timezone.localtime(now)
        return [
            (_("Date"), web_formats.day(local)),
            (_("Time"), f"{web_formats.time_of_day(local)} {local.tzname()}"),
            (_("Number"), web_formats.number(EXAMPLE_NUMBER, 2)),
            (_("Relative time"), web_formats.ago(now - timedelta(hours=3))),
        ]


@cache
def time_zones() -> list[tuple[str, list[tuple[str, str]]]]:
    """List time zones under the name of their region, as users look for them: Europe, then Warsaw."""
    regions: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for name in sorted(available_timezones()):
        region, slash, place = name.partition("/")
        if slash and region not in {"Etc", "SystemV", "US", "posix", "right"}:
            regions[region].append((name, place.replace("_", " ").replace("/", ", ")))
    return [("UTC", [("UTC", "UTC")]), *regions.items()]
