"""Forms to create API tokens and service accounts."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from config.platform.accounts import api_tokens, lockout, reauthentication
from config.platform.accounts.forms import USERNAME
from config.platform.accounts.models import User
from config.platform.accounts.permissions import ROLES, Role
from config.platform.accounts.scopes import MEANINGS, Scope, scopes_for
from config.platform.web.htmx import Request
from config.platform.web.middleware import client_address

_NEVER = "0"
_DAYS = [("30", _("30 days")), ("90", _("90 days")), ("365", _("365 days"))]


class TokenForm(forms.Form):
    """Create a token for ``owner``: with a name, scopes and an expiry. The signed-in user confirms it with their
    password, or by single sign-on: a token outlives the session, so a stolen session must not make one."""

    use_required_attribute = False

    name = forms.CharField(label=_("Name"), max_length=80, help_text=_("The program that uses the token."))
    scopes = forms.MultipleChoiceField(
        label=_("Scopes"),
        widget=forms.CheckboxSelectMultiple,
        help_text=_("A token never allows more than the role of its user."),
    )
    days = forms.ChoiceField(label=_("Expires after"), initial="90")
    password = forms.CharField(
        label=_("Your password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def __init__(self, request: Request, *, owner: User) -> None:
        super().__init__(request.POST if request.method == "POST" else None)
        self.request, self.owner = request, owner
        offered = [(scope.value, _described(scope)) for scope in scopes_for(owner)]
        self.fields["scopes"].choices = offered  # type: ignore[attr-defined]
        never = [(_NEVER, _("Never"))] if owner.is_service else []
        self.fields["days"].choices = [*_DAYS, *never]  # type: ignore[attr-defined]
        if not reauthentication.has_password(request.user):
            del self.fields["password"]

    @property
    def confirm_url(self) -> str:
        """Return where a user without a password confirms their identity first; empty for all others."""
        if "password" in self.fields or reauthentication.confirmed(self.request):
            return ""
        return reauthentication.confirm_url(self.request.get_full_path())

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if self.confirm_url:
            raise ValidationError(_("Confirm your identity first. Nothing was changed."))
        if "password" in self.fields and "password" in cleaned and not self.errors:
            try:
                if not reauthentication.check_password(
                    self.request.user, cleaned["password"], client_address(self.request)
                ):
                    self.add_error("password", _("Incorrect password. Nothing was changed."))
            except lockout.Locked as refusal:
                self.add_error("password", refusal.sentence)
        return cleaned

    def create(self) -> str:
        """Create the token. Returns its text, to be shown once. Only for a valid form."""
        _token, text = api_tokens.create_token(
            user=self.owner,
            name=self.cleaned_data["name"],
            scopes=self.cleaned_data["scopes"],
            days=int(self.cleaned_data["days"]) or None,
            by=self.request.user,
        )
        return text


class RoleForm(forms.Form):
    """Choose the role of a service account."""

    use_required_attribute = False

    role = forms.ChoiceField(label=_("Role"), widget=forms.RadioSelect)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        form = "<strong>{}</strong><small>{}</small>"
        self.fields["role"].choices = [  # type: ignore[attr-defined]
            (value, format_html(form, label, ROLES[value].sentence)) for value, label in Role.choices
        ]


class ServiceAccountForm(RoleForm):
    """Create a service account."""

    name = forms.CharField(label=_("Name"), max_length=150, validators=[USERNAME])
    field_order = ("name", "role")

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        if api_tokens.is_name_taken(name):
            raise ValidationError(_("Another account has this username."))
        return name


def _described(scope: Scope) -> str:
    return format_html("<strong>{}</strong><small>{}</small>", scope.label, MEANINGS[scope])
