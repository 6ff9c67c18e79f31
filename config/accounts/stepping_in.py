"""“Add yourself”: offered wherever somebody on whom things depend is about to go."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from config.accounts import dependents
from config.accounts.models import User
from config.accounts.policies import administrators


class StepInForm(forms.Form):
    """What depends on ``person``, to be ticked where ``by`` stands in; confirmed with the password of ``by``. It
    has no fields when nothing depends on the person, or when ``by`` could not stand in. Call ``carry_out`` inside
    the transaction that lets the person go."""

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

    def __init__(self, *args: Any, person: User, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.person, self.by = person, by
        self.dependents = dependents.depending_on(person)
        if not self.dependents or not self._can_stand_in:
            self.fields.clear()
            return
        choices = [(dependent.key, dependent.name) for dependent in self.dependents]
        self.fields["add_yourself"].choices = choices  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("add_yourself") and not self.by.check_password(cleaned.get("password", "")):
            self.add_error("password", _("This is not your password. Nothing was changed."))
        return cleaned

    def carry_out(self) -> None:
        """Stand in where that was ticked. Only for a valid form."""
        keys = self.cleaned_data.get("add_yourself", [])
        dependents.step_in(instead_of=self.person, keys=keys, by=self.by)

    @property
    def _can_stand_in(self) -> bool:
        return self.by.pk != self.person.pk and administrators().filter(pk=self.by.pk).exists()
