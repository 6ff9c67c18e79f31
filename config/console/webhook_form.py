"""The form of a webhook of events: address, event types, scope, and whether it is on."""

from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.platform.events.models import EventType, Webhook
from connections.models import Connection
from exports.models import Export

_EVERYTHING = ""


class WebhookForm(forms.Form):
    """Add or edit a webhook. The action checks the address."""

    use_required_attribute = False

    address = forms.CharField(
        label=gettext_lazy("Address"),
        max_length=500,
        widget=forms.URLInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text=gettext_lazy("Events are sent there by POST. The address must begin with https://."),
    )
    event_types = forms.MultipleChoiceField(
        label=gettext_lazy("Events"), widget=forms.CheckboxSelectMultiple, initial=EventType.values
    )
    scope = forms.ChoiceField(
        label=gettext_lazy("Scope"),
        required=False,
        help_text=gettext_lazy("Events of segments are sent to webhooks of all exports only."),
    )
    is_enabled = forms.BooleanField(label=gettext_lazy("On"), required=False, initial=True)

    def __init__(self, data: Any = None, *, webhook: Webhook | None = None) -> None:
        super().__init__(data, initial=_initial(webhook) if webhook else None)
        self.fields["event_types"].choices = [  # type: ignore[attr-defined]
            (each.value, format_html("<strong>{}</strong><small>{}</small>", each.label, each.value))
            for each in EventType
        ]
        self.fields["scope"].choices = _scopes(webhook)  # type: ignore[attr-defined]

    def values(self) -> dict[str, Any]:
        """Return the values as the actions take them. Only for a valid form."""
        cleaned = dict(self.cleaned_data)
        kind, _colon, pk = cleaned.pop("scope").partition(":")
        return cleaned | {
            "connection_id": int(pk) if kind == "connection" else None,
            "export_id": int(pk) if kind == "export" else None,
        }


def scope_label(webhook: Webhook) -> str:
    """Return what events a webhook gets, by the name of the connection or the export; for one that is removed,
    by its number."""
    if webhook.connection_id:
        name = Connection.objects.filter(pk=webhook.connection_id).values_list("name", flat=True).first()
        return name or _("Connection %(number)d (removed)") % {"number": webhook.connection_id}
    if webhook.export_id:
        name = Export.objects.filter(pk=webhook.export_id).values_list("name", flat=True).first()
        return name or _("Export %(number)d (removed)") % {"number": webhook.export_id}
    return _("All exports")


def _initial(webhook: Webhook) -> dict[str, Any]:
    return {
        "address": webhook.address,
        "event_types": webhook.event_types,
        "scope": _scope_of(webhook),
        "is_enabled": webhook.is_enabled,
    }


def _scope_of(webhook: Webhook) -> str:
    if webhook.connection_id:
        return f"connection:{webhook.connection_id}"
    return f"export:{webhook.export_id}" if webhook.export_id else _EVERYTHING


def _scopes(webhook: Webhook | None) -> list[tuple[str | Promise, Any]]:
    connections = Connection.objects.order_by("name").values_list("pk", "name")
    exports = Export.objects.order_by("name").values_list("pk", "name")
    found: list[tuple[str | Promise, Any]] = [
        (_EVERYTHING, _("All exports")),
        (_("Connections"), [(f"connection:{pk}", name) for pk, name in connections]),
        (_("Exports"), [(f"export:{pk}", name) for pk, name in exports]),
    ]
    present = _scope_of(webhook) if webhook else _EVERYTHING
    known = {key for _heading, group in found[1:] for key, _name in group}
    if webhook and present and present not in known:  # what it was for is removed
        found.append((present, scope_label(webhook)))
    return found
