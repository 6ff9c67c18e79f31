"""Offer “Add yourself” where a user on whom things depend is deactivated, removed or given another role."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from config.platform.accounts import lockout, ownership, reauthentication
from config.platform.accounts.models import User
from config.platform.accounts.policies import administrators
from config.platform.web.htmx import Request
from config.platform.web.middleware import client_address


class StepInForm(forms.Form):
    """What depends on ``person``, to be ticked where the signed-in user takes over; confirmed with their
    password, or by signing in again at ``door`` when single sign-on is their only way in. It has no fields
    when nothing depends on the person, or when the user could not take over. Call ``carry_out`` inside the
    transaction that lets the person go."""

    use_required_attribute = False
    prefix = "instead"

    add_yourself = forms.MultipleChoiceField(
        label=_("Add yourself as export user"), required=False, widget=forms.CheckboxSelectMultiple
    )
    password = forms.CharField(
        label=_("Your password"),
        required=False,
        strip=False,
        help_text=_("Whoever stands for what is sent confirms it with the password they sign in with."),
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def __init__(self, request: Request, *, person: User) -> None:
        super().__init__(request.POST or None)
        self.request, self.person, self.by = request, person, request.user
        self.dependents = ownership.depending_on(person)
        if not self.dependents or not self._can_stand_in:
            self.fields.clear()
            return
        if not reauthentication.has_password(self.by):
            del self.fields["password"]
        choices = [(dependent.key, dependent.name) for dependent in self.dependents]
        self.fields["add_yourself"].choices = choices  # type: ignore[attr-defined]

    @property
    def door(self) -> str:
        """Return where a user without a password confirms; empty for all others, and for one who just did."""
        if not self.fields or "password" in self.fields or reauthentication.confirmed(self.request):
            return ""
        return reauthentication.door(self.request.get_full_path())

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("add_yourself"):
            try:
                self._confirm(cleaned.get("password", ""))
            except lockout.Locked as refusal:
                self.add_error("password", refusal.sentence)
        return cleaned

    def _confirm(self, password: str) -> None:
        if "password" not in self.fields:
            if not reauthentication.confirmed(self.request):
                self.add_error("add_yourself", _("Confirm first that it is still you. Nothing was changed."))
        elif not reauthentication.check_password(self.by, password, client_address(self.request)):
            self.add_error("password", _("This is not your password. Nothing was changed."))

    def carry_out(self) -> None:
        """Stand in where that was ticked. Only for a valid form."""
        keys = self.cleaned_data.get("add_yourself", [])
        ownership.step_in(instead_of=self.person, keys=keys, by=self.by)

    @property
    def _can_stand_in(self) -> bool:
        return self.by.pk != self.person.pk and administrators().filter(pk=self.by.pk).exists()
