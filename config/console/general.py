"""What is chosen on Admin > System > General: how a person reads, and what the installation is called."""

from collections import defaultdict
from datetime import timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django import forms
from django.conf import settings
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.platform.accounts.models import User
from config.platform.jobs import clock
from config.platform.notifications.recipients import is_notified
from config.platform.web import formats as web_formats
from config.platform.web.formats import Formats
from config.platform.web.models import Installation

EXAMPLE_NUMBER = 1234567.89
_FIELDS = ("language", "time_zone", "date_format", "time_format", "number_format")


class ReadingForm(forms.Form):
    """How one person reads, and whether they are told of troubles."""

    language = forms.ChoiceField(label=gettext_lazy("Language"), required=False)
    time_zone = forms.ChoiceField(label=gettext_lazy("Time zone"), required=False)
    date_format = forms.ChoiceField(label=gettext_lazy("Dates"), choices=web_formats.DATES, required=False)
    time_format = forms.ChoiceField(label=gettext_lazy("Times"), choices=web_formats.TIMES, required=False)
    number_format = forms.ChoiceField(label=gettext_lazy("Numbers"), choices=web_formats.NUMBERS, required=False)
    hears_of_troubles = forms.BooleanField(
        label=gettext_lazy("Tell me by email when something gets worse, and when it is well again"), required=False
    )

    def __init__(self, user: User, data: Any = None) -> None:
        initial = {name: getattr(user, name) for name in _FIELDS} | {"hears_of_troubles": is_notified(user)}
        super().__init__(data, initial=initial)
        languages = [("", _("As the browser has it")), *settings.LANGUAGES]
        zones = [("", _("As the system has it: %(zone)s") % {"zone": settings.TIME_ZONE}), *time_zones()]
        self.fields["language"].choices = languages  # type: ignore[attr-defined]
        self.fields["time_zone"].choices = zones  # type: ignore[attr-defined]
        if not user.email:
            self.fields["hears_of_troubles"].help_text = _(
                "An administrator has to give you an email address first."
            )

    @property
    def chosen(self) -> dict[str, str]:
        """What is valid of it so far, for a preview; the rest as the language has it."""
        self.is_valid()
        return {name: self.cleaned_data.get(name, "") for name in _FIELDS}


class NamesForm(forms.ModelForm):  # type: ignore[type-arg]
    """What the organisation and this environment are called, and what is required of accounts."""

    class Meta:
        model = Installation
        fields = ("environment_name", "organisation_name", "second_factor_required_of")
        labels = {
            "environment_name": gettext_lazy("Environment"),
            "organisation_name": gettext_lazy("Organisation"),
            "second_factor_required_of": gettext_lazy("Second factor required of"),
        }
        help_texts = {
            "environment_name": gettext_lazy("Stands in the top bar, such as “Production” or “Test”."),
            "organisation_name": gettext_lazy(
                "Who runs this installation. It stands in mails, and where somebody agrees to share data."
            ),
            "second_factor_required_of": gettext_lazy(
                "Accounts that sign in by password set one up before they go on. SECOND_FACTOR_REQUIRED_OF can "
                "require more, not less."
            ),
        }


def preview(chosen: dict[str, str]) -> list[tuple[str, str]]:
    """How dates, times and numbers look in what was chosen."""
    language = chosen["language"] or translation.get_language()
    zone = ZoneInfo(chosen["time_zone"]) if chosen["time_zone"] else None
    formats = Formats(chosen["date_format"], chosen["time_format"], chosen["number_format"])
    now = clock.now()
    with translation.override(language), timezone.override(zone), web_formats.written_in(formats):
        local = timezone.localtime(now)
        return [
            (_("Date"), web_formats.day(local)),
            (_("Time"), f"{web_formats.time_of_day(local)} {local.tzname()}"),
            (_("Number"), web_formats.number(EXAMPLE_NUMBER, 2)),
            (_("How long ago"), web_formats.ago(now - timedelta(hours=3))),
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
