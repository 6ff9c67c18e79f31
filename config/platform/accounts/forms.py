"""Forms about accounts."""

from typing import Any

from django import forms
from django.contrib.auth.password_validation import password_validators_help_texts, validate_password
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from config.platform.accounts import actions, lockout
from config.platform.accounts.models import User
from config.platform.accounts.permissions import ROLES, Role

USERNAME = RegexValidator(r"^[\w.@+-]+\Z", _("Use only letters, digits and @ . + - _."))


def _roles() -> list[tuple[str, SafeString]]:
    form = "<strong>{}</strong><small>{}</small>"
    return [(value, format_html(form, label, ROLES[value].sentence)) for value, label in Role.choices]


class AccountForm(forms.Form):
    """Edit name, email and role of a user."""

    full_name = forms.CharField(label=_("Name"), max_length=150)
    email = forms.EmailField(label=_("Email"), required=False)
    role = forms.ChoiceField(label=_("Role"), choices=_roles, widget=forms.RadioSelect)


class AddUserForm(AccountForm):
    """Add an account. Its password is chosen by the person, by way of an invitation."""

    username = forms.CharField(
        label=_("Username"),
        max_length=150,
        validators=[USERNAME],
        help_text=_("Used to sign in. It cannot be changed later."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    field_order = ("full_name", "username", "email", "role")

    def clean_username(self) -> str:
        username = str(self.cleaned_data["username"])
        if User.objects.find(username):
            raise ValidationError(_("Another account has this username."))
        return username


class PasswordForm(forms.Form):
    """A new password for a user."""

    password = forms.CharField(
        label=_("New password"), strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"})
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        self.fields["password"].help_text = " ".join(password_validators_help_texts())

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if "password" in data:
            try:
                validate_password(data["password"], self.user)
            except ValidationError as error:
                self.add_error("password", error)
        return data


class FirstAccountForm(AddUserForm):
    """Add the first account, an administrator, with its password."""

    role = None  # type: ignore[assignment]
    password = forms.CharField(
        label=_("Password"), strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"})
    )
    field_order = ("full_name", "username", "email", "password")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].help_text = " ".join(password_validators_help_texts())

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if "password" in data:
            user = User(**{name: data.get(name, "") for name in ("username", "full_name", "email")})
            try:
                validate_password(data["password"], user)
            except ValidationError as error:
                self.add_error("password", error)
        return data


class ForgottenForm(forms.Form):
    """Ask for the email address of a user who has forgotten the password."""

    email = forms.EmailField(label=_("Email"), widget=forms.EmailInput(attrs={"autocomplete": "email"}))


class ChangePasswordForm(PasswordForm):
    """Change one's own password. Guesses of the present one are counted like those at sign-in."""

    present = forms.CharField(
        label=_("Current password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    field_order = ("present", "password")

    def __init__(self, *args: Any, address: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.address = address

    def clean_present(self) -> str:
        present = str(self.cleaned_data["present"])
        try:
            with lockout.attempt(self.user.username, self.address, failure="wrong password") as attempt:
                if not self.user.check_password(present):
                    raise ValidationError(_("Incorrect password. Nothing was changed."))
                attempt.succeeded()
        except lockout.Locked as refusal:
            raise ValidationError(refusal.sentence) from refusal
        return present


class ChoosePasswordForm(PasswordForm):
    """Choose the first password of an invited user, or a new one after a password link."""

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, user=user, **kwargs)

    def save(self) -> User:
        """Set the password; called by Django's view."""
        actions.set_password(
            user=self.user, password=self.cleaned_data["password"], by=self.user, action="password reset"
        )
        return self.user
