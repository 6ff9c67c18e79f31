"""Find what depends on a user, and let an administrator take it over.

Apps above this one register a function that lists what depends on a user. Pages that deactivate or remove a
user, or change their role, list it and offer “Add yourself”.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from config.platform.accounts import lockout, reauthentication
from config.platform.accounts.actions import administrators
from config.platform.accounts.models import User
from config.platform.web.htmx import Request
from config.platform.web.middleware import client_address

TakeOver = Callable[[User], None]


@dataclass(frozen=True)
class Dependent:
    """One thing that depends on a user, with the address of its page. ``key`` names it among all; ``take_over``
    lets another user take over, who has confirmed their identity."""

    key: str
    name: str
    url: str
    take_over: TakeOver = field(repr=False, compare=False)


DependentsOf = Callable[[User], Sequence[Dependent]]
_registered: list[DependentsOf] = []


def register(dependents_of: DependentsOf) -> None:
    """Let ``dependents_of(user)`` be asked before that person is deactivated, removed or given another role."""
    _registered.append(dependents_of)


def dependents_of(user: User) -> list[Dependent]:
    """Return everything that stops when ``user`` can no longer administer."""
    return [dependent for registered in _registered for dependent in registered(user)]


class TakeOverForm(forms.Form):
    """List what depends on ``person``, to be ticked where the signed-in user takes over.

    The user confirms it with their password, or by signing in again at ``confirm_url`` when single sign-on is
    their only way in. The form has no fields when nothing depends on the person, or when the user could not take
    over. Call ``take_over`` inside the transaction that changes the person's account."""

    use_required_attribute = False
    prefix = "instead"

    add_yourself = forms.MultipleChoiceField(
        label=_("Add yourself as export user"), required=False, widget=forms.CheckboxSelectMultiple
    )
    password = forms.CharField(
        label=_("Your password"),
        required=False,
        strip=False,
        help_text=_("The export user confirms with a password."),
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def __init__(self, request: Request, *, person: User) -> None:
        super().__init__(request.POST or None)
        self.request, self.person, self.by = request, person, request.user
        self.dependents = dependents_of(person)
        if not self.dependents or not self._can_take_over:
            self.fields.clear()
            return
        if not reauthentication.has_password(self.by):
            del self.fields["password"]
        choices = [(dependent.key, dependent.name) for dependent in self.dependents]
        self.fields["add_yourself"].choices = choices  # type: ignore[attr-defined]

    @property
    def confirm_url(self) -> str:
        """Return where a user without a password confirms; empty for all others, and for one who just did."""
        if not self.fields or "password" in self.fields or reauthentication.confirmed(self.request):
            return ""
        return reauthentication.confirm_url(self.request.get_full_path())

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
                self.add_error("add_yourself", _("Confirm your identity first. Nothing was changed."))
        elif not reauthentication.check_password(self.by, password, client_address(self.request)):
            self.add_error("password", _("Incorrect password. Nothing was changed."))

    def take_over(self) -> None:
        """Take over what was ticked. Only for a valid form."""
        for dependent in dependents_of(self.person):
            if dependent.key in self.cleaned_data.get("add_yourself", []):
                dependent.take_over(self.by)

    @property
    def _can_take_over(self) -> bool:
        return self.by.pk != self.person.pk and administrators().filter(pk=self.by.pk).exists()
