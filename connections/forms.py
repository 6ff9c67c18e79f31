"""Define the forms in the pane of a connection."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from config.platform.accounts.permissions import Role
from connections import consent_text
from connections.destinations.values import InputField
from connections.models import Connection

# The part of the pane that follows the steps; see templates/connections/connect_part.html.
PART = "connect-part"


class ConnectionForm(forms.Form):
    """Display name, roles with access, and consent."""

    name = forms.CharField(
        label=_("Display name"),
        max_length=120,
        help_text=_("Choose a name that describes the purpose and destination. You can change it later."),
    )
    contributors = forms.BooleanField(label=_("Contributors"), required=False)
    agree = forms.BooleanField(label=_("I agree"))
    # Which text stands beside “I agree”, and in which language.
    consent_version = forms.CharField(required=False, widget=forms.HiddenInput)
    consent_language = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, connection: Connection, agree_required: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.connection = connection
        self.initial = {"name": connection.name, "contributors": Role.CONTRIBUTOR in connection.allowed_roles}
        self.fields["agree"].required = agree_required
        if connection.is_sandbox:
            self.fields["agree"].help_text = _("Not required for sandbox connections.")
        elif connection.pk is not None:
            self.fields["agree"].help_text = _(
                "Exports with this connection do not run until an administrator agrees."
            )
        self.fields["name"].widget.attrs |= {"autocomplete": "off", "spellcheck": "false"}

    def clean_name(self) -> str:
        name = " ".join(self.cleaned_data["name"].split())
        others = Connection.objects.filter(name__iexact=name).exclude(pk=self.connection.pk)
        if others.exists():
            raise forms.ValidationError(_("Another connection has this name. Choose a different one."))
        return name

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("agree") and cleaned.get("consent_version") != consent_text.VERSION:
            self.add_error(
                "agree", _("The text has changed since this page was opened. Open the page again to read it.")
            )
        return cleaned

    @property
    def roles(self) -> list[str]:
        """Return the roles that may use the connection beside administrators."""
        return [Role.CONTRIBUTOR.value] if self.cleaned_data.get("contributors") else []


class CredentialsForm(forms.Form):
    """The credentials that a destination asks for. A secret is never written back into the page; the browser
    keeps what was typed while the part around it changes."""

    use_required_attribute = False

    prefix = "credential"

    def __init__(self, *args: Any, inputs: Sequence[InputField], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for asked in inputs:
            self.fields[asked.name] = forms.CharField(
                label=asked.label,
                help_text=_help(asked),
                required=asked.required,
                max_length=2000,
                widget=_widget(asked),
            )


class PasswordForm(forms.Form):
    """The user's own password, to become export user."""

    use_required_attribute = False
    prefix = "own"
    password = forms.CharField(
        label=_("Your password"),
        help_text=_("Exports with this connection run on behalf of the export user. Confirm with your password."),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "hx-preserve": "true"}),
    )


def _help(asked: InputField) -> str:
    where = _("Or enter a reference to a secret: env:CREDENTIAL_NAME or file:/run/secrets/name.")
    return f"{asked.help_text} {where}".strip() if asked.secret else asked.help_text


def _widget(asked: InputField) -> forms.Widget:
    attrs = {"autocomplete": "off", "spellcheck": "false", "hx-preserve": "true"}
    if asked.secret:
        return forms.PasswordInput(attrs=attrs | {"autocomplete": "new-password"})
    return forms.TextInput(attrs=attrs)
